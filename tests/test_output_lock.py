"""One process at a time writes to an output, and the others are told which."""

from __future__ import annotations

import errno
import gc
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from python_process import start_python

from rnnlm import output_lock
from rnnlm.errors import DataError
from rnnlm.output_lock import OutputLock

HOLD = "import sys, time; from rnnlm.output_lock import OutputLock; lock = OutputLock(sys.argv[1], 'rnnlm train x'); "
HOLD += "print('held', flush=True); time.sleep(60)"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and links")


@pytest.fixture
def other_process(tmp_path):
    """A process that has the lock of m in the test's folder."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder/m")
    with start_python("-c", HOLD, tmp_path / "folder/m") as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.mark.parametrize("path", ["folder/m", "link", "folder/../folder/m"])
def test_the_second_one_is_told_who_has_it(tmp_path, other_process, path):
    today = time.strftime("%Y-%m-%d")
    with pytest.raises(DataError) as caught:
        OutputLock(tmp_path / path)
    host = output_lock.this_host()
    assert f"{path} is being written by process {other_process.pid} on {host} since {today}" in str(caught.value)
    assert "(rnnlm train x). Wait until it has ended, stop it, or give another `output`." in str(caught.value)
    with OutputLock(tmp_path / "folder/m.checkpoint"):
        pass


def test_a_killed_process_has_nothing(tmp_path, other_process):
    other_process.send_signal(signal.SIGKILL)
    other_process.wait()
    assert len(list((tmp_path / "folder").iterdir())) == 1
    with OutputLock(tmp_path / "link", "mine"):
        (file,) = (tmp_path / "folder").iterdir()
        assert file.name == ".m.rnnlm-lock"
        about = json.loads(file.read_text())
        assert (about["pid"], about["command"]) == (os.getpid(), "mine")
    assert list((tmp_path / "folder").iterdir()) == []


@pytest.mark.parametrize("name", ["語" * 85, "x" * 255, ".hidden", "*"])
def test_any_name(tmp_path, name):
    with OutputLock(tmp_path / name):
        assert len(os.listdir(tmp_path)) == 1
    assert os.listdir(tmp_path) == []


def test_one_process_may_hold_it_twice(tmp_path):
    """A notebook makes a new run before the old one is forgotten."""
    one = OutputLock(tmp_path / "m")
    two = OutputLock(tmp_path / "m")
    one.release()
    one.release()
    assert os.listdir(tmp_path) == [".m.rnnlm-lock"]
    del two
    gc.collect()
    assert os.listdir(tmp_path) == []


def test_a_process_that_is_forked_does_not_end_the_lock(tmp_path):
    with OutputLock(tmp_path / "m") as lock:
        pid = os.fork()
        if not pid:
            try:
                lock.release()
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        assert os.listdir(tmp_path) == [".m.rnnlm-lock"]


@pytest.mark.parametrize(
    "content",
    [
        *("", "{}", "[" * 5000, '{"pid": "x"}', '{"pid": 3}', '{"pid": 3, "since": "x"}', "\xff"),
        '{"pid": 3, "command": "two\\nlines", "host": "an unknown\\r\\ncomputer"}',
    ],
)
def test_whatever_is_in_the_file(tmp_path, monkeypatch, content):
    (tmp_path / ".m.rnnlm-lock").write_text(content)
    monkeypatch.setattr(output_lock, "try_lock", lambda descriptor: False)
    with pytest.raises(
        DataError, match=r"m is being written by (another process|process 3 on an unknown computer)[^\r\n]*\Z"
    ):
        OutputLock(tmp_path / "m")
    monkeypatch.undo()
    OutputLock(tmp_path / "m").release()
    assert os.listdir(tmp_path) == []


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    def flock(descriptor, operation):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("rnnlm.file_locks.fcntl.flock", flock)
    with pytest.warns(RuntimeWarning, match="m cannot be locked .its file system has no locks"):
        lock = OutputLock(tmp_path / "m")
    lock.release()


@pytest.mark.parametrize("kind", ["folder", "pipe", "link"])
def test_something_else_in_its_place(tmp_path, kind):
    """The work goes on, without waiting and without touching it."""
    place = tmp_path / ".m.rnnlm-lock"
    {"folder": place.mkdir, "pipe": lambda: os.mkfifo(place), "link": lambda: place.symlink_to("other")}[kind]()
    with pytest.warns(RuntimeWarning, match="m cannot be locked"):
        OutputLock(tmp_path / "m").release()
    assert os.listdir(tmp_path) == [".m.rnnlm-lock"]


def test_a_disk_that_does_not_keep_computers_apart(tmp_path, monkeypatch):
    about = {"pid": 7, "host": "another", "since": 0, "command": "rnnlm train"}
    (tmp_path / ".m.rnnlm-lock").write_text(json.dumps(about))
    with pytest.warns(RuntimeWarning, match=r"m was last written by process 7 on another since .*, which did not end"):
        OutputLock(tmp_path / "m").release()
    assert os.listdir(tmp_path) == []


def test_a_full_disk_does_not_keep_from_locking(tmp_path, monkeypatch):
    def write(descriptor, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(output_lock.os, "write", write)
    with OutputLock(tmp_path / "m"):
        assert Path(tmp_path / ".m.rnnlm-lock").read_bytes() == b""
