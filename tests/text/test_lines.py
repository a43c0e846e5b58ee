"""One rule of lines and blanks: LF, CRLF and CR end lines, byte-order marks vanish, UTF-16 is named."""

import random
import shutil
import subprocess

import pytest

from rnnlm.errors import DataError
from rnnlm.evaluation.lines import numbered_lines
from rnnlm.text import EOS, Corpus, tokenizer
from rnnlm.text.lines import line_ends, lines_of, odd_characters, plain, plain_blocks, plain_text
from rnnlm.text.pieces import text_pieces
from rnnlm.text.wide import wide_encoding

BOM = "\ufeff"
TEXT = "one two\nthree\n\nfour five\n"
ENDS = ["\r\n", "\r"]
SCRAPS = ["a", "b c", " ", "\n", "\r", "\r\n", "\n\r", BOM, "é", "\t"]


def read(text, name="words"):
    corpus = Corpus.from_text(text, tokenizer=name)
    return corpus.vocabulary.decode(corpus.ids)


def texts(count=60):
    rng = random.Random(3)
    return ["".join(rng.choice(SCRAPS) for _ in range(rng.randrange(1, 30))) for _ in range(count)]


def cut(data, rng):
    while data:
        size = rng.randrange(1, 5)
        yield data[:size]
        data = data[size:]


def by_hand(text):
    """The rule in other words: Python's universal newlines, then no mark at the beginning of a line."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line.lstrip(BOM) for line in lines)


def test_the_rule_for_bytes_for_blocks_and_for_str_is_one():
    rng = random.Random(4)
    for text in texts():
        expected = by_hand(text)
        assert plain(text.encode()).decode() == plain_text(text) == expected
        assert lines_of(text) == expected.split("\n")
        assert line_ends(text.encode()) == expected.count("\n")
        for _ in range(5):
            blocks = list(cut(text.encode(), rng))
            assert b"".join(plain_blocks(blocks, "x")).decode() == expected
            for rule in ("words", "prose", "chars"):
                pieces = text_pieces(blocks, "x", tokenizer(rule).cut)
                assert b"".join(pieces).decode() == expected


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("name", ["words", "prose", "chars"])
def test_every_line_end_is_the_same(name, end):
    text = "Good day to you.\nIt rains.\n\nIt stopped.\n"
    assert read(text.replace("\n", end), name) == read(text, name)
    prompt = tokenizer(name).prompt
    assert prompt(text.replace("\n", end)) == prompt(text)


@pytest.mark.parametrize("name", ["words", "prose", "chars"])
def test_marks_of_joined_files_vanish(name):
    assert read(f"{BOM}One.\n\n{BOM}Two.\n{BOM}{BOM}", name) == read("One.\n\nTwo.\n", name)
    assert read(f"One{BOM}two", name) != read("Onetwo", name)  # inside of a line it is a character


@pytest.mark.parametrize("text", [f"{BOM}ab c\r\n{BOM}d\re\n\nf", "a\r\rb", f"x\n{BOM}", "a\r"])
@pytest.mark.parametrize("name", ["words", "prose", "chars"])
def test_places_agree_with_the_tokens(name, text):
    corpus = Corpus.from_text(text, tokenizer=name)
    tokens, places = corpus.vocabulary.decode(corpus.ids), corpus.encoding.places(text)
    assert len(tokens) == len(places)
    spelled = [(t, text[p.start : p.stop]) for t, p in zip(tokens, places, strict=True)]
    assert [(t, s) for t, s in spelled if s != t and not (t == EOS and s in ("", "\r", "\n", "\r\n"))] == []


def test_places_count_lines_by_the_same_rule():
    places = tokenizer("words").places(f"a\rb\r\n{BOM}c\n\nd")
    assert [place.line for place in places] == [1, 1, 2, 2, 3, 3, 4, 5, 5]


def test_carriage_returns_need_no_more_memory_than_newlines(tmp_path):
    blocks = [b"word\r" * 1000] * 50
    for name in ("words", "prose"):
        assert max(map(len, text_pieces(blocks, "x", tokenizer(name).cut))) <= 5000


def test_what_looks_like_a_blank_is_none_for_words():
    odd = ["\x1c", "\x1f", "\x85", "\xa0", "\xad", "\u200b", "\u200d", "\u2028", "\u2029", "\u2060", "\u3000"]
    assert read("".join(f"a{c}b " for c in odd)) == [*(f"a{c}b" for c in odd), EOS]
    assert read("a\x0bb\x0cc") == ["a", "b", "c", EOS]
    blanks = ["\x1c", "\x85", "\xa0", "\u2028", "\u3000"]  # for prose
    assert read("".join(f"a{c}b " for c in blanks), "prose") == [*"ab" * len(blanks), EOS]
    assert read("a\u200bb\xadc", "prose") == ["a\u200bb\xadc", EOS]
    assert read("".join(odd), "chars") == odd


def test_odd_characters_are_named():
    assert odd_characters("a\tb c") == ""
    assert odd_characters("-1.5\xa0a") == "character 5 is U+00A0 (no-break space), which separates no fields"
    assert "U+200B (zero width space)" in odd_characters("\u200bx")
    assert "U+0085" in odd_characters("x\x85")


def test_tables_have_the_same_lines(tmp_path):
    path = tmp_path / "t"
    path.write_bytes(f"{BOM}a b\r{BOM}c\r\nd\n\n\re".encode())
    for block in (1, 2, 3, 1000):
        assert list(numbered_lines(path, block)) == [(1, "a b"), (2, "c"), (3, "d"), (4, ""), (5, ""), (6, "e")]


def test_errors_name_the_line_and_the_offset_in_the_file(tmp_path):
    path = tmp_path / "t"
    path.write_bytes(b"\xef\xbb\xbfa\rb\r\nc\n\xff\n")
    with pytest.raises(DataError, match=r"0xff at line 4, byte offset 10\..*iconv -f WINDOWS-1252 -t UTF-8"):
        Corpus.encode(path)


WIDE = ["utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize("text", [TEXT, "犬 が 走る\n猫 は 寝る\n一\u3000二\n" * 3, "Кошка спит\n" * 3])
def test_utf16_is_named_with_a_command_that_works(tmp_path, monkeypatch, encoding, text):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "my text.txt"
    path.write_bytes(text.encode(encoding))
    with pytest.raises(DataError, match=r"is UTF-(16|32)") as caught:
        Corpus.encode(path.name)
    with pytest.raises(DataError, match=r"is UTF-(16|32)"):
        next(numbered_lines(path))
    command = str(caught.value).split("`")[1]
    if shutil.which("iconv"):
        subprocess.run(command, shell=True, check=True)
        assert read((tmp_path / "my text.new.txt").read_text(encoding="utf-8")) == read(text)
    assert len(Corpus.encode(path, tokenizer="bytes")) == len(path.read_bytes())


def test_other_bytes_are_not_called_utf16():
    rng = random.Random(5)
    binary = [rng.randbytes(500), bytes(range(256)), b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00>\x00\x01" * 9]
    texts = [TEXT.encode(), "Grüße\n".encode("latin-1"), "犬".encode("euc-jp"), b"", b"MZ\0\1\n\0"]
    assert [wide_encoding(data) for data in [*binary, *texts]] == [None] * 8
