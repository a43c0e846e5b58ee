"""Standard output and error that may fail: whatever becomes of a message, the work goes on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any


class Forgiving:
    """A text stream that goes on when what is written to it is lost: on a full disk, a closed pipe or terminal.

    A training must not end because a line about it could not be shown.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write the text where that is possible; returns its length."""
        try:
            return self._stream.write(text)
        except OSError:
            return len(text)
        except ValueError:  # closed by somebody
            if not self._stream.closed:
                raise
            return len(text)

    def flush(self) -> None:
        """Flush the stream where that is possible."""
        with suppress(OSError, ValueError):
            self._stream.flush()


class Named:
    """A text stream whose errors say that they are those of standard output."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write the text. Raises OSError as the stream does."""
        with _named():
            return self._stream.write(text)

    def flush(self) -> None:
        """Flush the stream. Raises OSError as the stream does."""
        with _named():
            self._stream.flush()


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        error.filename = error.filename or "standard output"
        raise


@contextmanager
def standard_streams() -> Iterator[None]:
    """A context in which a message that cannot be written to standard error is lost, and nothing else happens.

    An error of standard output, where the results go, says so.
    """
    before = sys.stdout, sys.stderr
    if sys.stdout is not None:  # one that was closed before we started is None
        sys.stdout = Named(sys.stdout)
    if sys.stderr is not None:
        sys.stderr = Forgiving(sys.stderr)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def open_standard_streams() -> None:
    """Open what of standard input, output and error was closed before we started, on nothing.

    The next file that is opened, a model, would otherwise become what libraries take for standard error.
    """
    while True:
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor > 2:
            os.close(descriptor)
            return


def lose_what_cannot_be_written() -> None:
    """Lose what standard output still holds where it cannot be written.

    Otherwise Python would try once more at its end, and change the exit status.
    """
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
