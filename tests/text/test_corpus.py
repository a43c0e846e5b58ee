"""From a file to ids: numbers of tokens, parts, characters, and the cache."""

import bz2
import gc
import gzip
import hashlib
import io
import lzma
import os
import sys

import numpy as np
import pytest
from paths import PTB

from rnnlm.errors import DataError, UsageError
from rnnlm.text import EOS, UNK, Corpus, Vocabulary, id_cache

TEXT = "the cat sat\nthe dog\n\nthe end of it\n"


@pytest.fixture
def text_file(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return path


def tokens_of(corpus):
    return corpus.vocabulary.decode(corpus.ids)


def test_a_small_file_by_hand(text_file):
    corpus = Corpus.encode(text_file)
    assert corpus.vocabulary.words == [EOS, "the", "cat", "sat", "dog", "end", "of", "it"]
    assert corpus.vocabulary.counts.tolist() == [4, 3, 1, 1, 1, 1, 1, 1]
    assert corpus.ids.tolist() == [1, 2, 3, 0, 1, 4, 0, 0, 1, 5, 6, 7, 0]
    assert corpus.ids.dtype == np.int32
    assert isinstance(corpus.ids, np.memmap)
    assert (len(corpus), corpus.sentences, corpus.unknown, corpus.characters) == (13, 4, 0, len(TEXT))
    assert corpus.sha256 == hashlib.sha256(TEXT.encode()).hexdigest()
    assert (corpus.name, corpus.tokenizer) == (str(text_file), "words")


def test_text_in_memory_is_the_same(text_file):
    one, other = Corpus.from_text(TEXT), Corpus.encode(text_file)
    assert one.ids.tolist() == other.ids.tolist()
    assert not isinstance(one.ids, np.memmap)
    assert (one.sha256, one.characters, one.sentences) == (other.sha256, other.characters, other.sentences)


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)])
@pytest.mark.parametrize("honest", [True, False])
def test_packed_files_are_known_by_their_content(tmp_path, suffix, pack, honest):
    path = tmp_path / f"text{suffix if honest else '.txt'}"
    path.write_bytes(pack(TEXT.encode()))
    corpus = Corpus.encode(path)
    assert corpus.ids.tolist() == Corpus.from_text(TEXT).ids.tolist()
    assert corpus.sha256 == hashlib.sha256(TEXT.encode()).hexdigest()


def test_standard_input(monkeypatch, own_cache):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(TEXT.encode()))))
    corpus = Corpus.encode("-")
    assert tokens_of(corpus) == tokens_of(Corpus.from_text(TEXT))
    assert corpus.name == "standard input"
    del corpus
    assert not list(own_cache.glob("rnnlm-*"))  # nothing stays behind


