"""One file format for models and checkpoints: named arrays and a JSON header, in a safetensors file.

A file is replaced whole or not at all (`output_files`). The header holds a SHA-256 of everything, and that of a large
file the CRC-32 of each piece too, which takes less time to compare; so damage is noticed in files of any size (see
`checksums`).
"""

from __future__ import annotations

import json
import math
import mmap
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from . import checksums, recognise
from .errors import DataError
from .output_files import to_bytes, write_blocks
from .strict_json import parse

FORMAT = 1  # raised when a reader of today could misunderstand a file of tomorrow
KINDS = ("model", "checkpoint", "stream")
LARGE = 1 << 28  # bytes: from this size on, the CRC-32 of pieces is compared instead of the SHA-256 of everything


def write(path: str | Path, what: str, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file of the kind `what`, one of `KINDS`; a file that was there before is replaced whole or not at all.

    `header` is JSON-able data; `arrays` are written in C order. Raises DataError where the file cannot be written.
    """
    text = to_bytes(json.dumps(header, ensure_ascii=False, sort_keys=True)).decode()
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    beginning = f"{what}\n{FORMAT}\n{text}\n"
    about = {"kind": what, "format": FORMAT, "sha256": checksums.sha256(beginning, contiguous), "header": text}
    if sum(array.nbytes for array in contiguous.values()) >= LARGE:
        about["crc32"] = checksums.crc32(beginning, contiguous)
    metadata = {"rnnlm": json.dumps(about)}  # one entry only: safetensors writes several in no fixed order
    write_blocks(path, _safetensors(contiguous, metadata), f"the {what}")


def _safetensors(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> Iterator[bytes | memoryview]:
    """The blocks of a safetensors file, byte for byte as the library writes it.

    The library itself writes to a temporary file of its own, which a killed process leaves behind for ever.
    """
    types = {np.dtype(little): name for name, little in _DTYPES.items()}
    order = sorted(arrays, key=lambda name: (-_WRITTEN_FIRST.index(types[arrays[name].dtype]), name.encode()))
    head: dict[str, Any] = {"__metadata__": dict(metadata)}
    begin = 0
    for name in order:
        array = arrays[name]
        end = begin + array.nbytes
        head[name] = {"dtype": types[array.dtype], "shape": list(array.shape), "data_offsets": [begin, end]}
        begin = end
    encoded = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    yield len(encoded).to_bytes(8, "little") + encoded
    for name in order:  # straight from the arrays: a copy might not fit beside them
        yield arrays[name].reshape(-1).view(np.uint8).data


def json_array(value: Any) -> np.ndarray:
    """Return a value as JSON bytes in an array (n,) uint8: a header has a limit of size, and an array has none."""
    return np.frombuffer(json.dumps(value).encode(), dtype=np.uint8)


def read(path: str | Path, what: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the header and the arrays of a file of the kind `what`, one of `KINDS`.

    The arrays are views of the mapped file, which is read once for the checksum; what is written into them stays in
    memory and does not change the file. Nothing else is checked: see `stored.Stored`.
    Raises DataError for a file that is missing, of another kind or format, or damaged.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode) and not path.is_dir():  # reading a pipe might wait for ever
            raise DataError(f"{path} is not an ordinary file. Give the path of a {what} file.")
        opened = open(path, "rb")  # noqa: SIM115  closed below
    except OSError as error:
        raise DataError(
            f"{path} cannot be read as a {what}: {error.strerror}. Give the path of a {what} file."
        ) from error
    try:
        with opened, safe_open(path, framework="numpy") as file:
            about = _parsed((file.metadata() or {}).get("rnnlm", "{}"), "its header")
            if about.get("kind") != what:
                found = f"a {about['kind']}" if about.get("kind") in KINDS else "a safetensors file of another program"
                raise DataError(f"{path} is {found}, not a {what} of rnnlm. Give the path of a {what} file.")
            if about["format"] > FORMAT:
                raise DataError(
                    f"{path} has file format {about['format']}, and this rnnlm reads up to {FORMAT}. "
                    "Install a newer rnnlm-kit."
                )
            arrays = _mapped(opened)
        beginning = f"{what}\n{about['format']}\n{about['header']}\n"
        if "crc32" in about:
            is_whole = about["crc32"] == checksums.crc32(beginning, arrays)
        else:
            is_whole = about["sha256"] == checksums.sha256(beginning, arrays)
        if not is_whole:
            raise DataError(f"{path} is damaged: its content does not match its checksum. Copy or train it again.")
        header = _parsed(about["header"], "its header")
        if not isinstance(header, dict):
            raise TypeError("its header is no object of names and values")
        return header, arrays
    except DataError:
        raise
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError, OverflowError, OSError) as error:
        raise DataError(
            _other_file(path, what)
            or f"{path} is not a {what} of rnnlm, or it is truncated or damaged ({error}). "
            f"Give the path of a {what} file, or train it again."
        ) from error


def _other_file(path: Path, what: str) -> str | None:
    """Return the message that a file is another program's; None where it is ours, damaged or not known."""
    with open(path, "rb") as file:
        start = file.read(recognise.SIZE)
    return None if start[8:9] == b"{" else recognise.not_a(f"{what} of rnnlm", str(path), start)


def _parsed(text: str | bytes, what: str) -> Any:
    """Return the value of a JSON text. Raises ValueError, to which the caller adds the path."""
    try:
        return parse(text, what)
    except DataError as error:
        raise ValueError(str(error).removesuffix(".")) from error


def _mapped(file: IO[bytes]) -> dict[str, np.ndarray]:
    """Return the arrays of a safetensors file, whose header the library has checked, as views of the mapped file."""
    length = int.from_bytes(file.read(8), "little")
    entries = _parsed(file.read(length), "its list of arrays")
    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    arrays = {}
    for name, entry in entries.items():
        if name != "__metadata__":
            begin, _ = entry["data_offsets"]
            count = math.prod(entry["shape"])
            array = np.frombuffer(mapped, _DTYPES[entry["dtype"]], count, 8 + length + begin) if count else np.zeros(0)
            arrays[name] = array.astype(_DTYPES[entry["dtype"]], copy=False).reshape(entry["shape"])
    return arrays


_DTYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "I16": "<i2", "U8": "u1", "BOOL": "?", "U64": "<u8"}
_WRITTEN_FIRST = ("BOOL", "U8", "I16", "I32", "F32", "F64", "I64", "U64")  # from the last to the first: by alignment


def kind(path: str | Path, start: bytes | None = None) -> str | None:
    """Return the kind, one of `KINDS`, that a file's header names; None where it names none or cannot be read.

    `start` holds the file's first bytes, where the caller has read them already. `read` raises an error that says why.
    """
    try:
        if start is None:
            with open(path, "rb") as file:
                start = file.read(_USUAL_HEADER)
        length = int.from_bytes(start[:8], "little")
        if start[8:9] != b"{" or length > _LONGEST_HEADER:
            return None
        if len(start) < 8 + length:
            with open(path, "rb") as file:
                start = file.read(8 + length)
        about = json.loads(json.loads(start[8 : 8 + length])["__metadata__"]["rnnlm"])
        return about.get("kind")
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError):
        return None


_USUAL_HEADER = 1 << 16  # bytes that hold the header of most files
_LONGEST_HEADER = 100_000_000  # bytes, the limit of the safetensors format
