"""Arrays in a NumPy archive: x, y and the names of the classes."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

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


def _arrays(path: Path, name: str) -> dict[str, np.ndarray]:
    """The arrays of an archive by name; DataError for a file that is none, and for pickled objects."""
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise DataError(f"{name} is a single array, not an archive. Write it with np.savez(file, x=…, y=…).")
        with archive:
            return {key: archive[key] for key in archive.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{name} cannot be read as an .npz archive of arrays of numbers or names ({error}). It is damaged, or it "
            "holds Python objects. Write it again with np.savez(file, x=…, y=…)."
        ) from None
