"""Tables per word in which something cannot be: one line with file and line, and the writer writes none of them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from rnnlm.cli import run
from rnnlm.errors import DataError
from rnnlm.evaluation import external, in_ids_of, read_stream, score, write_binary, write_tsv
from rnnlm.evaluation.stream import ABOVE_ZERO
from rnnlm.evaluation.stream_tsv import UNITS
from rnnlm.models import ElmanLM, NgramLM
from rnnlm.text import Corpus, Vocabulary

WORDS = Vocabulary(["</s>", "a", "b", "<unk>"], [4, 5, 3, 2])
TEXT = "a b zebra\nb\n\na a b\na b\n"
LM = ElmanLM(WORDS, hidden=3)


@pytest.fixture
def text():
    return Corpus.from_text(TEXT, vocabulary=WORDS)


@pytest.fixture
def stream(text):
    return score(LM, text, distribution=True, top=2)


def table(path) -> tuple[list[str], list[list[str]]]:
    """The lines of the head, and the cells of the names and of the rows."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("# ")], [x.split("\t") for x in lines if not x.startswith("# ")]


def altered(path, changes: dict[tuple[int, str], str], row_order=None):
    """The table with other cells in some (row, column), rows from 1."""
    head, rows = table(path)
    for (row, column), value in changes.items():
        rows[row][rows[0].index(column)] = value
    rows = rows if row_order is None else [rows[i] for i in row_order]
    path.write_text("\n".join([*head, *map("\t".join, rows)]) + "\n", encoding="utf-8")
    return path, len(head) + 1


@pytest.mark.parametrize(
    "value", ["NaN", "Inf", "0.5", "1e-4", "-1_0", "\uff0d\uff11", "\uff11", "-0x1", "-1e", "", " -1"]
)
@pytest.mark.parametrize("column", ["logprob", "top2_logprob"])
def test_a_log_probability_that_is_none(stream, tmp_path, column, value):
    write_tsv(stream, tmp_path / "s.tsv")
    path, head = altered(tmp_path / "s.tsv", {(2, column): value})
    with pytest.raises(DataError, match=rf"s\.tsv, line {head + 2}: "):
        read_stream(path, WORDS)


CELLS = [
    ({(4, "entropy"): "-0.1"}, 4, r"the entropy \(in nats\) is -0.0693"),
    ({(4, "entropy"): "2.01"}, 4, r"the entropy \(in nats\) is 1.39.*, and only -1e-06 to 1.38"),
    ({(4, "entropy"): "NaN"}, 4, "the entropy .* is nan"),
    ({(4, "rank"): "5"}, 4, "the rank .*is 5, and only 0 to 4"),
    ({(4, "rank"): "0"}, 4, "the rank .*is 0, and the token has a probability"),
    ({(4, "rank"): "-1"}, 4, "the rank is '-1', not a whole number"),
    ({(4, "rank"): "1.5"}, 4, "the rank is '1.5', not a whole number"),
    ({(4, "rank"): "1e0"}, 4, "the rank is '1e0', not a whole number"),
    ({(4, "rank"): "9" * 30}, 4, "the rank is '9*', not a whole number"),
    ({(4, "rank"): "\uff11"}, 4, "the rank is|is not a number"),
    ({(4, "unknown"): "2"}, 4, "unknown is '2', not 0 or 1"),
    ({(4, "unknown"): "\uff11"}, 4, "unknown is"),
    ({(4, "surprisal"): "0.1"}, 4, "the surprisal 0.1 is not minus the log-probability"),
    (
        {(4, "top1_logprob"): "-9", (4, "top2_logprob"): "-8"},
        4,
        "a likeliest word .*is likelier than the one before it",
    ),
    ({(4, "top1"): "zebra"}, 4, "the word 'zebra' is not in the vocabulary"),
    ({(4, "sentence"): "2"}, 4, "the sentence is '2', and it must be 1 here"),
    ({(5, "position"): "2"}, 5, "the position is '2', and it must be 1 here"),
]


@pytest.mark.parametrize(("changes", "row", "said"), CELLS, ids=[said for *_, said in CELLS])
def test_another_cell_that_cannot_be(stream, tmp_path, changes, row, said):
    write_tsv(stream, tmp_path / "s.tsv")
    path, head = altered(tmp_path / "s.tsv", changes)
    with pytest.raises(DataError, match=rf"s\.tsv, line {head + row}: {said}"):
        read_stream(path, WORDS)


