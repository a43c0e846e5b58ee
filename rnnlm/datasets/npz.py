"""Arrays in a NumPy archive: x, y and the names of the classes."""

from __future__ import annotations

import lzma
import math
import struct
import tokenize
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from .dataset import Dataset
from .labels import tidy_label


def read_npz(path: Path, name: str) -> Dataset:
    """The dataset in an archive that np.savez made.

    `x`       (N, …) numbers; uint8 ones are pixels and are divided by 255
    `y`       (N,) class names or whole numbers; without it the examples have no classes
    `labels`  (K,) names of the classes, of which y then holds the ids 0 … K−1; without it y names the classes itself

    Raises DataError for anything else. Nothing in the file is run: pickled objects are refused.
    """
    arrays = _arrays(path, name)
    if "x" not in arrays:
        contents = ", ".join(arrays) or "nothing"
        raise DataError(f'{name} has no array "x"; it holds {contents}. Write it with np.savez(file, x=…, y=…).')
    x, y, labels = arrays["x"], arrays.get("y"), arrays.get("labels")
    if labels is not None and labels.ndim != 1:
        raise DataError(f"{name}: labels has the shape {labels.shape}; it must be (classes,), a name each.")
    names = None
    if labels is not None:
        if labels.dtype.kind == "S":
            labels = np.char.decode(labels, "utf-8", "replace")
        names = tuple(tidy_label(str(label), f"{name}: labels[{i}]") for i, label in enumerate(labels.tolist()))
    if x.dtype == np.uint8:
        x = x.astype(np.float32) / 255
    if y is None or names is None or y.dtype.kind not in "iu":
        return Dataset.make(x, y, labels=names, name=name)
    data = Dataset.make(x, y, name=name)
    wrong = np.flatnonzero((y < 0) | (y >= len(names)))
    if wrong.size:
        raise DataError(
            f"{name}: y[{wrong[0]}] is {y[wrong[0]]}, and there are {len(names)} labels, so ids go from 0 to "
            f"{len(names) - 1}. Correct y, or leave out the array labels."
        )
    return replace(data, y=y.astype(np.int32), labels=names)


# What NumPy and zipfile raise for damaged archives; RuntimeError also for encrypted or deeply nested ones.
_DAMAGED = (
    *(OSError, ValueError, EOFError, KeyError, RuntimeError, SyntaxError, tokenize.TokenError, struct.error),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)


def _arrays(path: Path, name: str) -> dict[str, np.ndarray]:
    """The arrays of an archive by name; DataError for a file that is none, and for pickled objects."""
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise DataError(f"{name} is a single array, not an archive. Write it with np.savez(file, x=…, y=…).")
        with archive:
            packed: Any = archive.zip
            for member in packed.infolist():
                _require_size(packed, member)
            return {key: archive[key] for key in archive.files}
    except DataError:
        raise
    except _DAMAGED as error:
        raise DataError(
            f"{name} cannot be read as an .npz archive of arrays of numbers or names ({error}). It is damaged, or it "
            "holds Python objects. Write it again with np.savez(file, x=…, y=…)."
        ) from None


def _require_size(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """ValueError where a member is no array, or its claimed shape needs other bytes than follow: before they are read.

    Otherwise a few damaged digits would ask for more memory than there is.
    """
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(file)
        expected, found = math.prod(shape) * dtype.itemsize, member.file_size - file.tell()
    if not dtype.hasobject and (found != expected or min(shape, default=0) < 0):
        what = f"{member.filename} claims the shape {shape} of {dtype}, {expected:,} bytes, and has {found:,}"
        raise ValueError(what)
