"""JSON with a checksum behind it, for files of the cache: what was damaged is noticed, and made again."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

from .memory_folder import MemoryFile

_BLOCK = 1 << 20  # bytes


def dumps(value: Any) -> str:
    """Return JSON-able data as a line of JSON, and a line with the CRC-32 of the first."""
    text = json.dumps(value)
    return f"{text}\n{zlib.crc32(text.encode()):08x}\n"


def loads(text: str) -> Any:
    """Return what `dumps` wrote. Raises ValueError for anything else, before a line of it is parsed."""
    line, _, rest = text.partition("\n")
    if rest != f"{zlib.crc32(line.encode()):08x}\n":
        raise ValueError("the text does not match its checksum")
    return json.loads(line)


def crc32_of(path: Path | MemoryFile) -> int | None:
    """Return the CRC-32 of a file's content; None where there is no file. Raises OSError for one that fails."""
    crc = 0
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                crc = zlib.crc32(block, crc)
    except FileNotFoundError:
        return None
    return crc
