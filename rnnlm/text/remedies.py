"""Commands in messages that a person can copy: a text, packed or not, through a filter into a new file."""

from __future__ import annotations

import shlex
from pathlib import Path

_UNPACK = {".gz": "gzip -dc", ".bz2": "bzip2 -dc", ".xz": "xz -dc"}


def filtered(name: str, command: str) -> str:
    """Return, between backticks, the shell command that puts a text through a filter into a new file.

    `name` is what messages call the text: where that is no file, as for standard input, the filter stands alone. The
    new file is in the working directory, since the text's own folder may be read-only.
    """
    path = Path(name)
    if not path.is_file():
        return f"`{command}`"
    unpack = _UNPACK.get(path.suffix)
    plain = path.with_suffix("") if unpack else path
    output = shlex.quote(f"{plain.stem}.new{plain.suffix or '.txt'}")
    source = shlex.quote(name if not name.startswith("-") else f"./{name}")
    return f"`{unpack} {source} | {command} >{output}`" if unpack else f"`{command} {source} >{output}`"


def convert(name: str, encoding: str) -> str:
    """Return, between backticks, the shell command that converts a text from an encoding to UTF-8."""
    return filtered(name, f"iconv -f {encoding} -t UTF-8")
