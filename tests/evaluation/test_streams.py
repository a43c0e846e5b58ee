"""The probability stream: its figures, its rules, its files, and streams of other programs, against sums by hand."""

from __future__ import annotations

import csv
import gzip
import math
from dataclasses import fields, replace

import numpy as np
import pytest

from rnnlm import storage
from rnnlm.errors import DataError, UsageError
from rnnlm.evaluation import (
    external,
    in_ids_of,
    is_external,
    read_stream,
    require_same,
    score,
    stream_perplexity,
    write_binary,
    write_tsv,
)
from rnnlm.evaluation.lines import numbered_lines
from rnnlm.evaluation.stream import CONTEXTS, Stream
from rnnlm.evaluation.stream_tsv import QUOTING
from rnnlm.models import LanguageModel
from rnnlm.text import Corpus, Encoding, Vocabulary, as_encoding

BIT = math.log(2)
VOCABULARY = Vocabulary(["</s>", "a", "b", "<unk>"], [4, 3, 2, 1])
TABLE = np.array([[1, 4, 2, 1], [4, 2, 1, 1], [2, 2, 2, 2], [4, 4, 0, 0]]) / 8  # P(word | the word before)
TEXT = "a b\nb zebra\n\na\n"  # a b </s> b zebra </s> </s> a </s>
BITS = np.array([1, 3, 2, 2, 2, 1, 3, 1, 1])  # -log2 P, read off the table
ENTROPY = [1.75, 1.75, 2, 1.75, 2, 1, 1.75, 1.75, 1.75]
RANK = [1, 3, 1, 2, 1, 1, 3, 1, 1]


class Bigram(LanguageModel):
    kind, config = "bigram", {}

    def __init__(self, vocabulary=VOCABULARY):
        self.encoding = as_encoding(vocabulary)
        with np.errstate(divide="ignore"):
            self.table = np.log(TABLE)

    def start(self, batch=1):
        return (np.zeros((batch, 1)),)

    def score(self, x, y, state, keep=None):
        return np.where(y < 0, 0.0, self.table[x, y]), state

    def next(self, x, state):
        return self.table[x], state


class Counter(Bigram):
    """The n-th token of each stream has log P = -n."""

    def score(self, x, y, state, keep=None):
        count = state[0][:, 0] + np.arange(1, len(x) + 1)[:, None]
        return np.where(y < 0, 0.0, -count), (state[0] + len(x),)


@pytest.fixture
def corpus():
    return Corpus.from_text(TEXT, vocabulary=VOCABULARY)


@pytest.fixture
def whole(corpus):
    return score(Bigram(), corpus, distribution=True, top=2)


