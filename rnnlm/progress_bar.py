"""Progress bars of the Python functions: in a notebook or at an interactive prompt, or where they are asked for."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from .errors import UsageError

DELAY = 0.5  # seconds after which a bar that nobody asked for appears, so that short calls show none


class Bar(Protocol):
    """What is used of tqdm's bars."""

    total: float | None

    def update(self, n: float) -> Any:
        """Move on by n units."""

    def set_description_str(self, desc: str, refresh: bool = True) -> Any:
        """Set the text before the bar."""

    def set_postfix_str(self, s: str, refresh: bool = True) -> Any:
        """Set the text behind the bar."""


def is_interactive() -> bool:
    """Return whether a person waits for the call: in Jupyter or IPython, or at Python's own prompt."""
    if hasattr(sys, "ps1"):
        return True
    get_shell = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get_shell is not None and get_shell() is not None


def is_wanted(progress: bool | None) -> bool:
    """Return whether to show progress: as it is asked for, and for None where a person waits.

    Raises UsageError for anything but True, False and None.
    """
    if progress not in (True, False, None):
        raise UsageError(f"progress={progress!r} is not possible. Give True, False, or None: in notebooks only.")
    return is_interactive() if progress is None else bool(progress)


@contextmanager
def progress_bar(progress: bool | None, *, total: int | None, unit: str, description: str = "") -> Iterator[Bar | None]:
    """Give a bar of tqdm that counts `total` units, or None where no progress is wanted, and close it in the end.

    In a notebook with ipywidgets it is tqdm's notebook bar, elsewhere a line of text on standard error. It does not
    change any result. Raises UsageError as `is_wanted`.
    """
    if not is_wanted(progress):
        yield None
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # in a notebook without ipywidgets tqdm warns, and takes the bar of text
        from tqdm.auto import tqdm
    delay = 0 if progress else DELAY
    with tqdm(total=total, unit=f" {unit}s", unit_scale=True, desc=description, delay=delay, leave=False) as bar:
        yield bar
