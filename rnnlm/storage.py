"""One file format for models and checkpoints: named arrays and a JSON header, in a safetensors file.

A file is written to a temporary neighbour, flushed to the disk and renamed, so a reader sees the old file or the whole new
one. The header carries a SHA-256 of everything, so a damaged file is told from a good one.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .errors import DataError

FORMAT = 1  # raised when a reader of today could misunderstand a file of tomorrow


def write(path: str | Path, what: str, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file of the kind `what` ("model", "checkpoint"), whole or not at all; DataError when the disk refuses."""
    from safetensors.numpy import save

    text = json.dumps(header, ensure_ascii=False, sort_keys=True)
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    about = {"kind": what, "format": FORMAT, "sha256": _digest(what, text, whole), "header": text}
    metadata = {"rnnlm": json.dumps(about)}  # one entry only: safetensors writes several in no fixed order
    write_bytes(path, save(whole, metadata), f"the {what}")


def write_bytes(path: str | Path, content: bytes, what: str) -> None:
    """Write bytes to a temporary neighbour, flush, rename. DataError names the path and the system's reason."""
    path = Path(path)
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
        raise DataError(
            f"{what} could not be written to {path}: {error.strerror}. A file that was there before is untouched. "
            "Free some space or give another place with -o."
        ) from error


def read(path: str | Path, what: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The header and the arrays of a file of the kind `what`. DataError for anything that is not one, or is damaged."""
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise DataError(f"{path} cannot be read as a {what}: {error.strerror}. Give the path of a {what} file.") from error
    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {}).get("rnnlm", "{}"))
            if about.get("kind") != what:
                found = f"a {about['kind']}" if "kind" in about else "a safetensors file of another program"
                raise DataError(f"{path} is {found}, not a {what} of rnnlm. Give the path of a {what} file.")
            if about["format"] > FORMAT:
                raise DataError(
                    f"{path} has file format {about['format']}, and this rnnlm reads up to {FORMAT}. "
                    "Install a newer rnnlm-kit."
                )
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        if _digest(what, about["header"], arrays) != about["sha256"]:
            raise DataError(f"{path} is damaged: its content does not match its checksum. Copy or train it again.")
        return json.loads(about["header"]), arrays
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{path} is not a {what} of rnnlm, or it is truncated or damaged ({error}). "
            f"Give the path of a {what} file, or train it again."
        ) from error


def _digest(what: str, header: str, arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(f"{what}\n{FORMAT}\n{header}\n".encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
