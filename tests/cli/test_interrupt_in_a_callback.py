"""Ctrl-C within a function that C code calls, where Python itself would print it and go on."""

from __future__ import annotations

import ctypes

import click

from rnnlm import cli


def test_it_ends_the_command_in_one_line(monkeypatch, capfd):
    """Broken by taking the context out of `rnnlm.cli.run`: the status is then 0, with a traceback."""
    went_on = []

    @ctypes.CFUNCTYPE(None)
    def pressed():
        raise KeyboardInterrupt

    @click.command()
    def command():
        pressed()
        for _ in range(10**9):  # the interrupt comes between two steps of Python, long before the end
            pass
        went_on.append(True)

    monkeypatch.setattr(cli, "cli", command)
    assert cli.run([]) == 130
    err = capfd.readouterr().err
    assert len(err.split("\n\n")[-1].strip().splitlines()) == 1
    assert "Traceback" not in err
    assert not went_on


def test_other_errors_there_are_shown_as_ever(monkeypatch):
    shown = []
    monkeypatch.setattr("sys.unraisablehook", lambda unraisable: shown.append(unraisable.exc_type))
    from rnnlm.cli.interrupt import interrupts_are_raised_again

    @ctypes.CFUNCTYPE(None)
    def failing():
        raise ValueError

    with interrupts_are_raised_again():
        failing()
    assert shown == [ValueError]