def test_rows_in_another_order_or_missing(stream, tmp_path):
    n = len(stream)
    for order in ([*range(3), 4, 3, *range(5, n + 1)], [i for i in range(n + 1) if i != 3]):
        write_tsv(stream, tmp_path / "s.tsv")
        path, head = altered(tmp_path / "s.tsv", {}, order)
        with pytest.raises(DataError, match=rf"s\.tsv, line {head + 3}: the position is '4', and it must be 3 here"):
            read_stream(path, WORDS)


def test_an_unscored_word_where_all_words_have_a_probability(text, stream, tmp_path):
    write_tsv(stream, tmp_path / "s.tsv")
    path, head = altered(tmp_path / "s.tsv", {(3, "logprob"): "NaN", (3, "surprisal"): "NaN", (3, "rank"): "0"})
    with pytest.raises(DataError, match=rf"line {head + 3}: log P .*is nan, and only unknown words may have none"):
        read_stream(path, WORDS)
    left_out = stream.with_unknown("skip")
    write_tsv(left_out, path)
    np.testing.assert_array_equal(np.isnan(read_stream(path, WORDS).logp), np.arange(len(text)) == 2)
    path, head = altered(path, {(3, "logprob"): "-1", (3, "surprisal"): "1", (3, "rank"): "1"})
    with pytest.raises(DataError, match=rf"line {head + 3}: log P .*is a number, and unknown words are left out"):
        read_stream(path, WORDS)


HEADS = [
    ("# tokens: 14", "# tokens: 13", "has 14 words where it says 13"),
    ("# tokens: 14", "# tokens: \uff11\uff14", "tokens is '\uff11\uff14', not a number"),
    ("# tokens: 14", "# tokens: 1_4", "tokens is '1_4', not a number"),
    ("# tokens: 14", f"# tokens: {'1' * 5000}", "tokens is '1{60}', not a number"),
    ("# characters: 23", "# characters: 22", "has 22 characters where it says how many, and by its words it has 23"),
    ("# characters: 23", "# characters: 24", "has 24 characters"),
    ("# characters: 23", "# characters: -23", "characters is '-23', not a number"),
    ("# characters: 23", "# characters: nan", "characters is 'nan', not a number"),
    ("# vocabulary size: 4", "# vocabulary size: 5", "names a vocabulary of 5 words, and this one has 4"),
    ("# unknown words: <unk>", "# unknown words: guessed", "unknown words are 'guessed', not <unk>, left out"),
    ("# unit: bits", "# unit: bits\n# unit: nats", "line 13: '# unit:' comes twice"),
    ("scored; carried", "guessed; carried", "sentence ends are 'guessed; carried"),
    ("\tentropy\t", "\trank\t", "line 14: the column 'rank' comes twice"),
]


@pytest.mark.parametrize(("old", "new", "said"), HEADS, ids=[said for *_, said in HEADS])
def test_a_head_that_cannot_be(text, stream, tmp_path, old, new, said):
    path = tmp_path / "s.tsv"
    write_tsv(stream, path, words=Corpus.from_text(TEXT))
    content = path.read_text()
    assert content.count(old) == 1
    read_stream(path, WORDS)
    path.write_text(content.replace(old, new))
    with pytest.raises(DataError, match=rf"s\.tsv.*{said}"):
        read_stream(path, WORDS)


def test_likeliest_words_count_from_one_without_a_gap(stream, tmp_path):
    path = tmp_path / "s.tsv"
    write_tsv(stream, path)
    path.write_text(path.read_text().replace("\ttop2\t", "\tother\t"))
    assert read_stream(path, WORDS).top_ids.shape == (14, 1)
    path.write_text(path.read_text().replace("\ttop1\t", "\tthis\t"))
    assert read_stream(path, WORDS).top_ids is None


@pytest.mark.parametrize(
    "changes",
    [
        {"logp": (3, 0.01)},
        {"logp": (3, math.nan)},
        {"entropy": (3, 3.0)},
        {"rank": (3, 0)},
        {"top_logp": ((3, 1), -0.0)},
        {"characters": 4},
    ],
    ids=str,
)
def test_the_writer_writes_nothing_that_the_reader_refuses(stream, tmp_path, changes):
    for name, change in changes.items():
        value = change
        if isinstance(change, tuple):
            value = getattr(stream, name).copy()
            value[change[0]] = change[1]
        wrong = replace(stream, **{name: value})
    with pytest.raises(DataError, match=r"token 4|characters=4"):
        write_tsv(wrong, tmp_path / "s.tsv")
    if name != "characters":
        with pytest.raises(DataError, match="token 4"):
            write_binary(wrong, tmp_path / "s.stream")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("unit", UNITS)