def test_a_pipe_is_read_once(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    import threading

    writer = threading.Thread(target=lambda: path.write_text(TEXT))
    writer.start()
    corpus = Corpus.encode(path)
    writer.join()
    assert len(corpus) == 13


def test_a_given_vocabulary_marks_what_it_lacks(text_file):
    plain = Corpus.encode(text_file, vocabulary=Vocabulary([EOS, "the", "cat"], [1, 1, 1]))
    assert plain.ids.tolist() == [1, 2, -1, 0, 1, -1, 0, 0, 1, -1, -1, -1, 0]
    assert (plain.unknown, plain.characters) == (5, len(TEXT))
    cut = Corpus.encode(text_file, vocabulary=Vocabulary([EOS, UNK, "the"], [1, 1, 1]))
    assert cut.ids.tolist() == [2, 1, 1, 0, 2, 1, 0, 0, 2, 1, 1, 1, 0]
    assert cut.unknown == 6


def test_limits_of_the_vocabulary(text_file):
    corpus = Corpus.encode(text_file, max_vocab=3)
    assert corpus.vocabulary.words == [EOS, UNK, "the"]
    assert corpus.vocabulary.counts.tolist() == [4, 6, 3]
    assert corpus.unknown == 6
    assert Corpus.encode(text_file, min_count=2).vocabulary.words == [EOS, UNK, "the"]


def test_characters_are_those_of_the_text():
    assert Corpus.from_text("  é  b \n\nc").characters == len("é b\n\nc\n")
    prose = Corpus.from_text("Hi  there.\nGo on!\n\nA B", tokenizer="prose")
    assert prose.characters == len("Hi there.\nGo on!\nA B\n")
    assert Corpus.from_text("aé\n", tokenizer="chars").characters == 3
    assert Corpus.from_text("aé\n", tokenizer="bytes").characters == 4
    by_hand = Corpus(np.array([1, 2, 0, 0, 1, -1, 0]), Vocabulary([EOS, "ab", "c"], [1, 1, 1]))
    assert by_hand.characters == len("ab c\n\nab <unk>\n")


def test_counts_of_a_part_are_those_of_its_own_text():
    rng = np.random.default_rng(5)
    lines = [" ".join(rng.choice(["a", "bb", "ccc", "dé"], rng.integers(0, 7))) for _ in range(400)]
    corpus = Corpus.from_text("\n".join(lines) + "\n", max_vocab=4)
    parts = corpus.split([0.8, 0.1, 0.1])
    assert np.concatenate([part.ids for part in parts]).tolist() == corpus.ids.tolist()
    at = 0
    for part in parts:
        own = "\n".join(lines[at : at + part.sentences]) + "\n"
        alone = Corpus.from_text(own, vocabulary=corpus.vocabulary)
        assert part.ids.tolist() == alone.ids.tolist()
        assert (part.characters, part.unknown) == (alone.characters, alone.unknown)
        assert part.ids[-1] == 0
        at += part.sentences
    assert at == 400
    assert len(parts[0]) == pytest.approx(0.8 * len(corpus), abs=8)
    assert np.shares_memory(parts[1].ids, corpus.ids)
    twice = parts[0].split([0.5, 0.5])
    assert sum(half.characters for half in twice) == parts[0].characters
    assert sum(half.unknown for half in twice) == parts[0].unknown


def test_one_long_line_is_cut_inside():
    corpus = Corpus.from_text("a b " * 500)
    parts = corpus.split([0.5, 0.3, 0.2])
    assert [len(part) for part in parts] == [500, 301, 200]
    assert sum(part.characters for part in parts) == corpus.characters == 2000
    assert parts[0].characters == pytest.approx(1000, abs=2)


@pytest.mark.parametrize("fractions", [[], [0.5, 0.4], [1.2, -0.2], [0.5, 0.5, 0.0], [float("nan"), 1]])
def test_senseless_fractions(fractions, text_file):
    with pytest.raises(UsageError, match="fractions="):
        Corpus.from_text(TEXT).split(fractions)
    with pytest.raises(UsageError, match="fractions="):
        Corpus.encode_split(text_file, fractions)


def test_a_text_too_short_to_cut():
    with pytest.raises(DataError, match="2 tokens, too few"):
        Corpus.from_text("a").split([0.9, 0.05, 0.05])


def test_the_vocabulary_of_a_split_comes_from_its_first_part(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("a b a\n" * 90 + "a new b\n" * 10)
    train, test = Corpus.encode_split(path, [0.9, 0.1])
    assert train.vocabulary.words == [EOS, "a", "b"]
    assert train.vocabulary.counts.tolist() == [90, 180, 90]
    assert test.vocabulary is train.vocabulary
    assert test.ids.tolist() == [1, -1, 2, 0] * 10
    assert (train.unknown, test.unknown, test.sentences, test.characters) == (0, 10, 10, 80)
    again = Corpus.encode_split(path, [0.9, 0.1])[1]
    assert (again.ids.tolist(), again.unknown) == (test.ids.tolist(), 10)


def test_the_cache_is_used_until_the_file_changes(text_file, own_cache, monkeypatch):
    monkeypatch.setattr("rnnlm.text.id_cache.YOUNG", 0)  # nothing has happened to the file in the last tick
    first = Corpus.encode(text_file)
    with monkeypatch.context() as broken:
        broken.setattr("rnnlm.text.corpus.read_blocks", lambda source: pytest.fail("the text was read again"))
        again = Corpus.encode(text_file)
        assert (again.ids.tolist(), again.vocabulary.words) == (first.ids.tolist(), first.vocabulary.words)
        assert (again.sha256, again.characters) == (first.sha256, first.characters)
    text_file.write_text("quite another text\n")
    assert Corpus.encode(text_file).vocabulary.words == [EOS, "quite", "another", "text"]
    assert len(list((own_cache / "encoded").iterdir())) == 2


def test_a_damaged_cache_is_made_again(text_file, own_cache):
    expected = Corpus.encode(text_file).ids.tolist()
    (folder,) = (own_cache / "encoded").iterdir()
    (folder / "ids.int32").write_bytes(b"abc")
    assert Corpus.encode(text_file).ids.tolist() == expected
    (folder / "about.json").write_text("{")
    assert Corpus.encode(text_file).ids.tolist() == expected


def test_two_processes_that_encode_one_text_at_a_time(text_file, own_cache, monkeypatch):
    """The second to finish finds the folder of the first, and leaves it: the first may be about to open it."""
    expected, first = Corpus.from_text(TEXT).ids.tolist(), []
    original = id_cache.settle

    def settle(draft, folder):
        monkeypatch.setattr(id_cache, "settle", original)
        first.append(Corpus.encode(text_file))  # another process is done meanwhile
        first.append((folder / "ids.int32").stat().st_ino)
        original(draft, folder)

    monkeypatch.setattr(id_cache, "settle", settle)
    assert Corpus.encode(text_file).ids.tolist() == first[0].ids.tolist() == expected
    assert [path.stat().st_ino for path in (own_cache / "encoded").glob("*/ids.int32")] == first[1:]


def test_a_cache_that_cannot_be_written_does_not_stop_the_work(text_file, tmp_path, monkeypatch):
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, not a folder")
    corpus = Corpus.encode(text_file, cache_dir=blocked / "cache")
    assert corpus.ids.tolist() == Corpus.from_text(TEXT).ids.tolist()
    monkeypatch.setenv("RNNLM_CACHE", str(blocked))
    assert len(Corpus.encode(text_file)) == 13


@pytest.mark.parametrize("name", ["words", "chars", "bytes", "prose"])
def test_the_size_of_the_blocks_does_not_matter(name, tmp_path, monkeypatch):
    path = tmp_path / "t.txt"
    rng = np.random.default_rng(3)
    text = "".join(rng.choice(list("abé €𝄞.  \n\r"), 3000).tolist()).replace("\r", "\r\n") + "a" * 100 + " Ende"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode() if name != "bytes" else text.encode())
    expected = Corpus.from_text(text, tokenizer=name)
    from rnnlm.text import corpus, files

    for size in (3, 7, 64, 1000):
        monkeypatch.setattr(corpus, "read_blocks", lambda source, size=size: files.read_blocks(source, size))
        found = Corpus.encode(path, tokenizer=name, cache_dir=tmp_path / str(size))
        assert tokens_of(found) == tokens_of(expected)
        assert found.characters == expected.characters


@pytest.mark.skipif(not (PTB / "ptb.train.txt").is_file(), reason="licensed: set RNNLM_PTB to its folder")
def test_penn_treebank_is_counted_as_everyone_counts_it():
    train = Corpus.encode(PTB / "ptb.train.txt")
    assert (len(train.vocabulary), len(train), train.sentences, train.unknown) == (10_000, 929_589, 42_068, 45_020)
    assert (train.vocabulary.words[0], train.vocabulary.counts[0]) == (EOS, 42_068)
    assert np.all(np.diff(train.vocabulary.counts[1:]) <= 0)
    for part, tokens, sentences in [("valid", 73_760, 3_370), ("test", 82_430, 3_761)]:
        corpus = Corpus.encode(PTB / f"ptb.{part}.txt", vocabulary=train.vocabulary)
        assert (len(corpus), corpus.sentences, corpus.ids.min()) == (tokens, sentences, 0)


def test_standard_input_stays_open(monkeypatch):
    """It belongs to the program, also after it was read to its end and everything of ours is gone."""
    stream = io.TextIOWrapper(io.BufferedReader(io.BytesIO(b"a b\nc\n")))
    monkeypatch.setattr(sys, "stdin", stream)
    assert len(Corpus.encode("-")) == 5
    gc.collect()
    assert not stream.buffer.closed


@pytest.mark.parametrize("file", ["ids.int32", "characters.int32"])
def test_a_cut_file_in_the_cache_is_made_again(tmp_path, file):
    path = tmp_path / "text.txt"
    path.write_text("one two\nthree\n" * 50)
    found = Corpus.encode(path, cache_dir=tmp_path / "cache")
    before = (found.characters, found.ids.tolist())
    del found
    (cached,) = (tmp_path / "cache").rglob(file)
    cached.write_bytes(cached.read_bytes()[:8])
    again = Corpus.encode(path, cache_dir=tmp_path / "cache")
    assert (again.characters, again.ids.tolist()) == before == (14 * 50, before[1])