@pytest.fixture
def file(tmp_path):
    """`file(content)` is the path of a file with this content."""

    def file(content: str | bytes, name: str = "other.txt"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return file


def rows(path) -> list[list[str]]:
    lines = path.read_text(encoding="utf-8").split("\n")
    assert lines.pop() == ""
    return [line.split("\t") for line in lines if not line.startswith("# ")]


def same(a, b) -> None:
    for field in fields(a):
        x, y = getattr(a, field.name), getattr(b, field.name)
        if field.name == "vocabulary":
            assert (x.words, x.counts.tolist()) == (y.words, y.counts.tolist())
        elif isinstance(x, np.ndarray):
            assert x.dtype == y.dtype
            np.testing.assert_array_equal(x, y)
        else:
            assert x == y, field.name


# The figures of a stream


def test_figures_are_those_of_the_distributions(whole):
    np.testing.assert_allclose(whole.logp, -BITS * BIT)
    np.testing.assert_allclose(whole.entropy, np.array(ENTROPY) * BIT)
    assert whole.rank.tolist() == RANK
    likeliest = {0: ([1, 2], [-1, -2]), 1: ([0, 1], [-1, -2]), 2: ([0, 1], [-2, -2]), 3: ([0, 1], [-1, -1])}
    for before, ids, logp in zip([0, *whole.ids[:-1]], whole.top_ids, whole.top_logp, strict=True):
        assert ids.tolist() == likeliest[int(before)][0]
        np.testing.assert_allclose(logp / BIT, likeliest[int(before)][1])


def test_a_stream_and_its_perplexity_say_what_they_are_in_one_line(corpus, whole):
    assert repr(whole) == "Stream('bigram' on 'text', 9 tokens, 9 scored, entropy, rank, top 2)"
    plain = score(Bigram(), corpus, name="my model").with_unknown("skip")
    assert repr(plain) == "Stream('my model' on 'text', 9 tokens, 8 scored)"
    # 16 bits for 9 tokens: 2 ** (16 / 9) = 3.43; 14 bits without `zebra`: 2 ** (14 / 8) = 3.36
    assert repr(stream_perplexity(whole)) == "Perplexity(3.43 on 'text', 9 tokens, 1 unknown, 0 not scored)"
    assert repr(stream_perplexity(plain)) == "Perplexity(3.36 on 'text', 9 tokens, 1 unknown, 1 not scored)"
    many = replace(stream_perplexity(whole), tokens=12_000, scored=9_000, unknown=4_000)
    assert repr(many) == "Perplexity(3.43 on 'text', 12,000 tokens, 4,000 unknown, 3,000 not scored)"


def test_more_alternatives_than_possible_words(corpus):
    top = score(Bigram(), corpus, top=9)
    assert top.top_ids[5].tolist() == [0, 1, 2, 3]  # after <unk>, where b and <unk> are excluded
    np.testing.assert_array_equal(top.top_logp[5] / BIT, [-1, -1, -np.inf, -np.inf])


@pytest.mark.parametrize("streams", [2, 3, 4, 9])
def test_streams_come_in_the_order_of_the_text(corpus, whole, streams):
    parts = score(Bigram(), corpus, streams=streams, distribution=True, top=2)
    same(parts, whole)


def test_parallel_streams_are_put_one_behind_the_other():
    text = Corpus.from_text("a b a b\n" * 2, vocabulary=VOCABULARY)
    assert (-score(Counter(), text, streams=3).logp).tolist() == [1, 2, 3, 4, 1, 2, 3, 1, 2, 3]


def test_words_without_a_probability():
    closed = Vocabulary(["</s>", "a", "b", "c"], [4, 3, 2, 1])
    found = score(Bigram(closed), Corpus.from_text(TEXT, vocabulary=closed), distribution=True)
    assert np.flatnonzero(~found.scored).tolist() == [4]
    assert found.rank[4] == 0
    assert found.unknown == "left out"
    assert stream_perplexity(found).scored == 8


def test_a_negative_number_of_alternatives_is_refused(corpus):
    with pytest.raises(UsageError, match=r"top=-1 is not possible"):
        score(Bigram(), corpus, top=-1)


def test_the_same_text_in_the_ids_of_another_vocabulary(corpus):
    own = Corpus.from_text(TEXT)
    again = in_ids_of(VOCABULARY, own)
    np.testing.assert_array_equal(again.ids, corpus.ids)
    assert (again.characters, again.unknown, again.sentences) == (len(TEXT), 1, 4)


# Rules: what is compared, and how unknown words count


def test_streams_of_the_same_text_are_compared(whole):
    require_same([whole, replace(whole, logp=whole.logp - 1, model="another", entropy=None, rank=None)])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"encoding": Vocabulary(["</s>", "b", "a", "<unk>"], [4, 3, 2, 1])}, "word 1 .* 'a' against 'b'"),
        ({"encoding": Vocabulary(["</s>", "a", "b"], [4, 3, 2])}, "but for <unk>, the word <unk> against none"),
        ({"encoding": Encoding("prose", VOCABULARY)}, "words against prose"),
        ({"sha256": "f" * 64}, "different texts, .* against text ffffffffffff"),
        ({"ids": np.array([1, 2, 0, 1, 3, 0, 0, 1, 0])}, "token 4 differs, 'b' against 'a'"),
        ({"ids": np.zeros(0, int), "logp": np.zeros(0)}, "9 tokens against 0"),
        ({"unknown": "left out"}, "unknown words differently, <unk> against left out"),
        ({"ends": False}, "sentence ends differently, scored against not scored"),
        ({"logp": np.array([np.nan, *BITS[1:]])}, "token 1 .* 'a' scored against 'a' not scored"),
    ],
)
def test_streams_that_disagree_are_refused(whole, change, reason):
    with pytest.raises(DataError, match=f"bigram and other cannot be compared: .*{reason}"):
        require_same([whole, whole, replace(whole, model="other", **change)])


def test_unknown_words_by_three_rules(whole):
    for rule, bits, scored, says in [
        ("<unk>", 16, 9, "<unk>"),
        ("skip", 14, 8, "left out"),
        (4, 18, 9, "divided over 4 types"),
        ("4", 18, 9, "divided over 4 types"),
    ]:
        found = whole.with_unknown(rule)
        p = stream_perplexity(found)
        assert found.unknown == says
        assert (p.scored, p.unknown) == (scored, 1)
        assert p.ppl == pytest.approx(2 ** (bits / scored))
        assert p.ppl_known == pytest.approx(2 ** (14 / 8))
        assert found.rank.tolist() == [0 if math.isnan(logp) else r for logp, r in zip(found.logp, RANK, strict=True)]
        assert found.rank.dtype == whole.rank.dtype


