"""Signals that ask a training to end."""

from __future__ import annotations

import os
import signal
import sys

import pytest
from python_process import python

import rnnlm
from rnnlm.training.interrupt import CtrlC

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_a_wish(number):
    before = signal.getsignal(number)
    with CtrlC() as ctrl_c:
        assert not ctrl_c.pressed
        signal.raise_signal(number)
        assert ctrl_c.pressed
    assert signal.getsignal(number) is before


def test_only_a_second_ctrl_c_ends_at_once():
    """`timeout` sends SIGTERM twice, and a shell that ends sends SIGHUP after the terminal did."""
    with CtrlC():
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGHUP, signal.SIGHUP, signal.SIGINT):
            signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("own", [signal.SIG_IGN, lambda number, frame: None])
def test_what_the_program_does_with_a_signal_stays(own):
    before = signal.signal(signal.SIGHUP, own)
    try:
        with CtrlC() as ctrl_c:
            assert signal.getsignal(signal.SIGHUP) is own
            signal.raise_signal(signal.SIGHUP)
            assert not ctrl_c.pressed
    finally:
        signal.signal(signal.SIGHUP, before)


SCRIPT = """
import signal, sys, rnnlm
from rnnlm.training.events import Epoch
from rnnlm.training.loop import Loop

notify, number = Loop._notify, int(sys.argv[1])
def send(self, event):
    notify(self, event)
    if isinstance(event, Epoch) and event.epoch == 1:
        signal.raise_signal(number)
Loop._notify = send
try:
    rnnlm.train("text.txt", hidden=4, streams=4, epochs=100, backend="numpy", output="m.rnnlm")
finally:
    print("cleaned up")
print("goes on")
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 0)])
def test_a_script_ends_when_it_was_asked_to(tmp_path, tmp_path_factory, number, status):
    """After Ctrl-C, where somebody sits, it goes on with the model so far."""
    (tmp_path / "text.txt").write_text("\n".join(f"a b{i % 3} c{i % 5}" for i in range(60)))
    env = os.environ | {"RNNLM_CACHE": str(tmp_path_factory.mktemp("cache"))}
    ended = python("-c", SCRIPT, int(number), cwd=tmp_path, env=env)
    assert (ended.returncode, ended.stdout) == (status, "cleaned up\n" + "goes on\n" * (not status)), ended
    assert sorted(os.listdir(tmp_path)) == ["m.rnnlm", "m.rnnlm.checkpoint", "text.txt"]
    log = rnnlm.load(tmp_path / "m.rnnlm").log
    assert [entry["epoch"] for entry in log if entry["kind"] == "epoch"] == [1]
