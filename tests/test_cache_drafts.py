"""Drafts in the cache: one that a killed process left is removed by the next, and no other."""

from __future__ import annotations

import os
import signal
import threading

import pytest
from python_process import start_python

from rnnlm.cache_folder import draft_folder, settle
from rnnlm.text import Corpus

pytestmark = pytest.mark.skipif(os.name != "posix", reason="folders cannot be locked there")

FILL = """
import sys, time
from pathlib import Path
from rnnlm.cache_folder import draft_folder
with draft_folder(Path(sys.argv[1])) as folder:
    (folder / "ids").write_bytes(b"half")
    print("ready", flush=True)
    time.sleep(60)
"""


def drafts(folder):
    return sorted(path.name for path in folder.glob(".*"))


def test_only_drafts_of_dead_processes_are_removed(tmp_path):
    (tmp_path / ".notes").mkdir()  # somebody else's
    with start_python("-c", FILL, tmp_path) as process:
        assert process.stdout.readline() == "ready\n"
        assert len(drafts(tmp_path)) == 2
        with draft_folder(tmp_path) as folder:
            assert len(drafts(tmp_path)) == 3  # a draft that is being filled stays
            process.send_signal(signal.SIGKILL)
            process.wait()
            (folder / "ids").write_bytes(b"whole")
            settle(folder, tmp_path / "final")
    assert (tmp_path / "final/ids").read_bytes() == b"whole"
    assert len(drafts(tmp_path)) == 2
    with draft_folder(tmp_path) as folder:
        assert drafts(tmp_path) == sorted([".notes", folder.name])
    assert drafts(tmp_path) == [".notes"]


def test_many_at_a_time_lose_nothing(tmp_path):
    failures = []

    def fill(number):
        try:
            for turn in range(20):
                with draft_folder(tmp_path) as folder:
                    (folder / "ids").write_text("x")
                    settle(folder, tmp_path / f"{number}-{turn}")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=fill, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"{n}-{t}" for n in range(8) for t in range(20))


def test_without_locks_on_folders_drafts_stay(tmp_path, monkeypatch):
    """Such as on a network disk: nobody knows whose they are."""
    monkeypatch.setattr("rnnlm.cache_drafts.try_lock", lambda descriptor: None)
    (tmp_path / ".new-of-another").mkdir()
    with draft_folder(tmp_path) as folder:
        settle(folder, tmp_path / "final")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".new-of-another", "final"]


def test_a_note_of_a_text_leaves_no_draft(own_cache, tmp_path, monkeypatch):
    """Killed between writing the note and renaming it; the next text that is read removes what is left."""
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(f"some words of {name}\n")
    pid = os.fork()
    if not pid:
        real = os.replace
        monkeypatch.setattr(os, "replace", lambda a, b: os._exit(9) if str(b).endswith(".json") else real(a, b))
        Corpus.encode(tmp_path / "a.txt")
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.WEXITSTATUS(status) == 9
    assert len(list(own_cache.glob("texts/.*"))) == 1
    Corpus.encode(tmp_path / "b.txt")
    assert not list(own_cache.glob("**/.*"))
    assert len(list(own_cache.glob("texts/*.json"))) == 1