@pytest.mark.parametrize("rule", ["half", "0", 0, -3, 1.5, ""])
def test_another_rule_is_refused(whole, rule):
    with pytest.raises(UsageError, match=r"is not a rule\. Give <unk>, skip, or a number"):
        whole.with_unknown(rule)


def test_a_probability_that_is_not_there_cannot_be_divided(whole):
    with pytest.raises(UsageError, match=r"in bigram unknown words are left out"):
        whole.with_unknown("skip").with_unknown(5)
    divided = whole.with_unknown(5)
    assert divided.with_unknown(5) is divided
    with pytest.raises(UsageError, match=r"are divided over 5 types"):
        divided.with_unknown(7)


# Our own files


@pytest.mark.parametrize("context", CONTEXTS)
def test_files_say_whether_sentences_are_independent(whole, corpus, tmp_path, context):
    stream = replace(whole, context=context)
    write_tsv(stream, tmp_path / "s.tsv")
    write_binary(stream, tmp_path / "s.stream")
    for name in ("s.tsv", "s.stream"):
        assert read_stream(tmp_path / name, VOCABULARY).context == context
        assert external(tmp_path / name, corpus).context == context
    assert f"# sentence ends: scored; {context}: {CONTEXTS[context]}\n" in (tmp_path / "s.tsv").read_text()
    old = (tmp_path / "s.tsv").read_text().replace(f"; {context}: {CONTEXTS[context]}", "")
    assert "# sentence ends: scored\n" in old  # as in the tables of earlier versions
    (tmp_path / "old.tsv").write_text(old)
    assert read_stream(tmp_path / "old.tsv", VOCABULARY).context == "carried"
    bad = (tmp_path / "s.tsv").read_text().replace(f"; {context}: ", "; sometimes: ")
    (tmp_path / "s.tsv").write_text(bad)
    with pytest.raises(DataError, match=r"s\.tsv: sentence ends are 'scored; sometimes.*not one of carried, indep"):
        read_stream(tmp_path / "s.tsv", VOCABULARY)


def test_a_binary_file_with_another_context_is_refused(whole, tmp_path):
    write_binary(whole, tmp_path / "s.stream")
    header, arrays = storage.read(tmp_path / "s.stream", "stream")
    for bad in ("sometimes", 3, None, ["carried"]):
        storage.write(tmp_path / "bad.stream", "stream", header | {"context": bad}, arrays)
        with pytest.raises(DataError, match=r"bad\.stream.*context"):
            read_stream(tmp_path / "bad.stream")
    del header["context"]  # as in the files of earlier versions
    storage.write(tmp_path / "old.stream", "stream", header, arrays)
    assert read_stream(tmp_path / "old.stream").context == "carried"


def test_a_binary_file_is_exact(whole, tmp_path):
    for stream in (whole, replace(whole, entropy=None, rank=None, top_ids=None, top_logp=None).with_unknown("skip")):
        write_binary(stream, tmp_path / "s.stream")
        same(read_stream(tmp_path / "s.stream"), stream)


@pytest.mark.parametrize("unit", ["nats", "bits", "log10"])
def test_a_table_per_word_comes_back(whole, corpus, tmp_path, unit):
    odd = replace(whole, logp=np.where(np.arange(9) == 3, -np.inf, whole.logp * math.pi)).with_unknown("skip")
    write_tsv(odd, tmp_path / "s.tsv", unit=unit, words=Corpus.from_text(TEXT))
    again = read_stream(tmp_path / "s.tsv", VOCABULARY)
    for name in ("logp", "entropy", "top_logp"):
        np.testing.assert_allclose(getattr(again, name), getattr(odd, name), rtol=1e-9)
    exact = ("logp", "entropy", "top_logp")
    same(replace(again, **{name: getattr(odd, name) for name in exact}), odd)
    require_same([again, odd])


def test_the_table_per_word(whole, tmp_path):
    write_tsv(whole, tmp_path / "s.tsv", words=Corpus.from_text(TEXT))
    head, *lines = rows(tmp_path / "s.tsv")
    column = dict(zip(head, zip(*lines, strict=True), strict=True))
    assert head[:8] == ["sentence", "position", "word", "unknown", "logprob", "surprisal", "entropy", "rank"]
    assert head[8:] == ["top1", "top1_logprob", "top2", "top2_logprob"]
    assert "".join(column["sentence"]) == "111222344"
    assert "".join(column["position"]) == "123123112"
    assert " ".join(column["word"]) == "a b </s> b zebra </s> </s> a </s>"
    assert "".join(column["unknown"]) == "000010000"
    assert [float(cell) for cell in column["surprisal"]] == BITS.tolist()
    assert [-float(cell) for cell in column["logprob"]] == BITS.tolist()
    assert [float(cell) for cell in column["entropy"]] == ENTROPY
    assert [int(cell) for cell in column["rank"]] == RANK
    assert lines[5][8:] == ["</s>", "-1", "a", "-1"]


