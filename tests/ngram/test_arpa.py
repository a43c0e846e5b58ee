"""ARPA files: the format to the letter, nothing lost on the way out and in, other programs' files, and bad ones."""

from __future__ import annotations

import gzip
import math
import random
import re
from pathlib import Path

import numpy as np
import pytest
from paths import PTB

from rnnlm.errors import DataError, UsageError
from rnnlm.evaluation import score
from rnnlm.evaluation.external import is_external
from rnnlm.models import NgramLM, load
from rnnlm.ngram.arpa_lines import BLOCK
from rnnlm.text import Corpus, Vocabulary

SMALL = r"""
# a comment: P(a|<s>) = 0.5, the rest by backing off

\data\
ngram 1=5
ngram 2=3
ngram 3=2

\1-grams:
-1.5 <s> -0.3
-0.7 a -0.2
-0.4 </s>
-0.9 b
-1.1 <UNK> 0.1

\2-grams:
-0.5 a b -0.6
-0.301 <s> a -0.25
-0.8 b </s>

\3-grams:
-0.15 <s> a b
-0.05 a b </s>

\end\
"""


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def written(tmp_path):
    """`written(text)` is the path of a file with this text."""

    def written(text: str | bytes, name: str = "lm.arpa") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


def log10_scores(path: Path, sentences: str) -> list[float]:
    """log10 P of each token by the definition of back-off, from a dictionary of the file's lines."""
    p: dict[tuple[str, ...], float] = {}
    weight: dict[tuple[str, ...], float] = {}
    k = 0
    for line in path.read_text().split("\n"):
        if found := re.fullmatch(r"\\(\d+)-grams:", line):
            k = int(found[1])
        elif k and line and not line.startswith("\\"):
            fields = re.split(r"[ \t]", line)
            p[tuple(fields[1 : k + 1])] = float(fields[0])
            weight[tuple(fields[1 : k + 1])] = float(fields[k + 1]) if len(fields) > k + 1 else 0.0

    def backed_off(ngram: tuple[str, ...]) -> float:
        return p[ngram] if ngram in p else weight.get(ngram[:-1], 0.0) + backed_off(ngram[1:])

    found = []
    for sentence in sentences.removesuffix("\n").split("\n"):
        history: tuple[str, ...] = ("<s>",)
        for word in (*filter(None, sentence.split(" ")), "</s>"):
            history += (word if (word,) in p else "<UNK>" if ("<UNK>",) in p else "<unk>",)
            found.append(backed_off(history[-k:]))
    return found


def log10_model(model: NgramLM, sentences: str) -> np.ndarray:
    corpus = Corpus.from_text(sentences, vocabulary=model.vocabulary)
    return score(model, corpus).logp / math.log(10)


def random_text(lines: int = 120, seed: int = 5) -> str:
    rng = random.Random(seed)
    words = [*"abcdefgh", "<unk>", "été", "x\u00a0y"]
    return "".join(" ".join(rng.choices(words, range(11, 0, -1), k=rng.randrange(9))) + "\n" for _ in range(lines))


def same_tables(one: NgramLM, two: NgramLM) -> None:
    assert one.table.levels == two.table.levels
    for name in ("words", "first", "logp", "backoff"):
        a, b = getattr(one.table, name), getattr(two.table, name)
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b, err_msg=name)


def test_a_file_has_the_format_of_the_definition(tmp_path):
    """Maximum likelihood of four lines, one of them empty: all probabilities by hand, and no back-off."""
    model = NgramLM.train(Corpus.from_text("a b\na\n\na b\n"), order=2, smoothing="ml")
    model.write_arpa(tmp_path / "lm.arpa")
    expected = r"""\data\
ngram 1=4
ngram 2=5

\1-grams:
-99|<s>|-99
4/9|</s>
3/9|a|-99
2/9|b|-99

\2-grams:
1/4|<s> </s>
3/4|<s> a
1/3|a </s>
2/3|a b
1|b </s>

\end\
"""
    lines = (tmp_path / "lm.arpa").read_text().split("\n")
    for line, wish in zip(lines, expected.split("\n"), strict=True):
        p, *fields = wish.split("|")
        found, *rest = line.split("\t")
        assert rest == fields
        if re.fullmatch(r"\d(/\d)?", p):
            over, under = map(int, (p + "/1").split("/")[:2])
            assert found == f"{float(np.float32(math.log(over / under))) / math.log(10):.9g}"
        else:
            assert found == p


