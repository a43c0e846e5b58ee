"""Checksums of a header and arrays: a SHA-256 of everything, and the CRC-32 of each piece, which takes less time.

A CRC-32 finds every change of up to 32 neighbouring bits and every pair of changed bits in its piece; other damage
escapes it once in 4 billion times.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from . import limits

PIECE = 1 << 24  # bytes


def sha256(beginning: str, arrays: Mapping[str, np.ndarray]) -> str:
    """Return the hexadecimal SHA-256 of a text and of the names, types, shapes and bytes of the arrays."""
    digest = hashlib.sha256(beginning.encode("utf-8", "surrogatepass"))
    for name in sorted(arrays):
        digest.update(_title(name, arrays[name]).encode())
        digest.update(_bytes(arrays[name]).data)
    return digest.hexdigest()


def crc32(beginning: str, arrays: Mapping[str, np.ndarray]) -> list[int]:
    """Return the CRC-32 of a text and of the names, types and shapes of the arrays, and that of each piece of them.

    A piece has `PIECE` bytes of one array; several threads read them, since the system waits for the disk meanwhile.
    """
    titles = "".join(_title(name, arrays[name]) for name in sorted(arrays))
    with ThreadPoolExecutor(min(4, limits.cores())) as threads:
        return [
            zlib.crc32((beginning + titles).encode("utf-8", "surrogatepass")),
            *threads.map(zlib.crc32, _pieces(arrays)),
        ]


def _pieces(arrays: Mapping[str, np.ndarray]) -> Iterator[memoryview]:
    for name in sorted(arrays):
        content = _bytes(arrays[name])
        for begin in range(0, len(content), PIECE):
            yield content[begin : begin + PIECE].data


def _title(name: str, array: np.ndarray) -> str:
    return f"{name} {array.dtype.str} {array.shape}\n"


def _bytes(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)