def test_what_the_lines_before_the_table_say(whole, capsys):
    write_tsv(whole, per="text", unit="log10")
    out = capsys.readouterr().out
    about = dict(line[2:].split(": ", 1) for line in out.splitlines() if line.startswith("# "))
    assert about == {
        "rnnlm score": "per text",
        "model": "bigram",
        "text": "text",
        "sha256": whole.sha256,
        "tokenizer": "words",
        "tokens": "9",
        "characters": str(len(TEXT)),
        "vocabulary": VOCABULARY.hash,
        "vocabulary size": "4",
        "unknown words": "<unk>",
        "sentence ends": "scored; carried: the text is one stream, and the state goes on over sentence ends",
        "unit": "log10",
        "quoting": QUOTING,
    }


def test_the_tables_per_sentence_and_text(whole, tmp_path):
    write_tsv(whole.with_unknown("skip"), tmp_path / "s.tsv", per="sentence")
    head, *lines = rows(tmp_path / "s.tsv")
    assert head == ["sentence", "tokens", "scored", "unknown", "logprob", "perplexity"]
    expected = [(1, 3, 3, 0, -6, 4), (2, 3, 2, 1, -3, 2**1.5), (3, 1, 1, 0, -3, 8), (4, 2, 2, 0, -2, 2)]
    np.testing.assert_allclose(np.array(lines, dtype=float), expected)
    write_tsv(whole, tmp_path / "t.tsv", per="text", unit="nats")
    head, line = rows(tmp_path / "t.tsv")
    assert " ".join(head[:4]) == "tokens scored unknown sentences"
    assert " ".join(head[4:]) == "logprob perplexity perplexity_known bits_per_character"
    figures = (9, 9, 1, 4, -16 * BIT, 2 ** (16 / 9), 2 ** (14 / 8), 16 / len(TEXT))
    np.testing.assert_allclose(np.array(line, dtype=float), figures)


def test_a_sentence_without_a_scored_word_has_no_perplexity(whole, tmp_path):
    nothing = replace(whole, logp=np.where(np.arange(9) == 6, np.nan, whole.logp))
    write_tsv(nothing, tmp_path / "s.tsv", per="sentence")
    assert rows(tmp_path / "s.tsv")[3] == ["3", "1", "0", "0", "0", "NaN"]


def test_tokens_that_a_table_cannot_hold_and_a_text_without_a_last_end(tmp_path):
    words = ["</s>", "a", "\t", "b", " ", "\x85", "\r"]  # a model of an earlier version may have \r
    own = Corpus(np.array([1, 2, 3, 0, 4, 5, 6]), Encoding("chars", Vocabulary(words, [1] * 7)))
    stream = score(Bigram(), Corpus.from_text(TEXT, vocabulary=VOCABULARY))
    stream = replace(stream, ids=own.ids, logp=-np.ones(7), encoding=own.encoding, characters=7)
    write_tsv(stream, tmp_path / "s.tsv")
    assert [row[:3] for row in rows(tmp_path / "s.tsv")[1:]] == [
        *(["1", "1", "a"], ["1", "2", "\\t"], ["1", "3", "b"], ["1", "4", "</s>"]),
        *(["2", "1", " "], ["2", "2", "\x85"], ["2", "3", "\\r"]),
    ]
    np.testing.assert_array_equal(read_stream(tmp_path / "s.tsv", own.vocabulary).ids, own.ids)


QUOTED = ['"', 'say"', '"so"', '""', "'", "#", "# x", "NA", "null", "a\\"]


