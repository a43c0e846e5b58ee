"""Standard output and error that fail in the middle of a command."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys

import click
import pytest
from python_process import python

from rnnlm import cli
from rnnlm.cli.streams import standard_streams


class Broken(io.StringIO):
    """A stream on which nothing can be written, as on a terminal that went away."""

    def write(self, text):
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_messages_are_lost_and_results_are_missed(monkeypatch):
    out, err = Broken(), Broken()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with standard_streams():
        click.echo("a message", err=True)
        print("another", file=sys.stderr, flush=True)
        with pytest.raises(OSError, match="Input/output error: 'standard output'"):
            click.echo("a result")
    assert (sys.stdout, sys.stderr) == (out, err)


def test_a_stream_that_somebody_closed(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with standard_streams():
        sys.stderr.close()
        click.echo("a message", err=True)
        sys.stderr.flush()


def test_none_at_all(monkeypatch):
    """As Python sets them that was started with all of them closed."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert cli.run(["corpus", "list"]) == 0
    assert cli.run(["no-such-command"]) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX descriptors")
def test_no_file_becomes_standard_error(tmp_path):
    """The first file that is opened after the start, such as a model, must not get the number 2."""
    closed = "import os, sys; os.closerange(0, 3); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    script = (
        "import os; from rnnlm import cli; cli.run = lambda arguments: open('f', 'w').write(str(os.open('f', 0))) * 0; "
        "cli.main([])"
    )
    subprocess.run([sys.executable, "-c", closed, "-c", script], cwd=tmp_path, check=True, env=environment())
    assert int((tmp_path / "f").read_text()) > 2


def environment() -> dict[str, str]:
    found = python("-c", "import os; print(os.environ['PYTHONPATH'])").stdout.strip()
    return {**os.environ, "PYTHONPATH": found}


def test_a_file_that_ends_too_early_is_no_interrupt(capsys, monkeypatch):
    """click makes the same of the two."""

    def fail(**options):
        raise EOFError("compressed file ended")

    monkeypatch.setattr(cli.cli, "main", lambda **options: as_click_does(fail))
    assert cli.run([]) == 1
    expected = "rnnlm: error: a file ended too early: it is cut short or damaged. Copy or make it again.\n"
    assert capsys.readouterr().err.lstrip("\n") == expected


def as_click_does(function):
    return click.Command("name", callback=function).main(args=[], standalone_mode=False)