@pytest.mark.parametrize("smoothing", ["kneser-ney", "ml", "witten-bell"])
@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.filterwarnings("ignore:.*stand:RuntimeWarning")
def test_what_is_written_is_read_bit_for_bit(tmp_path, order, smoothing):
    text = random_text()
    model = NgramLM.train(Corpus.from_text(text), order=order, smoothing=smoothing)
    model.write_arpa(tmp_path / "lm.arpa")
    back = NgramLM.read_arpa(tmp_path / "lm.arpa")
    assert back.vocabulary.words == model.vocabulary.words
    same_tables(model, back)
    assert back.config == {"order": order, "smoothing": "arpa", "prune": [], "dtype": "float32"}
    other = random_text(seed=6)
    np.testing.assert_array_equal(log10_model(model, other), log10_model(back, other))
    np.testing.assert_allclose(
        np.maximum(log10_model(back, text), -99), np.maximum(log10_scores(tmp_path / "lm.arpa", text), -99), rtol=1e-6
    )


@pytest.mark.filterwarnings("ignore:.*stand:RuntimeWarning")
def test_pruned_and_float64_models_are_written_too(tmp_path):
    pruned = NgramLM.train(Corpus.from_text(random_text()), order=3, prune=(0, 0, 1))
    pruned.write_arpa(tmp_path / "pruned.arpa")
    same_tables(pruned, NgramLM.read_arpa(tmp_path / "pruned.arpa"))
    double = NgramLM.train(Corpus.from_text(random_text()), order=3, dtype="float64")
    double.write_arpa(tmp_path / "double.arpa")
    numbers = [
        float(line.split("\t")[0]) for line in (tmp_path / "double.arpa").read_text().split("\n") if "\t" in line
    ]
    np.testing.assert_allclose(numbers[1:], double.table.logp / math.log(10), rtol=1e-15)
    back = NgramLM.read_arpa(tmp_path / "double.arpa")
    np.testing.assert_array_equal(back.table.logp, double.table.logp.astype(np.float32))


def test_a_probability_that_rounding_put_above_one_is_written_as_one(tmp_path):
    model = NgramLM.train(Corpus.from_text("a\n"), order=1, smoothing="ml")
    model.table.logp[:] = [np.log(0.5), 1e-7]
    model.write_arpa(tmp_path / "lm.arpa")
    assert "\n0\ta\n" in (tmp_path / "lm.arpa").read_text()


def test_a_file_of_another_program_scores_as_by_hand(written):
    path = written(SMALL)
    model = load(path)
    assert isinstance(model, NgramLM)
    assert model.tokenizer == "words"
    assert model.vocabulary.words == ["</s>", "a", "b", "<unk>"]
    assert list(model.vocabulary.counts) == [round(10**e * 1e6) for e in (-0.4, -0.7, -0.9, -1.1)]
    expected = [
        *(-0.301, -0.15, -0.05),  # a | <s>, b | <s> a, </s> | a b: all there
        *(-0.3 - 0.9, -0.7, -0.2 - 0.4),  # b | <s> backs off; b has no weight; b a is no context, but a is one
        *(-0.3 - 1.1, 0.1 - 1.1, 0.1 - 0.4),  # unknown words
        -0.3 - 0.4,
    ]
    assert log10_model(model, "a b\nb a\nzoo zoo\n\n") == pytest.approx(expected, rel=1e-6)
    text = "a b a b b zoo a\nb\n\na a b\n"
    assert log10_model(model, text) == pytest.approx(log10_scores(path, text), rel=1e-6)