@pytest.mark.parametrize("order", [1, -1])
def test_every_reader_of_tables_gets_every_row(tmp_path, order):
    """A word that is a quotation mark once swallowed the rows up to the next one."""
    text = Corpus.from_text("\n".join(" ".join(QUOTED[::order]) for _ in range(3)) + "\n")
    n = len(text)
    top = np.stack([text.ids, text.ids], axis=1)
    stream = Stream(
        ids=text.ids,
        logp=-np.arange(1.0, n + 1),
        model='the "best" model',
        text='"t"',
        sha256="",
        encoding=text.encoding,
        unknown="left out",
        characters=text.characters,
        top_ids=top,
        top_logp=np.zeros((n, 2)),
    )
    write_tsv(stream, tmp_path / "s.tsv", unit="nats")
    with open(tmp_path / "s.tsv", encoding="utf-8", newline="") as file:
        read = list(csv.DictReader((line for line in file if not line.startswith("# ")), delimiter="\t"))
    words = [text.vocabulary.words[i] for i in text.ids]
    assert [row["word"] for row in read] == [row["top1"] for row in read] == [row["top2"] for row in read] == words
    assert [float(row["surprisal"]) for row in read] == list(range(1, n + 1))
    again = read_stream(tmp_path / "s.tsv", text.vocabulary)
    np.testing.assert_array_equal(again.ids, text.ids)
    np.testing.assert_array_equal(again.top_ids, top)
    # A table of an earlier version has no quoting, and says nothing of it.
    old = [line for line in (tmp_path / "s.tsv").read_text().splitlines() if not line.startswith("# quoting")]
    head = 1 + sum(line.startswith("# ") for line in old)
    for i, word in enumerate(words):
        cells = old[head + i].split("\t")
        cells[2] = cells[6] = cells[8] = word
        old[head + i] = "\t".join(cells)
    (tmp_path / "old.tsv").write_text("\n".join(old) + "\n")
    np.testing.assert_array_equal(read_stream(tmp_path / "old.tsv", text.vocabulary).ids, text.ids)


def test_a_word_that_looks_like_an_escape_comes_back(tmp_path):
    text = Corpus.from_text("a \\t \\r b\n")
    stream = replace(score(Bigram(), Corpus.from_text(TEXT, vocabulary=VOCABULARY)), ids=text.ids, logp=-np.ones(5))
    write_tsv(replace(stream, encoding=text.encoding), tmp_path / "s.tsv")
    np.testing.assert_array_equal(read_stream(tmp_path / "s.tsv", text.vocabulary).ids, text.ids)


def test_a_table_of_many_rows_has_them_all(tmp_path):
    corpus = Corpus.from_text("a b a\n" * 6000, vocabulary=VOCABULARY)
    write_tsv(score(Bigram(), corpus), tmp_path / "s.tsv")
    again = read_stream(tmp_path / "s.tsv", VOCABULARY)
    np.testing.assert_array_equal(again.ids, corpus.ids)
    assert [row[:2] for row in rows(tmp_path / "s.tsv")[-2:]] == [["6000", "3"], ["6000", "4"]]


def test_what_a_table_cannot_be(whole, tmp_path):
    with pytest.raises(UsageError, match=r"per='line' is not possible\. Give one of word, sentence, text"):
        write_tsv(whole, per="line")
    with pytest.raises(UsageError, match=r"unit='dB' is not possible\. Give one of nats, bits, log10"):
        write_tsv(whole, unit="dB")
    with pytest.raises(DataError, match=r"text has 2 tokens, the stream 9"):
        write_tsv(whole, words=Corpus.from_text("a\n"))
    with pytest.raises(DataError, match=r"the scores cannot be written to .*does not exist"):
        write_tsv(whole, tmp_path / "nowhere" / "s.tsv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("# rnnlm score", "# score", r"line 1: a file of scores starts with '# rnnlm score: per'"),
        ("per word", "per sentence", r"line 1: only scores per word"),
        ("# tokens: 9\n", "", r"'# tokens:' is missing"),
        ("tokens: 9", "tokens: many", r"tokens is 'many', not a number"),
        ("tokens: 9", "tokens: 10", r"has 9 words where it says 10"),
        ("unit: bits", "unit: dB", r"unit is 'dB'"),
        ("\tlogprob\t", "\tscore\t", r"line 14: 'logprob' is missing"),
        (VOCABULARY.hash, "0" * 64, r"vocabulary of hash 000000000000, and this one has"),
        ("1\t2\tb\t0", "1\t2\tc\t0", r"line 16: the word 'c' is not in the vocabulary"),
        ("1\t2\tb\t0\t-3", "1\t2\tb\t0\tlow", r"line 16: 'low' is not a number"),
        ("1\t2\tb\t0\t-3", "1\t2\tb\t0\t-3_0", r"line 16: '-3_0' is not a number"),
        ("1\t2\tb\t0\t-3", '1\t2\t"b"\t0\t"-3', r"line 16: "),
        ("1\t2\tb\t0\t-3", "1\t2\tb\t0\t3", r"line 16: the log-probability 3 is above 0"),
        ("1\t2\tb\t0\t-3", "1\t2\tb", r"line 16: there are .* columns, and 12 names"),
        ("1\t2\tb\t0\t-3", "1\t2\u00a0b\t0\t-3", r"line 16: .* columns, .*; character 4 is U\+00A0 \(no-break space\)"),
        ("1\t2\tb\t0", "1\t2\t\udcff\t0", r"line 16: it is not UTF-8"),
    ],
)
def test_a_bad_table_is_refused(whole, file, tmp_path, old, new, reason):
    write_tsv(whole, tmp_path / "s.tsv")
    text = (tmp_path / "s.tsv").read_text()
    assert text.count(old) == 1
    path = file(text.replace(old, new).encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=f"other.txt.*{reason}"):
        read_stream(path, VOCABULARY)


