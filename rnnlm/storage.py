"""One file format for models and checkpoints: named arrays and a JSON header, in a safetensors file.

A file is replaced whole or not at all (`output_files`). The header holds a SHA-256 of everything, so that damage is
noticed.
"""

from __future__ import annotations

import hashlib
import json
import math
import mmap
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from . import recognise
from .errors import DataError
from .output_files import write_blocks

FORMAT = 1  # raised when a reader of today could misunderstand a file of tomorrow
KINDS = ("model", "checkpoint", "stream")
CHECKED = 1 << 28  # bytes: the checksum is compared in files up to this size; larger ones are only mapped


def write(path: str | Path, what: str, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file of the kind `what`, one of `KINDS`; a file that was there before is replaced whole or not at all.

    `header` is JSON-able data; `arrays` are written in C order. Raises DataError where the file cannot be written.
    """
    text = json.dumps(header, ensure_ascii=False, sort_keys=True)
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    about = {"kind": what, "format": FORMAT, "sha256": _digest(what, FORMAT, text, contiguous), "header": text}
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


def from_json_array(array: np.ndarray) -> Any:
    """Return the value that `json_array` packed."""
    return json.loads(array.tobytes().decode())


def read(path: str | Path, what: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the header and the arrays of a file of the kind `what`, one of `KINDS`.

    The arrays are views of the mapped file, so that opening a large one costs no time; what is written into them stays
    in memory and does not change the file. The checksum is compared in files of up to `CHECKED` bytes.
    Raises DataError for a file that is missing, of another kind or format, or damaged.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    try:
        opened = open(path, "rb")  # noqa: SIM115  closed below
    except OSError as error:
        raise DataError(
            f"{path} cannot be read as a {what}: {error.strerror}. Give the path of a {what} file."
        ) from error
    try:
        with opened, safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {}).get("rnnlm", "{}"))
            if about.get("kind") != what:
                found = f"a {about['kind']}" if about.get("kind") in KINDS else "a safetensors file of another program"
                raise DataError(f"{path} is {found}, not a {what} of rnnlm. Give the path of a {what} file.")
            if about["format"] > FORMAT:
                raise DataError(
                    f"{path} has file format {about['format']}, and this rnnlm reads up to {FORMAT}. "
                    "Install a newer rnnlm-kit."
                )
            arrays = _mapped(opened)
            size = os.fstat(opened.fileno()).st_size
        if size <= CHECKED and _digest(what, about["format"], about["header"], arrays) != about["sha256"]:
            raise DataError(f"{path} is damaged: its content does not match its checksum. Copy or train it again.")
        return json.loads(about["header"]), arrays
    except DataError:
        raise
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError, OSError) as error:
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


def _mapped(file: IO[bytes]) -> dict[str, np.ndarray]:
    """Return the arrays of a safetensors file, whose header the library has checked, as views of the mapped file."""
    length = int.from_bytes(file.read(8), "little")
    entries = json.loads(file.read(length))
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


def _digest(what: str, version: int, header: str, arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(f"{what}\n{version}\n{header}\n".encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