def test_the_order_of_lines_and_crlf_and_missing_weights_do_not_matter(written):
    model = load(written(SMALL))
    head, *sections = SMALL.split("\n\n\\")
    shuffled = []
    for section in sections:
        title, *lines = section.split("\n")
        shuffled.append("\n".join([title, *reversed(lines)]) if "grams" in title else section)
    again = load(written("\n\n\\".join([head, *shuffled]).replace("\n", "\r\n"), "other.arpa"), model.vocabulary)
    same_tables(model, again)


def test_a_missing_beginning_is_inserted_and_changes_nothing(written):
    lacking = SMALL.replace("ngram 2=3", "ngram 2=1").replace("-0.5 a b -0.6\n", "").replace("-0.301 <s> a -0.25\n", "")
    lacking = lacking.replace("ngram 3=2\n", "ngram 3=2\nngram 4=2\nngram 5=1\n").replace(
        "\\end\\", "\\4-grams:\n-0.11 b b a </s>\n-0.12 <s> b b a -0.01\n\n\\5-grams:\n-0.13 a a a a a\n\n\\end\\"
    )
    path = written(lacking)
    model = load(path)
    # ab aa <s>a <s>b bb, aaa bba <s>bb, aaaa and what was there
    assert np.diff(model.table.levels).tolist() == [4, 6, 5, 3, 1]
    text = "a b\nb b a b b a\na a a a a a a\nb\na\nb a b b\n\nzoo b b zoo\n"
    assert log10_model(model, text) == pytest.approx(log10_scores(path, text), rel=1e-6)


def test_ngrams_that_no_text_asks_for_are_left_out(written):
    odd = SMALL.replace("ngram 2=3", "ngram 2=6").replace(
        "-0.8 b </s>", "-0.8 b </s>\n-1 </s> a -1\n-1 <s> <s>\n-2 a <s>"
    )
    same_tables(load(written(SMALL)), load(written(odd, "odd.arpa")))
    middle = SMALL.replace("ngram 3=2", "ngram 3=4").replace("-0.05 a b", "-1 a </s> a\n-1 a <s> a\n-0.05 a b")
    same_tables(load(written(SMALL)), load(written(middle, "middle.arpa")))


def test_minus_99_is_zero_and_so_is_minus_infinity(written):
    model = load(written(SMALL.replace("-0.9 b", "-99 b -inf").replace("-0.8 b </s>", "-100.5 b </s>")))
    assert log10_model(model, "b a\n").tolist() == [-np.inf, -np.inf, pytest.approx(-0.6)]
    assert model.vocabulary.counts[2] == 1


def test_a_vocabulary_gives_its_ids(written):
    path = written(SMALL)
    vocabulary = Vocabulary(["</s>", "<unk>", "b", "a"], [1, 1, 1, 1])
    model = load(path, vocabulary)
    assert model.vocabulary is vocabulary
    text = "a b\nb a\nzoo zoo\n\n"
    assert log10_model(model, text) == pytest.approx(log10_model(load(path), text))
    with pytest.raises(DataError, match=r"lm.arpa, line 14: the word 'zoo' of the vocabulary is not among the 1-grams"):
        load(path, Vocabulary(["</s>", "a", "zoo", "b", "<unk>"], [1] * 5))
    with pytest.raises(DataError, match=r"lm.arpa, line 13: the word 'b' is not in the vocabulary"):
        load(path, Vocabulary(["</s>", "a", "<unk>"], [1] * 3))


