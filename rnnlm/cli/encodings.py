"""What standard output and standard error can show: one rule for all commands, whatever the locale says.

Standard output that goes into a file or a pipe is UTF-8, like the files that `-o` writes, and PYTHONIOENCODING does not
change that: a table must not lose its words because of a locale. A terminal gets its own encoding, and a question mark
for a character that it does not have. What UTF-8 cannot hold (the bytes of a file name that is not UTF-8, lone
surrogates in a text) is written as \\udcff, which is also how JSON writes it. Nothing of this is ever an error.
"""

from __future__ import annotations

import os
import sys
from typing import Any


def prepare() -> None:
    """Make standard output and standard error take every character; standard output that was closed takes all too."""
    if sys.stdout is None:  # `>&-`: who closed it wants nothing printed, and no file that is opened may take its number
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  open as long as the process
    if (out := _text_layer(sys.stdout)) is not None:
        if out.isatty():
            out.reconfigure(errors="replace")
        else:
            out.reconfigure(encoding="utf-8", errors="backslashreplace")
    if (err := _text_layer(sys.stderr)) is not None:
        err.reconfigure(errors="backslashreplace")


def typed_text(argument: str) -> str:
    """Return a text that was typed as an argument: its bytes read as UTF-8 where the locale cannot (LC_ALL=C).

    Python keeps bytes that the locale's encoding lacks as lone surrogates. The names of files must stay so.
    """
    try:
        return argument.encode("ascii", "surrogateescape").decode("utf-8")
    except UnicodeError:  # it has other characters, so the locale has read it; or the bytes are not UTF-8
        return argument


def _text_layer(stream: Any) -> Any:
    """Return the stream if it is one whose encoding can be set; None for one that is closed or somebody's own."""
    return stream if hasattr(stream, "reconfigure") and not stream.closed else None
