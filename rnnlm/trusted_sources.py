"""The Python files that a user lets models name and run, remembered by the SHA-256 of their content.

    CONFIG/trusted-sources      a line for each file: its SHA-256, and where it lay when it was trusted

CONFIG is $RNNLM_CONFIG, $XDG_CONFIG_HOME/rnnlm or ~/.config/rnnlm. The list is a text for a person to read and to
delete lines from. It is ignored where somebody else could have written it.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path

NAME = "trusted-sources"
HEAD = "# Python files that rnnlm runs where a model names them: SHA-256 and place. Delete a line to take it back."


def config_folder() -> Path:
    """Return the folder of the user's settings: $RNNLM_CONFIG, $XDG_CONFIG_HOME/rnnlm or ~/.config/rnnlm."""
    if chosen := os.environ.get("RNNLM_CONFIG"):
        return Path(chosen)
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path(os.path.expanduser("~")) / ".config") / "rnnlm"


def is_remembered(sha256: str) -> bool:
    """Return whether the user has trusted a file with this content; False where the list cannot be believed."""
    try:
        return sha256 in _hashes(_read())
    except OSError as error:
        warnings.warn(f"the list of trusted sources is ignored: {_reason(error)}.", RuntimeWarning, stacklevel=2)
        return False


def remember(sha256: str, path: Path) -> None:
    """Add a file to the list; RuntimeWarning, and nothing else, where the list cannot be written."""
    target = config_folder() / NAME
    try:
        lines = _read()
        if sha256 in _hashes(lines):
            return
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = " ".join(str(path.absolute()).split())
        _write(target, [*(lines or [HEAD]), f"{sha256}  {place}"])
    except OSError as error:
        warnings.warn(f"that {path} is trusted is not remembered: {_reason(error)}.", RuntimeWarning, stacklevel=2)


def _read() -> list[str]:
    """Return the lines of the list, none where there is no list. OSError where it cannot be read or believed."""
    path = config_folder() / NAME
    try:
        file = open(path, encoding="utf-8", errors="replace")  # noqa: SIM115  closed below
    except (FileNotFoundError, NotADirectoryError):
        return []
    with file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise OSError(f"{path} is not an ordinary file")
        if os.name == "posix" and about.st_uid != os.geteuid():
            raise OSError(f"{path} belongs to another user")
        if os.name == "posix" and about.st_mode & 0o022:
            raise OSError(f"others can write to {path} (chmod 600 makes it yours)")
        return file.read().splitlines()


def _hashes(lines: list[str]) -> set[str]:
    return {match[0] for line in lines if (match := re.match(r"[0-9a-f]{64}(?!\S)", line))}


def _write(target: Path, lines: list[str]) -> None:
    """Replace the list whole or not at all; only its owner can read and write it."""
    number, draft = tempfile.mkstemp(prefix=f".{NAME}.", suffix=".tmp", dir=target.parent)  # mode 0600
    try:
        with open(number, "w", encoding="utf-8", errors="replace") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise


def _reason(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}" if error.strerror and error.filename else str(error)
