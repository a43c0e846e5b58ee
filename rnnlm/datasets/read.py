"""Labelled data by path or by name: tables, NumPy archives, images and the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .. import catalogue
from ..errors import DataError, UsageError, enough_memory
from ..text.files import source_name
from .csv_files import read_table
from .dataset import Dataset
from .image_folder import SUFFIXES, images_in, read_images
from .npz import read_npz
from .shapes import parse_shape, shape_text

TABLES = (".csv", ".tsv")
_COMPRESSED = (".gz", ".bz2", ".xz")


def read(
    source: str | Path,
    *,
    labels: Sequence[str] | None = None,
    label_column: str | int | None = None,
    size: str | Sequence[int] | None = None,
    shape: str | int | Sequence[int] | None = None,
    features: int | None = None,
    usual_column: str | int | None = None,
) -> Dataset:
    """Read examples, with their classes where the source has them.

    `source`        a table (.csv, .tsv, also as .csv.gz; "-" for one on standard input), an .npz archive, a folder
                    with a folder of images for each class, a folder of images or one image without classes, or a name
                    of the catalogue: "digits" for its training part, "digits:test" for another
    `labels`        the class names in a fixed order, such as a model's; without it, those that occur, numbers by
                    value first, then names by letter
    `label_column`  of a table: a number from 1 or a name of its header, "none" where it has no labels; the last
    `size`          "28x28": images are resized to this height and width
    `shape`         "28x28x1": the shape of an example. Rows of 784 numbers become images; images become grey (1) or
                    coloured (3), but are resized only with `size`
    `features`      how many numbers an example has, where that is known, as when a model is to classify it: a table of
                    so many columns has no labels, unless `label_column` says where they stand
    `usual_column`  as `label_column`, for a table with labels where that is not given; other sources ignore it

    Pixels come out between 0 and 1 (images, and uint8 arrays in an .npz); other numbers as they are.
    Raises UsageError for an option that does not go with the source; DataError for data that cannot be used, naming
    file, line or example, and value; also for a single class where neither `labels` nor `features` are given.
    """
    example_shape = None if shape is None else parse_shape(shape, "shape")
    image_size = None if size is None else parse_shape(size, "size", 2)
    name = source_name(source)
    path = _path(source)
    kind = _kind(path)
    if label_column is not None and kind != "table":
        raise UsageError(f"label_column={label_column} is for tables, and {name} is not one. Leave it out.")
    if size is not None and kind != "images":
        raise UsageError(f"size={shape_text(image_size or ())} is for images, and {name} holds none. Leave it out.")
    with enough_memory(f"the examples of {name}", "Give fewer examples at a time, smaller ones, or more memory."):
        if kind == "images":
            data = read_images(path, name, image_size, example_shape)
        elif kind == "npz":
            data = read_npz(path, name)
        elif kind == "table":
            data = read_table(path, name, label_column, features, usual_column)
    if kind not in ("images", "npz", "table"):
        raise DataError(
            f"{name} is none of the files that hold labelled data: .csv and .tsv (also .gz), .npz, a folder of images, "
            f"an image ({', '.join(SUFFIXES)}). Rename or convert it."
        )
    if example_shape is not None and data.shape != example_shape:
        data = data.reshape(example_shape)
    if labels is not None:
        return data.with_labels(labels)
    if features is None and data.y is not None and np.count_nonzero(data.counts) < 2:
        raise DataError(
            f"all {len(data)} examples of {name} have the label {data.labels[data.y[0]]!r}, so there is nothing to "
            "tell apart. Give examples of another class too"
            + (", or another `label_column`." if kind == "table" else ".")
        )
    return data


def files_of(source: str | Path) -> list[Path]:
    """Return the files that `read` would read of a source, without reading them or getting a named data set."""
    return [image for file in catalogue.files_of(source) for image in (images_in(file) if file.is_dir() else [file])]


def is_images(source: str | Path) -> bool:
    """Whether a source is an image or a folder of images. DataError for one that does not exist."""
    return _kind(_path(source)) == "images"


def _path(source: str | Path) -> Path:
    """The file or folder behind a source, which may be a name of the catalogue or NAME:PART."""
    if isinstance(source, str) and catalogue.is_name(source) and not Path(source).exists():
        return catalogue.get(source, content=catalogue.LABELLED).train
    path = Path(catalogue.part(source, content=catalogue.LABELLED))
    if str(source) != "-" and not path.exists():
        raise DataError(
            f"{source} does not exist. Give a file, a folder of images, or a name that `rnnlm corpus list` shows."
        )
    return path


def _kind(path: Path) -> str | None:
    """The kind of source at a path, "images", "table" or "npz", by its name; None for another."""
    if path.is_dir():
        return "images"
    name = path.name.lower()
    suffix = Path(name.removesuffix(Path(name).suffix) if name.endswith(_COMPRESSED) else name).suffix
    if suffix in TABLES or name == "-":
        return "table"
    return "npz" if suffix == ".npz" else "images" if suffix in SUFFIXES else None
