"""One file format for models and checkpoints: named arrays and a JSON header, in a safetensors file.

A file is written under a temporary name in its folder, flushed to the disk and renamed, so that a reader sees the old
file or the whole new one. The header holds a SHA-256 of everything, and that of a large file the CRC-32 of each piece
too, which takes less time to compare; so damage is noticed in files of any size (see `checksums`).
"""

from __future__ import annotations

import errno
import glob
import json
import math
import mmap
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from . import checksums
from .errors import DataError
from .strict_json import parse

FORMAT = 1  # raised when a reader of today could misunderstand a file of tomorrow
KINDS = ("model", "checkpoint", "stream")
LARGE = 1 << 28  # bytes: from this size on, the CRC-32 of pieces is compared instead of the SHA-256 of everything


def write(path: str | Path, what: str, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file of the kind `what`, one of `KINDS`; a file that was there before is replaced whole or not at all.

    `header` is JSON-able data; `arrays` are written in C order. Raises DataError where the file cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    text = json.dumps(header, ensure_ascii=False, sort_keys=True)
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    beginning = f"{what}\n{FORMAT}\n{text}\n"
    about = {"kind": what, "format": FORMAT, "sha256": checksums.sha256(beginning, contiguous), "header": text}
    if sum(array.nbytes for array in contiguous.values()) >= LARGE:
        about["crc32"] = checksums.crc32(beginning, contiguous)
    metadata = {"rnnlm": json.dumps(about)}  # one entry only: safetensors writes several in no fixed order
    with _replacing(path, f"the {what}") as temporary:
        try:
            save_file(contiguous, temporary, metadata)  # straight from the arrays: a copy might not fit beside them
        except SafetensorError as error:
            errno_in_message = re.search(r"os error (\d+)", str(error))  # how the library words an OSError
            number = int(errno_in_message[1]) if errno_in_message else errno.EIO
            raise OSError(number, os.strerror(number) if errno_in_message else str(error)) from error


def json_array(value: Any) -> np.ndarray:
    """Return a value as JSON bytes in an array (n,) uint8: a header has a limit of size, and an array has none."""
    return np.frombuffer(json.dumps(value).encode(), dtype=np.uint8)


def write_bytes(path: str | Path, content: bytes, what: str) -> None:
    """Write bytes to a file, which is replaced whole or not at all; messages call them `what`.

    Raises DataError that names the path and the system's reason.
    """
    write_blocks(path, [content], what)


def write_blocks(path: str | Path, blocks: Iterable[bytes], what: str) -> None:
    """Write bytes that come in blocks as `write_bytes` does, so that they need not be in memory together."""
    with _replacing(path, what) as temporary, open(temporary, "wb") as file:
        file.writelines(blocks)


@contextmanager
def _replacing(path: str | Path, what: str) -> Iterator[str]:
    """Give the name of a temporary file which, once written, is flushed to the disk and takes the place of `path`."""
    with _temporary(path, what) as (file, final):
        yield file.name
        with open(file.name, "rb+") as written:
            os.fsync(written.fileno())
        os.chmod(file.name, 0o666 & ~_umask())
        os.replace(file.name, final)


def require_writable(path: str | Path, what: str) -> None:
    """Raise DataError where `what` could not be written to the path: now, and not after hours of training.

    Temporary files that a killed process left beside the path are removed.
    """
    with _temporary(path, what) as (file, final):
        for left_over in final.parent.glob(glob.escape(_prefix(final)) + "*.tmp"):  # of a process that was killed
            if left_over.name != Path(file.name).name:
                left_over.unlink()


def same_file(path: str | Path, other: str | Path) -> bool:
    """Return whether two paths lead to the same file, which exists: writing to one would replace the other."""
    try:
        return Path(other).samefile(path)
    except OSError:  # one of them does not exist
        return False


def _prefix(final: Path) -> str:
    return f".{final.name[:100]}."


@contextmanager
def _temporary(path: str | Path, what: str) -> Iterator[tuple[IO[bytes], Path]]:
    """Give a temporary file, removed at the end unless it was renamed, and the path to rename it to, links resolved."""
    path = Path(path)
    try:
        final = path.resolve()
        if final.is_dir():
            raise DataError(f"{what} cannot be written to {path}: it is a folder. Give the path of a file as `output`.")
        if final.exists() and not final.is_file():  # renaming a file to /dev/null would replace the device
            raise DataError(f"{what} cannot be written to {path}: it is not an ordinary file. Give another `output`.")
        if not final.parent.is_dir():
            raise DataError(
                f"{what} cannot be written to {path}: the folder {path.parent} does not exist. "
                "Make it, or give another `output`."
            )
        with tempfile.NamedTemporaryFile(prefix=_prefix(final), suffix=".tmp", dir=final.parent, delete=False) as file:
            try:
                yield file, final
            finally:
                Path(file.name).unlink(missing_ok=True)
    except OSError as error:
        advice = "Free some space, or give" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Give"
        raise DataError(
            f"{what} could not be written to {path}: {error.strerror or error}. "
            f"A file that was there before is untouched. {advice} another place with `output`."
        ) from error


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
            f"{path} is not a {what} of rnnlm, or it is truncated or damaged ({error}). "
            f"Give the path of a {what} file, or train it again."
        ) from error


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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
