"""tools/kill.py: a few kills of commands that write, and whether it notices what it is there for."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import pytest
from paths import TOOLS
from python_process import python

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs fork() and /proc")


@pytest.fixture
def kill(monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    import kill

    return kill


def test_nothing_is_lost_by_a_kill():
    run = python(TOOLS / "kill.py", "--kills", "15", "--seed", "3", "--jobs", "2")
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    assert re.search(r"\n15 kills, 0 failed", run.stdout)


WHOLE = {"m.tsv": b"new"}
CASES = {  # what a command would do when it is cut off, and what it does when it is run again -> the check that fails
    "": ("pass", "write('m.tsv', 'new')"),
    "whole": ("write('m.tsv', 'ne')", "write('m.tsv', 'new')"),
    "again": ("pass", "write('m.tsv', 'other')"),
    "names": ("write('.m.tsv.1.tmp', 'n')", "write('m.tsv', 'new')"),
    "alive": ("sleep(60)", "write('m.tsv', 'new')"),
    "message": ("raise ValueError('x')", "write('m.tsv', 'new')"),
}


@pytest.mark.parametrize("check", CASES)
def test_what_goes_wrong_is_noticed(kill, monkeypatch, tmp_path, check):
    from kill_scenarios import SCENARIOS, make
    from kill_ways import Way

    runs = iter(CASES[check])

    def start(typed, folder, way):
        script = (
            "import os, subprocess, sys, time\n"
            "def write(name, text): open(name, 'w').write(text)\n"
            "def sleep(n): subprocess.Popen([sys.executable, '-c', f'import time; time.sleep({n})'])\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", script + next(runs)],
            cwd=folder,
            start_new_session=True,
            stderr=(folder.parent / "err").open("w"),
        )
        return process.pid

    monkeypatch.setattr(kill, "start", start)
    monkeypatch.setattr(kill, "survivors", lambda pid: real(pid, 0.3))
    from kill_ways import survivors as real

    make(tmp_path)
    scenario = SCENARIOS["score, a table"]
    names = {path.name for path in tmp_path.iterdir()} | {"m.tsv"}
    whole = kill.Unbroken(WHOLE, names, 1.0, 1)
    found, _ = kill.try_case(scenario, Way("moment", 50, signal.SIGKILL), whole, tmp_path)
    assert found == check


def test_the_nth_call_that_writes_is_the_last(kill, tmp_path):
    """Before the call the new file is not there yet, after it it is."""
    from kill_ways import count_calls

    for after in (False, True):
        target = tmp_path / f"after-{after}"
        (tmp_path / "draft").write_text("new")
        pid = os.fork()
        if not pid:
            count_calls(2, after)
            os.chmod(tmp_path / "draft", 0o600)
            os.replace(tmp_path / "draft", target)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL
        assert target.exists() == after


def test_processes_that_are_left_are_found_and_ended(kill):
    from kill_ways import survivors

    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])",
        ],
        start_new_session=True,
    )
    process.wait()
    assert len(survivors(process.pid, 0.1)) == 1
    time.sleep(0.05)
    assert survivors(process.pid, 0.1) == []