def test_a_table_needs_its_vocabulary(whole, tmp_path):
    write_tsv(whole, tmp_path / "s.tsv")
    with pytest.raises(UsageError, match=r"s\.tsv is a table, which does not hold its vocabulary"):
        read_stream(tmp_path / "s.tsv")


def test_a_bad_binary_file_is_refused(whole, file, tmp_path):
    path = tmp_path / "s.stream"
    write_binary(whole, path)
    good = path.read_bytes()
    for content, reason in [
        (good[:-9], "truncated or damaged"),
        (good[:-9] + bytes([good[-9] ^ 1]) + good[-8:], "does not match its checksum"),
        (b"", "line 1: a file of scores starts with"),
    ]:
        with pytest.raises(DataError, match=reason):
            read_stream(file(content))
    storage.write(path, "stream", {}, {"ids": whole.ids})
    with pytest.raises(DataError, match=r"cannot be used as a stream: the array vocabulary\.words is missing"):
        read_stream(path)
    storage.write(path, "model", {}, {"ids": whole.ids})
    with pytest.raises(DataError, match=r"is a model, not a stream"):
        read_stream(path)
    with pytest.raises(DataError, match=r"missing does not exist"):
        read_stream(tmp_path / "missing")


def test_lines_do_not_depend_on_blocks(file):
    path = file("one\r\n\ntwo\u2028still two\nthree")
    expected = [(1, "one"), (2, ""), (3, "two\u2028still two"), (4, "three")]
    for block in (1, 2, 5, 100):
        assert list(numbered_lines(path, block)) == expected


# Files of other programs

LM_PROB = "".join(f"{p}\trest 7\n" for p in (0.5, 0.125, 0.25, 0.25, 0, 0.5, 0.125, 0.5, 0.5))
RNNLM = """debug mode: 2
test file: text.txt
Index   P(NET)          Word
----------------------------------
1\t0.5000000000\ta
2\t0.1250000000\tb
0\t0.2500000000\t</s>
2\t0.2500000000\tb
-1\t0\t\tOOV
0\t0.5000000000\t</s>
0\t0.1250000000\t</s>
1\t0.5000000000\ta
0\t0.5000000000\t</s>

test log probability: -4.21
PPL net: 3.36
"""
SRILM = """reading 4 1-grams
a b
\tp( a | <s> ) \t= [2gram] 0.5 [ -0.30103 ]
\tp( b | a ...) \t= [2gram] 0.125 [ -0.90309 ]
\tp( </s> | b ...) \t= [2gram] 0.25 [ -0.60206 ]
1 sentences, 2 words, 0 OOVs
0 zeroprobs, logprob= -1.80618 ppl= 4 ppl1= 8

b zebra
\tp( b | <s> ) \t= [2gram] 0.25 [ -0.60206 ]
\tp( <unk> | b ...) \t= [OOV] 0 [ -inf ]
\tp( </s> | <unk> ...) \t= [1gram] 0.5 [ -0.30103 ] / 0.9999
1 sentences, 2 words, 1 OOVs
0 zeroprobs, logprob= -0.90309 ppl= 2.82843 ppl1= 8

a
\tp( a | <s> ) \t= [2gram] 0.5 [ -0.30103 ]
\tp( </s> | a ...) \t= [2gram] 0.5 [ -0.30103 ]
1 sentences, 1 words, 0 OOVs
0 zeroprobs, logprob= -0.60206 ppl= 2 ppl1= 4

file text.txt: 3 sentences, 5 words, 1 OOVs
0 zeroprobs, logprob= -3.31133 ppl= 2.97 ppl1= 6.73
"""
KENLM = (
    "a=2 2 -0.30103\tb=3 2 -0.90309\t</s>=1 2 -0.60206\tTotal: -1.80618 OOV: 0\n"
    "b=3 2 -0.60206\tzebra=0 1 -0.60206\t</s>=1 1 -0.30103\tTotal: -1.50515 OOV: 1\n"
    "</s>=1 2 -0.90309\tTotal: -0.90309 OOV: 0\n"
    "a=2 2 -0.30103\t</s>=1 2 -0.30103\tTotal: -0.60206 OOV: 0\n"
    "Perplexity including OOVs:\t3.43\nPerplexity excluding OOVs:\t3.36\nOOVs:\t1\nTokens:\t9\n"
)
FULL = "".join(f"{2.0**-bits}\n" for bits in BITS)