def test_what_rounding_puts_above_zero_is_written_as_zero(stream, tmp_path, unit):
    above = 1e-5 + np.zeros(len(stream))
    assert above[0] > ABOVE_ZERO
    stream = replace(stream, logp=above, entropy=-above, top_logp=np.stack([above, above], 1))
    write_tsv(stream, tmp_path / "s.tsv", unit=unit)
    again = read_stream(tmp_path / "s.tsv", WORDS)
    assert not again.logp.any()
    assert not again.entropy.any()


@pytest.mark.parametrize("tokenizer", ["words", "chars", "bytes", "prose"])
@pytest.mark.parametrize(
    "content", ["b a\n", "a b\n\n\nb\tb  a \n \nzebra é\n\u3000x\u00a0y \u201cno\u201d\ncan't\n", "a b"]
)
def test_every_text_that_is_scored_comes_back(tmp_path, tokenizer, content):
    path = tmp_path / "t.txt"
    path.write_text(content, encoding="utf-8")
    known = Corpus.from_text("a b\nb a\nb a a\n", tokenizer=tokenizer)
    lm = NgramLM.train(known, order=2, smoothing="witten-bell")
    written = Corpus.encode(path, tokenizer=tokenizer)
    stream = score(lm, in_ids_of(lm.encoding, written), distribution=True, top=2)
    for words in (written, None):
        write_tsv(stream, tmp_path / "s.tsv", words=words)
        again = read_stream(tmp_path / "s.tsv", lm.encoding)
        assert again.characters == written.characters
        np.testing.assert_allclose(again.logp, stream.logp, rtol=1e-9)


LAYOUTS = [
    ("-0.1\n0.5\n0.5\n", 1),
    ("0.5\nnan\n0.5\n", 2),
    ("0.5\n0.5\n1.1\n", 3),
    ("0.5\n0.1_0\n0.5\n", 2),
    ("0.5\n\uff10.\uff15\n0.5\n", 2),
    ("0.5\ninf\n0.5\n", 2),
    ("Index   P(NET)          Word\n----\n1\t0.5\ta\n1_1\t0.5\tb\n", 4),
    ("Index   P(NET)          Word\n----\n\uff11\t0.5\ta\n", 3),
    ("Index   P(NET)          Word\n----\n1\tnan\ta\n", 3),
    ("a=1 2 0.5\tTotal: 0.5 OOV: 0\n", 1),
    ("a=1 2 nan\tTotal: 0.5 OOV: 0\n", 1),
    ("a=1 2 -1\tb=2 \uff12 -1\tTotal: -1 OOV: 0\n", 1),
    ("a=1 2 -1_0\tTotal: -1 OOV: 0\n", 1),
    ("a b\n\tp( a | <s> ) \t= [2gram] 0.5 [ nan ]\n", 2),
    ("a b\n\tp( a | <s> ) \t= [2gram] 0.5 [ 0.1 ]\n", 2),
]


@pytest.mark.parametrize(("content", "line"), LAYOUTS)
def test_numbers_of_other_programs(tmp_path, content, line):
    path = tmp_path / "other.txt"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=rf"other\.txt, line {line}: "):
        external(path, Corpus.from_text("a b\n", vocabulary=WORDS))


def test_the_command_line_ends_with_one_line_and_status_1(stream, tmp_path, capsys):
    LM.save(tmp_path / "m.rnnlm")
    (tmp_path / "t.txt").write_text(TEXT)
    arguments = [str(tmp_path / name) for name in ("m.rnnlm", "s.tsv", "t.txt")]
    assert run(["score", arguments[0], arguments[2], "-o", arguments[1]]) == 0
    assert run(["ppl", *arguments]) == 0
    path, head = altered(tmp_path / "s.tsv", {(2, "logprob"): "NaN"})
    capsys.readouterr()
    assert run(["ppl", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{path}, line {head + 2}: " in err
    assert err.count("\n") == 1
