"""Processes that end with the one that started them, however it ends."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest
from python_process import start_python

from rnnlm.training import parent

CHILD = "import sys, time; from rnnlm.training.parent import end_with_parent; {}end_with_parent(0); "
CHILD += "print('ready', flush=True); time.sleep(60)"


@pytest.mark.parametrize("system", ["", "sys.platform = 'other'; "])
def test_it_ends_when_the_pipe_does(system):
    """With and without the help of Linux."""
    with start_python("-c", CHILD.format(system), stdin=-1) as process:
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("what is written does not end it\n")
        process.stdin.flush()
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(20) == 1


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc to find the processes in")
def test_runs_end_with_their_parent(tmp_path):
    (tmp_path / "text.txt").write_text("the cat sees the dog\n" * 30_000)  # an epoch takes a minute, with no message
    options = "--runs 2 --jobs 2 --hidden 4 --streams 1 --block 1 --save-every 0.001 --backend numpy -o m.rnnlm"
    with start_python("-m", "rnnlm", "train", "text.txt", *options.split(), cwd=tmp_path) as process:
        end = time.monotonic() + 120
        while not all((tmp_path / f"m.{number}.rnnlm.checkpoint").exists() for number in (1, 2)):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.02)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(children) == 2
        process.kill()
        process.communicate()
    end = time.monotonic() + 20
    while any(alive(child) for child in children):
        assert time.monotonic() < end
        time.sleep(0.02)


def alive(pid: str) -> bool:
    """Whether a process runs; one that nobody has asked how it ended is no longer alive."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_system_is_asked_too():
    """The end of the pipe alone would do, but only when a thread gets its turn."""
    if sys.platform != "linux":
        pytest.skip("Linux only")
    assert parent._PR_SET_PDEATHSIG == 1
    script = (
        "import ctypes, os, sys; from rnnlm.training.parent import end_with_parent; end_with_parent(os.pipe()[0]); "
        "found = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(found)); print(found.value)"
    )
    with start_python("-c", script) as process:
        assert int(process.communicate()[0]) == signal.SIGKILL