@pytest.fixture
def no_empty_line():
    return Corpus.from_text(TEXT.replace("\n\n", "\n"), vocabulary=VOCABULARY)


@pytest.mark.parametrize(
    ("content", "unknown"),
    [(LM_PROB, "left out"), (FULL, "<unk>"), (RNNLM, "left out"), (KENLM, "<unk>"), (SRILM, "left out")],
    ids=["lm-prob", "lm-prob with OOV", "rnnlm", "kenlm", "srilm"],
)
def test_files_of_other_programs_agree_with_the_model(file, corpus, no_empty_line, content, unknown):
    text = no_empty_line if content == SRILM else corpus
    for path in (file(content), file(gzip.compress(content.encode()), "packed.gz")):
        assert is_external(path)
        found = external(path, text)
        expected = score(Bigram(), text).with_unknown("skip" if unknown == "left out" else "<unk>")
        assert (found.unknown, found.model) == (unknown, str(path))
        require_same([expected, found])
        np.testing.assert_allclose(found.logp, expected.logp, atol=1e-5)
        assert stream_perplexity(found).ppl == pytest.approx(stream_perplexity(expected).ppl, rel=1e-5)


def test_a_probability_of_another_model_beside_that_of_the_network(file, corpus):
    lines = [
        line.replace("\t", "\t0.25\t", 1) if line[:1].isdigit() else line
        for line in RNNLM.replace("P(NET)", "P(NET) P(LM)").split("\n")
    ]
    found = external(file("\n".join(lines).replace("-1\t0\t\tOOV", "-1\t0\t\t0\t\tOOV")), corpus)
    np.testing.assert_allclose(found.logp[found.scored], math.log(0.25))
    assert np.flatnonzero(~found.scored).tolist() == [4]


def test_unknown_words_of_an_open_vocabulary(file, no_empty_line):
    """SRILM with -unk, KenLM with <unk> in the text: P(<unk>) is a probability as any other."""
    unk = SRILM.replace("[OOV] 0 [ -inf ]", "[2gram] 0.25 [ -0.60206 ]")
    found = external(file(unk), no_empty_line)
    assert (found.unknown, found.scored.all()) == ("<unk>", True)
    found = external(
        file(KENLM.replace("zebra=0", "<unk>=0").replace("\n</s>=1 2 -0.90309\tTotal: -0.90309 OOV: 0", "")),
        no_empty_line,
    )
    assert (found.unknown, found.scored.all()) == ("<unk>", True)
    assert found.logp[4] == pytest.approx(-2 * BIT, abs=1e-5)


def test_without_unk_in_the_vocabulary_unknown_words_are_left_out(file):
    closed = Vocabulary(["</s>", "a", "b", "c"], [4, 3, 2, 1])
    corpus = Corpus.from_text(TEXT, vocabulary=closed)
    for content in (FULL, KENLM):
        found = external(file(content), corpus)
        require_same([score(Bigram(closed), corpus), found])


@pytest.mark.parametrize(
    "content",
    [KENLM.replace("b=3", "b=0"), RNNLM.replace("2\t0.1250000000\tb", "-1\t0\t\tOOV")],
    ids=["kenlm", "rnnlm"],
)
def test_a_known_word_that_the_other_program_does_not_know_is_not_scored(file, corpus, content):
    with pytest.raises(DataError, match=r"token 2 has a probability in one of them only, 'b' scored against"):
        require_same(
            [score(Bigram(), corpus).with_unknown("<unk>"), replace(external(file(content), corpus), unknown="<unk>")]
        )


def test_a_word_that_only_the_other_program_knows_is_not_scored(file, corpus):
    found = external(file(KENLM.replace("zebra=0", "zebra=7")), corpus)
    assert np.flatnonzero(~found.scored).tolist() == [4]
    assert found.unknown == "left out"


def test_a_probability_of_zero_of_a_known_word_is_zero(file, corpus):
    found = external(file(LM_PROB.replace("0.125", "0", 1)), corpus)
    assert found.logp[1] == -np.inf
    assert stream_perplexity(found).ppl == math.inf


def test_words_with_equals_signs(file):
    vocabulary = Vocabulary(["</s>", "a=b", "="], [1, 1, 1])
    text = Corpus.from_text("a=b =\n", vocabulary=vocabulary)
    found = external(file("a=b=2 1 -1\t==3 1 -2\t</s>=1 1 -3\tTotal: -6 OOV: 0\n"), text)
    np.testing.assert_allclose(found.logp, np.array([-1, -2, -3]) * math.log(10))


