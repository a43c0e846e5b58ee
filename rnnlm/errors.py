"""The errors that `rnnlm` raises on purpose: one line that names the thing, its value, what is allowed and what to do.

The command line prints them as `rnnlm: error: …` and exits with the class's `exit_status`; in Python they are
ordinary exceptions and also the built-in kind that a caller would expect (`ValueError`, `MemoryError`).

A message names keywords of the Python interface as `name`, name=value or name >= value; only the
command line turns them into the names of its options.
"""

from __future__ import annotations

from collections.abc import Iterable


class RnnlmError(Exception):
    """Base of every error that `rnnlm` raises on purpose."""

    exit_status = 1


class UsageError(RnnlmError, ValueError):
    """An option or argument has a value that is not allowed, or two options contradict each other."""

    exit_status = 2


class DataError(RnnlmError, ValueError):
    """A text, model file, corpus or folder cannot be used as it is."""


class NotANumber(DataError):
    """A figure came out that is none: NaN, a probability above 1, an output that is not finite."""


class TrainingError(RnnlmError, ArithmeticError):
    """Training cannot go on: the loss or a gradient is no longer a finite number."""


class OutOfMemory(RnnlmError, MemoryError):
    """The machine has less memory than this model or run needs."""


class TextWarning(UserWarning):
    """A text is read as it is, and is probably not what it is taken for."""


def of_the_system(error: OSError) -> str:
    """Return the message for an error of the operating system that was not caught where it arose: a full disk."""
    return f"{error.filename or 'reading or writing'}: {error.strerror or error}. Check the disk and the path."


def unknown_name(what: str, name: object, known: Iterable[str], *, allowed: str = "Give one of") -> str:
    """Return the message for a name that does not exist, which suggests the nearest one that does.

    For example "model 'elmann' is not known. Did you mean elman? Give one of elman, jordan.".
    """
    from difflib import get_close_matches

    names = list(known)
    close = get_close_matches(str(name).lower(), names, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return f"{what} is not known.{hint} {allowed} {', '.join(names)}."
