"""The cache does not grow without bound, and what others use stays readable."""

import math
import os
import time

import numpy as np
import pytest

from rnnlm import cache_folder, cache_room
from rnnlm.cli import run
from rnnlm.text import Corpus, id_cache
from rnnlm.text.tokenizers import tokenizer


@pytest.fixture
def texts(tmp_path, own_cache, monkeypatch):
    """Four texts; encoding one takes 4 (ids), 4 (characters) or more bytes a word."""
    monkeypatch.setattr(id_cache, "YOUNG", 0)
    paths = [tmp_path / f"{number}.txt" for number in range(4)]
    for number, path in enumerate(paths):
        path.write_text(f"w{number} " * 1000)
    time.sleep(0.05)  # a tick of the clock that stamps files
    return paths


def folders(cache):
    return sorted(folder.name for folder in (cache / "encoded").iterdir())


def age(folder, days):
    then = time.time() - days * 86400
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (then, then))


@pytest.mark.parametrize(
    ("value", "limit"),
    [("", 1e10), ("500M", 5e8), ("20G", 2e10), ("1.5 gb", 1.5e9), ("7", 7), ("0", 0), ("none", math.inf), ("2t", 2e12)],
)
def test_the_limit_in_the_environment(value, limit, monkeypatch):
    monkeypatch.setenv("RNNLM_CACHE_SIZE", value)
    assert cache_room.size_limit() == limit


@pytest.mark.parametrize("value", ["abc", "-1", "nan", "1e9", "10 PB", "٣"])
def test_a_limit_that_is_none_is_said_and_ignored(value, monkeypatch):
    monkeypatch.setenv("RNNLM_CACHE_SIZE", value)
    cache_room.warn_once.cache_clear()
    with pytest.warns(RuntimeWarning, match="RNNLM_CACHE_SIZE=.* is ignored"):
        assert cache_room.size_limit() == 1e10


def test_the_longest_unused_text_goes_first(texts, own_cache, monkeypatch):
    found = [Corpus.encode(path) for path in texts[:3]]
    size = cache_room.size_of(own_cache / "encoded") // 3
    for days, folder in zip((3, 2, 1), (folder for folder, _ in map(entry, texts[:3])), strict=True):
        age(folder, days)
    Corpus.encode(texts[0])  # used again, so that the second one is the oldest now
    monkeypatch.setenv("RNNLM_CACHE_SIZE", str(3 * size + size // 2))
    Corpus.encode(texts[3])
    assert [entry(path) is not None for path in texts] == [True, False, True, True]
    assert found[1].ids.tolist() == [1] * 1000 + [0]  # whoever has it open reads on
    monkeypatch.setenv("RNNLM_CACHE_SIZE", "1")
    assert len(Corpus.encode(texts[1])) == 1001
    assert [entry(path) is not None for path in texts] == [False, True, False, False]  # the new one always stays
    assert len(folders(own_cache)) == 1


def entry(path):
    request = id_cache.Request(tokenizer("words"), None, [1.0], None, 1)
    folder = cache_room.Path(os.environ["RNNLM_CACHE"])
    before = {f: f.stat().st_mtime for f in (folder / "encoded").iterdir()}
    known = id_cache.lookup(folder, path, request)
    for f, mtime in before.items():  # looking is not using here
        os.utime(f, (mtime, mtime))
    return known


def test_a_text_that_goes_between_finding_and_opening_it_is_encoded_again(texts, own_cache, monkeypatch):
    Corpus.encode(texts[0])
    lookup, calls = id_cache.lookup, []

    def gone(cache, *more):
        known = lookup(cache, *more)
        calls.append(known is not None)
        if known and len(calls) == 1:
            cache_room.clear(cache)
        return known

    monkeypatch.setattr(id_cache, "lookup", gone)
    assert np.array_equal(Corpus.encode(texts[0]).ids, [1] * 1000 + [0])
    assert calls == [True, False]


def test_what_killed_processes_left_goes_after_a_day(texts, own_cache):
    for name in ("encoded/.new-old", "encoded/.new-young", "corpora/.new-old", "rnnlm-old", "rnnlm-young"):
        (own_cache / name).mkdir(parents=True)
        (own_cache / name / "ids.int32").write_bytes(b"1234")
        if name.endswith("old"):
            age(own_cache / name, 2)
    Corpus.encode(texts[0])
    left = sorted(str(path.relative_to(own_cache)) for path in own_cache.rglob("*-*"))
    assert left == ["rnnlm-young"]  # nobody has the drafts locked, so whoever made them is dead


def test_notes_about_files_that_are_gone(texts, own_cache, monkeypatch):
    monkeypatch.setattr(cache_room, "MOST_NOTES", 2)
    for path in texts[:2]:
        Corpus.encode(path)
    texts[0].unlink()
    assert len(list((own_cache / "texts").iterdir())) == 2
    Corpus.encode(texts[2])
    assert {str(path) in note.read_text() for note in (own_cache / "texts").iterdir() for path in texts[:1]} == {False}
    assert len(list((own_cache / "texts").iterdir())) == 2


def test_the_command_that_empties_the_cache(texts, own_cache, capsys, monkeypatch):
    monkeypatch.setattr(cache_folder, "_parents", lambda: [])  # not the cache of who runs the tests
    for path in texts[:2]:
        Corpus.encode(path)
    run(["corpus", "get", "reber"])
    kernels = own_cache / "kernels" / "numba_0123"
    kernels.mkdir(parents=True)
    (kernels / "f-1.py311.nbi").write_bytes(b"x" * 1000)
    mine = [own_cache / name for name in ("mine.txt", "texts/notes.json", "encoded/thesis", "kernels/numba_0123/own")]
    for path in mine:
        path.write_text("my own")
    assert run(["corpus", "list"]) == 0
    assert f"cache {own_cache}: " in capsys.readouterr().err
    assert run(["corpus", "clear"]) == 0
    assert f"MB removed from {own_cache}" in capsys.readouterr().err
    assert cache_room.sizes(own_cache) | {"corpora": 0} == {"encoded texts": 0, "corpora": 0, "kernels": 0}
    assert (own_cache / "corpora" / "reber" / "train.txt").is_file()
    assert all(path.read_text() == "my own" for path in mine)  # RNNLM_CACHE may hold other things
    assert run(["corpus", "clear", "--all"]) == 0
    assert not (own_cache / "corpora").exists()
    assert len(Corpus.encode(texts[0])) == 1001