def test_our_own_files_come_through_the_same_door(whole, corpus, tmp_path):
    write_tsv(whole, tmp_path / "s.tsv")
    write_binary(whole, tmp_path / "s.stream")
    other = Corpus.from_text("a\n", vocabulary=VOCABULARY)
    for path in (tmp_path / "s.tsv", tmp_path / "s.stream"):
        assert is_external(path)
        found = external(path, corpus)
        assert found.model == str(path)
        np.testing.assert_allclose(found.logp, whole.logp, rtol=1e-9)
        with pytest.raises(DataError, match=rf"{path.name} and the text text cannot be compared: .*different texts"):
            external(path, other)


@pytest.mark.parametrize(
    ("content", "old", "new", "reason"),
    [
        (LM_PROB, "0.25\t", "NaN\t", r"line 3: 'NaN' is not a probability"),
        (LM_PROB, "0.25\t", "1.25\t", r"line 3: '1.25' is not a probability, from 0 to 1"),
        (LM_PROB, "0.25\t", "-0.25\t", r"line 3: '-0.25' is not a probability"),
        (LM_PROB, "0.25\t", "inf\t", r"line 3: 'inf' is not a probability"),
        (FULL, "0.25\n", "\n", r"line 3: '' is not a probability"),
        (FULL, "0.25\n", "", r"ends after 8 tokens, and text has 9"),
        (FULL, "0.25\n", "0.25\n0.25\n", r"line 10: this is token 10, and text has 9"),
        (RNNLM, "1\t0.5000000000\ta", "1\t0.5000000000\tc", r"line 5: token 1 is 'c', and text has 'a' there"),
        (RNNLM, "1\t0.5000000000\ta", "a 0.5", r"line 5: 'a 0.5' is not index, probability and word"),
        (RNNLM, "1\t0.5000000000\ta", "1\t1.5\ta", r"line 5: '1.5' is not a probability"),
        (RNNLM, "-1\t0\t\tOOV", "1\t0.5\ta", r"line 9: token 5 is 'a', and text has an unknown word there"),
        (RNNLM, "0\t0.2500000000\t</s>\n", "\n", r"ends after 2 tokens, and text has 9"),
        (SRILM, "-0.60206", "0.60206", r"line 5: '0.60206' is not the log10 of a probability"),
        (SRILM, "-0.60206", "nan", r"line 5: 'nan' is not the log10"),
        (SRILM, "\tp( b | a ...) \t= [2gram] 0.125", "p( b | a", r"line 4: .* is not `p\( word"),
        (SRILM, "p( b | a", "p( c | a", r"line 4: token 2 is 'c', and text has 'b' there"),
        (SRILM, "", "", r"line 17: token 7 is 'a', and text has '</s>' there.*empty.*take them out"),
        (KENLM, "-0.90309\t", "0.90309\t", r"line 1: '0.90309' is not the log10"),
        (KENLM, "b=3 2", "c=3 2", r"line 1: token 2 is 'c', and text has 'b'"),
        (KENLM, "b=3 2", "b 3 2", r"line 1: 'b 3 2 -0.90309' is not `word=id length log10 P`"),
        (KENLM, "\tTotal: -1.50515 OOV: 1", "", r"line 2: it ends in '</s>=1 1 -0.30103'"),
    ],
)
def test_a_file_of_another_program_that_does_not_fit_is_refused(file, corpus, content, old, new, reason):
    with pytest.raises(DataError, match=f"other.txt.*{reason}") as caught:
        external(file(content.replace(old, new, 1)), corpus)
    assert "\n" not in str(caught.value)


def test_what_is_not_a_stream(file, tmp_path, corpus):
    storage.write(tmp_path / "m.rnnlm", "model", {}, {"ids": np.zeros(3)})
    paths = [
        tmp_path / "m.rnnlm",
        file("\\data\\\nngram 1=3\n", "a.arpa"),
        file("a b\n", "text"),
        file(b"", "empty"),
        file("1 a\nb\n", "one"),
    ]
    paths += [file(gzip.compress(b"\\data\\\n"), "a.gz"), file(gzip.compress(b"0.5\n" * 99)[:20], "cut.gz")]
    for path in [*paths, tmp_path / "missing", tmp_path]:
        assert not is_external(path)
    with pytest.raises(DataError, match=r"a\.arpa is not a file of scores: it is an n-gram model in the ARPA"):
        external(tmp_path / "a.arpa", corpus)
    with pytest.raises(DataError, match=r"missing does not exist"):
        external(tmp_path / "missing", corpus)
