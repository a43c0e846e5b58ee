"""One file format for models and checkpoints: named arrays and a JSON header, in a safetensors file.

A file is written to a temporary neighbour, flushed to the disk and renamed, so a reader sees the old file or the whole
new one. The header carries a SHA-256 of everything, so a damaged file is told from a good one.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import math
import mmap
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from .errors import DataError

FORMAT = 1  # raised when a reader of today could misunderstand a file of tomorrow
KINDS = ("model", "checkpoint", "stream")
CHECKED = 1 << 28  # bytes: a file up to here is read whole to compare its checksum, a larger one is only mapped


def write(path: str | Path, what: str, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file of the kind `what` ("model", "checkpoint"), whole or not at all; DataError when the disk refuses."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    text = json.dumps(header, ensure_ascii=False, sort_keys=True)
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    about = {"kind": what, "format": FORMAT, "sha256": _digest(what, FORMAT, text, whole), "header": text}
    metadata = {"rnnlm": json.dumps(about)}  # one entry only: safetensors writes several in no fixed order
    with _replacing(path, f"the {what}") as temporary:
        try:
            save_file(whole, temporary, metadata)  # straight from the arrays: a copy might not fit beside them
        except SafetensorError as error:
            system = re.search(r"os error (\d+)", str(error))  # the library's words for an OSError
            number = int(system[1]) if system else errno.EIO
            raise OSError(number, os.strerror(number) if system else str(error)) from error


def json_array(value: Any) -> np.ndarray:
    """A value as JSON bytes in an array: a header has a limit of size, a vocabulary or a log has none."""
    return np.frombuffer(json.dumps(value).encode(), dtype=np.uint8)


def from_json_array(array: np.ndarray) -> Any:
    """The value that `json_array` packed."""
    return json.loads(array.tobytes().decode())


def write_bytes(path: str | Path, content: bytes, what: str) -> None:
    """Write bytes to a temporary neighbour, flush, rename. DataError names the path and the system's reason."""
    write_blocks(path, [content], what)


def write_blocks(path: str | Path, blocks: Iterable[bytes], what: str) -> None:
    """Write bytes that come in blocks as `write_bytes` does, so that they need not be in memory together."""
    with _replacing(path, what) as temporary, open(temporary, "wb") as file:
        file.writelines(blocks)


@contextmanager
def _replacing(path: str | Path, what: str) -> Iterator[str]:
    """The name of a temporary file which, once written, is flushed to the disk and takes the place of `path`."""
    with _temporary(path, what) as (file, final):
        yield file.name
        with open(file.name, "rb+") as written:
            os.fsync(written.fileno())
        os.chmod(file.name, 0o666 & ~_umask())
        os.replace(file.name, final)


def require_writable(path: str | Path, what: str) -> None:
    """DataError, in a second instead of after hours of work, when `what` could not be written to the path."""
    with _temporary(path, what) as (file, final):
        for left_over in final.parent.glob(glob.escape(_prefix(final)) + "*.tmp"):  # of a process that was killed
            if left_over.name != Path(file.name).name:
                left_over.unlink()


def same_file(one: str | Path, other: str | Path) -> bool:
    """Whether two paths lead to one file that exists: what is written to the one would replace the other."""
    try:
        return Path(other).samefile(one)
    except OSError:  # one of them does not exist
        return False


def _prefix(final: Path) -> str:
    return f".{final.name[:100]}."


@contextmanager
def _temporary(path: str | Path, what: str) -> Iterator[tuple[IO[bytes], Path]]:
    """A temporary file, gone at the end unless it was renamed, and the path to rename it to: what links lead to."""
    path = Path(path)
    try:
        final = path.resolve()
        if final.is_dir():
            raise DataError(f"{what} cannot be written to {path}: it is a folder. Give the path of a file as `output`.")
        if final.exists() and not final.is_file():  # renaming a file to /dev/null would put it in the device's place
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
    """The header and the arrays of a file of the kind `what`. DataError for anything that is not one, or is damaged.

    The arrays are views of the mapped file, so a large one is there at once, and what is written into them stays in
    memory. The checksum is compared only up to `CHECKED` bytes.
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
            f"{path} is not a {what} of rnnlm, or it is truncated or damaged ({error}). "
            f"Give the path of a {what} file, or train it again."
        ) from error


def _mapped(file: IO[bytes]) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file that the library has found to be in order, as views of the mapped file."""
    length = int.from_bytes(file.read(8), "little")
    entries = json.loads(file.read(length))
    whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    arrays = {}
    for name, entry in entries.items():
        if name != "__metadata__":
            begin, _ = entry["data_offsets"]
            count = math.prod(entry["shape"])
            array = np.frombuffer(whole, _DTYPES[entry["dtype"]], count, 8 + length + begin) if count else np.zeros(0)
            arrays[name] = array.astype(_DTYPES[entry["dtype"]], copy=False).reshape(entry["shape"])
    return arrays


_DTYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "I16": "<i2", "U8": "u1", "BOOL": "?", "U64": "<u8"}


def kind(path: str | Path, start: bytes | None = None) -> str | None:
    """The kind that a file says it is, or None when it does not say or cannot be read; `read` tells why.

    `start` are its first bytes, where somebody has read them already.
    """
    try:
        if start is None:
            with open(path, "rb") as file:
                start = file.read(_HEAD)
        length = int.from_bytes(start[:8], "little")
        if start[8:9] != b"{" or length > _LONGEST:
            return None
        if len(start) < 8 + length:
            with open(path, "rb") as file:
                start = file.read(8 + length)
        about = json.loads(json.loads(start[8 : 8 + length])["__metadata__"]["rnnlm"])
        return about.get("kind")
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError):
        return None


_HEAD = 1 << 16  # bytes that hold the header of most files
_LONGEST = 100_000_000  # bytes of a header, as the format has it


def _digest(what: str, version: int, header: str, arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(f"{what}\n{version}\n{header}\n".encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
