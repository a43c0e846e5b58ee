"""A text that cannot be used gives one line that says so, and leaves nothing behind; an odd one is read right."""

import bz2
import gzip
import io
import lzma
import os
import random
import resource
import tempfile
from pathlib import Path

import pytest

from rnnlm.errors import DataError
from rnnlm.text import EOS, Corpus, encode


def refused(source, own_cache, **keywords):
    with pytest.raises(DataError) as caught:
        Corpus.encode(source, **keywords)
    message = str(caught.value)
    assert "\n" not in message
    assert str(source) in message
    left = [path for path in own_cache.rglob("*") if path.is_file()]
    assert left == [], "a half-written file stayed in the cache"
    return message


@pytest.fixture
def path(tmp_path):
    return tmp_path / "bad.txt"


def test_missing_file(path, own_cache):
    assert "does not exist" in refused(path, own_cache)


def test_folder(tmp_path, own_cache):
    assert "is a folder" in refused(tmp_path, own_cache)


@pytest.mark.parametrize("name", ["words", "prose", "chars", "bytes"])
def test_empty_file(path, own_cache, name):
    path.write_bytes(b"")
    assert "is empty" in refused(path, own_cache, tokenizer=name)


def test_blanks_only(path, own_cache):
    path.write_text(" \n \n", encoding="utf-8")
    assert "holds no words" in refused(path, own_cache, tokenizer="prose")
    assert Corpus.encode(path).ids.tolist() == [0, 0]  # but `words` counts lines


@pytest.mark.parametrize("name", ["words", "prose", "chars"])
def test_not_utf8_names_line_and_offset(path, own_cache, name):
    path.write_bytes(b"one two\ncaf\xc3\xa9\nna\xefve text\n")
    message = refused(path, own_cache, tokenizer=name)
    assert "0xef at line 3, byte offset 16" in message
    assert "the tokenizer `bytes` reads all" in message
    assert len(Corpus.encode(path, tokenizer="bytes")) == 25


def test_the_offset_counts_from_the_start_of_the_file(path, own_cache):
    line = b"a line of text\n"
    count = (5 << 20) // len(line)
    path.write_bytes(b"\xef\xbb\xbf" + line * count + b"x\xff\n")
    assert f"line {count + 1}, byte offset {3 + len(line) * count + 1}" in refused(path, own_cache)


def test_cut_character_at_the_end(path, own_cache):
    path.write_bytes("aé".encode()[:-1])
    assert "byte offset 1" in refused(path, own_cache, tokenizer="chars")


@pytest.mark.parametrize("name", ["words", "prose", "chars"])
def test_binary(path, own_cache, name):
    path.write_bytes(b"MZ\x00\x01\n\x00")
    message = refused(path, own_cache, tokenizer=name)
    assert "binary" in message
    assert "line 1, byte offset 2" in message


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)])
def test_truncated_archive(tmp_path, own_cache, suffix, pack):
    path = tmp_path / f"t.txt{suffix}"
    whole = pack(os.urandom(20_000).hex().encode())
    path.write_bytes(whole[: len(whole) // 2])
    assert "cut short" in refused(path, own_cache)


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)])
def test_damaged_archive(tmp_path, own_cache, suffix, pack):
    path = tmp_path / f"t.txt{suffix}"
    whole = bytearray(pack(random.Random(1).randbytes(20_000).hex().encode()))
    whole[len(whole) // 2] ^= 0xFF
    path.write_bytes(whole)
    assert "cannot be read" in refused(path, own_cache)


def test_a_text_called_gz(tmp_path, own_cache):
    path = tmp_path / "t.gz"
    path.write_text("plain\n")
    assert "is not a .gz file" in refused(path, own_cache)


def test_one_word(path):
    path.write_text("word", encoding="utf-8")
    corpus = Corpus.encode(path)
    assert (corpus.vocabulary.words, corpus.ids.tolist()) == ([EOS, "word"], [1, 0])


def test_a_line_of_ten_megabytes(path):
    words = 10 * 2**20 // 5
    path.write_text("abcd " * words + "\nlast line\n", encoding="utf-8")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    corpus = Corpus.encode(path)
    assert (len(corpus), corpus.sentences, len(corpus.vocabulary)) == (words + 4, 2, 4)
    assert corpus.characters == 5 * words + len("last line\n")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 250_000  # KiB


def test_a_word_of_ten_megabytes(path):
    path.write_text("x" * (10 << 20) + " y\n", encoding="utf-8")
    corpus = Corpus.encode(path)
    assert (corpus.ids.tolist(), len(corpus.vocabulary.words[1])) == ([1, 2, 0], 10 << 20)


def test_a_full_disk(path, own_cache, tmp_path, monkeypatch):
    path.write_text("a b\n", encoding="utf-8")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    full, counts = [], encode._counts

    def counts_on_a_disk(file, *more):
        if isinstance(file, Path) and any(file.is_relative_to(folder) for folder in full):
            raise OSError(28, "No space left on device")
        return counts(file, *more)

    monkeypatch.setattr(encode, "_counts", counts_on_a_disk)
    full.append(own_cache)
    with pytest.warns(RuntimeWarning, match=r"disk is full.*rnnlm-.* is used instead; set RNNLM_CACHE"):
        found = Corpus.encode(path)
    assert found.ids.tolist() == [1, 2, 0]
    (instead,) = tmp_path.glob("rnnlm-*/encoded/*")
    assert (instead / "ids.int32").stat().st_size == 12
    full.append(tmp_path)
    with pytest.warns(RuntimeWarning, match=r"disk is full; nor can .*Texts are kept in memory; set RNNLM_CACHE"):
        found = Corpus.encode(path, min_count=2)
    assert found.ids.tolist() == [1, 1, 0]
    assert [file for file in own_cache.rglob("*") if file.is_file()] == []
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"b a\n")))
    with pytest.raises(DataError, match=r"disk is full.*RNNLM_CACHE"):  # what was read cannot be read again
        Corpus.encode("-")