def test_packed_files_are_the_same(tmp_path):
    model = NgramLM.train(Corpus.from_text(random_text()), order=3, smoothing="witten-bell")
    for name in ("lm.arpa", "one.arpa.gz", "two.arpa.gz"):
        model.write_arpa(tmp_path / name)
    packed = (tmp_path / "one.arpa.gz").read_bytes()
    assert packed == (tmp_path / "two.arpa.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / "lm.arpa").read_bytes()
    same_tables(model, load(tmp_path / "one.arpa.gz"))
    with pytest.raises(UsageError, match=r"lm.arpa.bz2 would be compressed as .bz2"):
        model.write_arpa(tmp_path / "lm.arpa.bz2")


@pytest.mark.parametrize("word", [" ", "<s>"])
def test_words_that_the_format_cannot_hold_are_refused(tmp_path, word):
    corpus = Corpus(np.array([1, 2, 3, 0]), Vocabulary(["</s>", "a", word, "b"], [1] * 4))
    model = NgramLM.train(corpus, order=2, smoothing="ml")
    with pytest.raises(DataError, match=f"the word '{word}' cannot be in an ARPA file"):
        model.write_arpa(tmp_path / "lm.arpa")
    assert not list(tmp_path.iterdir())


BAD = {
    "empty": (lambda s: "", r"line 1: this is not an ARPA file, it is empty"),
    "not ARPA": (lambda s: "the cat\n", r"line 1: this is not an ARPA file, it has no line \\data\\"),
    "no data": (lambda s: s.replace("\\data\\\n", ""), r"line 1: this is not an ARPA file"),
    "only data": (lambda s: "\\data\\\n", r"line 1: the end of the file stands where ngram 1=NUMBER"),
    "order 0": (lambda s: s.replace("ngram 1=5", "ngram 0=5"), r"line 5: the number of 0-grams .* 1-grams"),
    "no counts": (lambda s: re.sub("ngram .*\n", "", s), r"line 6: '\\\\1-grams:' stands where ngram 1=NUMBER"),
    "order missing": (lambda s: s.replace("ngram 2=3\n", ""), r"line 6: the number of 3-grams .* 2-grams should come"),
    "count no number": (lambda s: s.replace("2=3", "2=x"), r"line 6: 'ngram 2=x' stands where \\1-grams: should come"),
    "too few words": (
        lambda s: s.replace("1=5", "1=6"),
        r"line 16: '\\\\2-grams:' stands where 1 more 1-gram should come",
    ),
    "too few": (lambda s: s.replace("2=3", "2=5"), r"line 21: '\\\\3-grams:' stands where 2 more 2-grams should"),
    "too many": (lambda s: s.replace("2=3", "2=2"), r"line 19: '-0.8 b </s>' stands where \\3-grams: .* more n-grams"),
    "too many, last": (lambda s: s.replace("3=2", "3=1"), r"line 23: .* where \\end\\ should come; .* more n-grams"),
    "section missing": (lambda s: re.sub(r"\\2-grams:\n(.+\n)+\n", "", s), r"line 16: '\\\\3-grams:' .* \\2-grams:"),
    "sections missing": (lambda s: s.split("\n\\2")[0], r"line 14: the file ends where \\2-grams: should come"),
    "no end": (
        lambda s: s.replace("\\end\\", ""),
        r"line 25: the file ends where \\end\\ should come; it is cut short",
    ),
    "cut short": (lambda s: s[: s.index("-0.301")], r"line 17: the file ends after 1 of 3 2-grams; it is cut short"),
    "cut in a line": (lambda s: s[: s.index("b </s>\n")], r"line 19: 1 fields; a 2-gram has"),
    "nan": (lambda s: s.replace("-0.5 a", "nan a"), r"line 17: 'nan' stands where a number should"),
    "nan weight": (lambda s: s.replace("-0.25", "NaN"), r"line 18: 'NaN' stands where a number should"),
    "no number": (lambda s: s.replace("-0.7", "-0,7"), r"line 11: '-0,7' stands where a number should"),
    "no number behind": (lambda s: s.replace("b -0.6", "b -0.6x"), r"line 17: '-0.6x' stands where a number should"),
    "positive": (lambda s: s.replace("-0.4", "0.4"), r"line 12: the log-probability '0.4' is positive"),
    "infinite": (lambda s: s.replace("-0.4", "inf"), r"line 12: 'inf' stands where a number should"),
    "infinite weight": (lambda s: s.replace("-0.6", "1e999"), r"line 17: the back-off weight '1e999' .* not finite"),
    "no <s>": (lambda s: s.replace("-1.5 <s>", "-1.5 c"), r"line 14: none of the 5 words is <s>, the start of a"),
    "something behind": (lambda s: s + "-1 a\n", r"line 26: '-1 a' follows \\end\\"),
    "two files": (lambda s: s + s, r"line 27: '# a comment.*follows \\end\\"),
    "a huge count": (lambda s: s.replace("1=5", "1=" + "9" * 5000), r"line 5: 'ngram 1=9+' stands where ngram 1="),
    "a count beyond memory": (lambda s: s.replace("1=5", "1=" + "9" * 17), r"line 16: .* stands where 9{2}.* more"),
    "zero byte": (lambda s: s.replace("-0.9 b", "-0.9 b\0"), r"line 13: it holds the invisible byte 0x00"),
    "no-break space": (
        lambda s: s.replace("-0.9 b", "-0.9\u00a0b"),
        r"line 13: .* fields; a 1-gram has .*; character 5 is U\+00A0 \(no-break space\), which separates no fields",
    ),
    "vertical tab": (lambda s: s.replace("-0.9 b", "-0.9 b\x0bc"), r"line 13: it holds the invisible byte 0x0b"),
    "mark in a line": (lambda s: s.replace("-0.9 b", "-0.9 \ufeffb"), r"line 17: the word 'b' is not among"),
    **{
        f"number {text}": (lambda s, text=text: s.replace("-0.7", text), rf"line 11: '{text}' stands where a number")
        for text in (
            "-0_7",
            "-infinity",
            "-Inf",
            "-INF",
            "-0x1p3",
            "\uff0d\uff11",
            "-1e",
            "-.",
            "--1",
            "1-",
            "-1f",
            "e5",
        )
    },
    "weight of the longest": (
        lambda s: s.replace("b </s>\n\n\\end", "b </s> -1\n\n\\end"),
        r"line 23: .* '-1' .* none",
    ),
    "too many words": (lambda s: s.replace("-0.8 b", "-0.8 b a"), r"line 19: '</s>' stands where a number should"),
    "far too many words": (lambda s: s.replace("-0.8 b", "-0.8 b a a"), r"line 19: 5 fields; a 2-gram has .* 2 words"),
    "no word": (lambda s: s.replace("-0.8 b </s>", "-0.8 b"), r"line 19: 2 fields; a 2-gram"),
    "a word fewer": (lambda s: s.replace("a b -0.6", "a -0.6"), r"line 17: the word '-0.6' is not among the 1-grams"),
    "unknown": (lambda s: s.replace("<s> a b", "<s> a x"), r"line 22: the word 'x' is not among the 1-grams"),
    "twice": (lambda s: s.replace("b </s>\n\n", "a b\n\n", 1), r"line 19: the 2-gram 'a b' comes twice"),
    "twice, longest": (lambda s: s.replace("a b </s>", "<s> a b"), r"line 23: the 3-gram '<s> a b' comes twice"),
    "word twice": (lambda s: s.replace("-0.9 b", "-0.9 a"), r"line 13: the word 'a' comes twice"),
    "no </s>": (lambda s: s.replace("-0.4 </s>", "-0.4 c"), r"line 14: none of the 5 words is </s>"),
    "no words": (lambda s: "\\data\\\nngram 1=0\n\n\\1-grams:\n\n\\end\\\n", r"line 4: none of the 0 words is </s>"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_refused_with_line_and_reason(written, case):
    spoil, reason = BAD[case]
    text = spoil(SMALL)
    assert text != SMALL
    with pytest.raises(DataError, match=r"lm\.arpa, " + reason) as error:
        NgramLM.read_arpa(written(text))
    assert "\n" not in str(error.value)


def variants(text: str) -> dict[str, str | bytes]:
    """The same model as other programs and editors write it."""
    lines = text.split("\n")
    begin = lines.index("\\data\\")
    blank = [line for line in lines[begin:] for line in ((line, "", "  ") if line.startswith("-") else (line,))]
    return {
        "blank lines in sections": "\n".join(lines[:begin] + blank),
        "a blank line behind each marker": text.replace("-grams:", "-grams:\n").replace("\\end\\", "\n\n\\end\\"),
        "no blank lines": "\n".join(filter(None, lines)),
        "a byte-order mark": "\ufeff" + text,
        "a byte-order mark before \\data\\": "\ufeff" + "\n".join(lines[begin:]),
        "CRLF": text.replace("\n", "\r\n"),
        "CR": text.replace("\n", "\r"),
        "a byte-order mark and CR": "\ufeff" + "\n".join(lines[begin:]).replace("\n", "\r"),
        "blanks behind": text.replace("\n", " \t\n"),
        "tabs": text.replace(" ", "\t"),
        "many blanks": text.replace(" ", "  "),
        "text before": "the cat\n-1 a\n" + text,
        "no comment": "\n".join(lines[begin:]),
        "nothing behind the end": text.rstrip("\n"),
        "much behind the end": text + "\n \n\r\n",
        "weights of zero at the longest": text.replace("<s> a b\n", "<s> a b 0\n").replace(
            "b </s>\n\n\\end", "b </s>\t-0.0\n\n\\end"
        ),
        "exponents": text.replace("-0.5 a", "-5.E-1 a").replace("-0.15", "-1500e-4").replace("0.1\n", "+.1\n"),
    }


@pytest.mark.parametrize("name", variants(SMALL))
def test_what_other_programs_write_is_the_same_model(written, name):
    text = variants(SMALL)[name]
    assert text != SMALL
    path = written(text)
    same_tables(load(written(SMALL, "other.arpa")), load(path))
    assert not is_external(path)


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_a_line_may_end_where_a_block_ends(written, end):
    lines = ["#", "\\data\\", "ngram 1=30002", "\\1-grams:", "-1 </s>", "-99 <s>"]
    text = end.join([*lines, *(f"-5 w{i:06d}" for i in range(30_000)), "\\end\\", ""])
    padding = BLOCK - 1 - text.rindex("\r", 0, BLOCK)  # now the CR is the last byte of the first block
    model = load(written("#" * padding + text))
    assert model.vocabulary.words[1:] == [f"w{i:06d}" for i in range(30_000)]


def test_the_line_of_an_error_is_right_behind_blank_lines(written):
    text = SMALL.replace("-0.7 a", "\n\n-0.7 a").replace("-0.8 b </s>", "\n-0.8 b x")
    with pytest.raises(DataError, match=r"line 22: the word 'x' is not among the 1-grams"):
        load(written(text))
    with pytest.raises(DataError, match=r"line 19: the 2-gram 'a b' comes twice"):
        load(written(SMALL.replace("-0.5 a b -0.6", "-0.5 a b -0.6\n\n-0.5 a b").replace("2=3", "2=4")))


def test_what_is_missing_below_an_ngram_changes_nothing(written):
    """N-grams without their first or last words as an n-gram of their own, as pruning leaves them."""
    lacking = SMALL.replace("ngram 2=3", "ngram 2=1").replace("-0.5 a b -0.6\n-0.301 <s> a -0.25\n", "")
    path = written(lacking)
    text = "a b\nb a\na a b\n\n"
    assert log10_model(load(path), text) == pytest.approx(log10_scores(path, text), rel=1e-6)


def test_bytes_that_are_not_utf8_are_refused(written):
    text = SMALL.replace("-0.9 b", "-0.9 é").encode("latin-1")
    with pytest.raises(DataError, match=r"lm.arpa, line 13: the word '.' is not UTF-8"):
        load(written(text))


def test_truncated_gzip_is_refused_with_the_last_good_line(written):
    lines = [f"-5.{i:06d}\tw{i}" for i in range(60_000)]
    text = "\\data\\\nngram 1=60002\n\n\\1-grams:\n-1 </s>\n-99 <s>\n" + "\n".join(lines) + "\n\n\\end\\\n"
    packed = gzip.compress(text.encode())
    assert len(load(written(packed, "good.gz")).vocabulary) == 60_001
    assert len(text) > 3 * BLOCK
    path = written(packed[: len(packed) * 2 // 3])
    with pytest.raises(DataError, match=r"lm.arpa is cut short: .* \(It could be read up to line (\d+).\)") as error:
        load(path)
    line = int(re.search(r"line (\d+)", str(error.value))[1])
    assert 10_000 < line < 45_000
    with pytest.raises(DataError, match=r"lm.arpa is cut short: its compressed data ends too soon"):
        load(written(gzip.compress(SMALL.encode())[:-20]))
    with pytest.raises(DataError, match=r"(damaged|cannot be read)"):  # only the checksum at the end is wrong
        load(written(packed[:-8] + bytes(4) + packed[-4:]))


def test_it_is_a_model_and_no_file_of_probabilities(written, tmp_path):
    """Most of its lines begin with a number, as those of other programs' probabilities do."""
    path = written(
        SMALL.replace("ngram 1=5", "ngram 1=45").replace(
            "-0.9 b\n", "-0.9 b\n" + "".join(f"-3 w{i}\n" for i in range(40))
        )
    )
    assert not is_external(path)
    assert len(load(path).vocabulary) == 44


def test_what_is_no_arpa_file_is_loaded_as_before(written, tmp_path):
    with pytest.raises(DataError, match="is not a model of rnnlm"):
        load(written("the cat\n"))
    with pytest.raises(DataError, match="cannot be read as a model"):
        load(tmp_path / "none.arpa")


@pytest.mark.skipif(not PTB.is_dir(), reason="Penn Treebank is licensed; RNNLM_PTB names the folder of a copy")
def test_penn_treebank_has_the_same_perplexity_from_an_arpa_file(tmp_path):
    model = NgramLM.train(PTB / "ptb.train.txt", order=3)
    model.write_arpa(tmp_path / "ptb.arpa")
    back = load(tmp_path / "ptb.arpa")
    same_tables(model, back)
    test = PTB / "ptb.test.txt"
    assert back.perplexity(test).ppl == model.perplexity(test).ppl == pytest.approx(148.2815, abs=1e-3)


def test_kenlm_reads_our_file_and_gives_the_same_probabilities(tmp_path):
    kenlm = pytest.importorskip("kenlm", reason="another program's reader of ARPA files: pip install kenlm")
    rng = np.random.default_rng(5)
    lines = [" ".join(rng.choice(["a", "b", "c", "dd", "<unk>"], rng.integers(0, 9))) for _ in range(300)]
    corpus = Corpus.from_text("\n".join(lines) + "\n")
    lm = NgramLM.train(corpus, order=4)
    lm.write_arpa(tmp_path / "m.arpa")
    theirs = kenlm.Model(str(tmp_path / "m.arpa"))
    found = [score for line in lines for score, _, _ in theirs.full_scores(line, bos=True, eos=True)]
    ours, _ = lm.score(np.append(0, corpus.ids[:-1])[:, None], corpus.ids[:, None], lm.start(1))
    np.testing.assert_allclose(np.array(found) * np.log(10), ours[:, 0], rtol=1e-5)
