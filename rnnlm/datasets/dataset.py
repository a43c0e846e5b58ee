"""Examples with class labels: what a classifier is trained and tested on."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import DataError, UsageError
from .labels import encode_labels, tidy_label
from .shapes import shape_text


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """N examples of one shape, with or without their classes. `Dataset.make` checks and converts what it is given.

    `x`       (N, …) float32: a vector of features (N, D) or images (N, height, width, channels)
    `y`       (N,) int32, the class of each example as an id in `labels`; None where the classes are not known
    `labels`  the names of the K classes, in the order of their ids; () where they are not known
    `name`    what messages call the data
    `files`   the file of each example where each has one, else ()
    """

    x: np.ndarray
    y: np.ndarray | None
    labels: tuple[str, ...] = ()
    name: str = "data"
    files: tuple[str, ...] = ()

    @classmethod
    def make(
        cls,
        x: Any,
        y: Any = None,
        *,
        labels: Sequence[str] | None = None,
        name: str = "data",
        files: Sequence[str] = (),
    ) -> Dataset:
        """A dataset of arrays: x (N, …) of numbers, y (N,) of class names or whole numbers, None where not known.

        `labels` are the names of the classes in their order, some of which may have no example; without it, they are
        the different values of y, numbers by value first, then names by letter. Nothing is scaled.
        Raises DataError for no examples, a number that is not finite, arrays of unequal length, a label that is not
        among `labels`.
        """
        x = _numbers(x, name)
        if y is None:
            return cls(x, None, (), name, tuple(files))
        y = np.asarray(y)
        if y.dtype.kind == "S":
            y = np.char.decode(y, "utf-8", "replace")
        if y.shape != (len(x),):
            raise DataError(f"{name}: x has {len(x)} examples, so y must have the shape ({len(x)},), not {y.shape}.")
        ids, names = encode_labels(tidy_label(str(label), f"{name}: y[{i}]") for i, label in enumerate(y.tolist()))
        data = cls(x, ids, names, name, tuple(files))
        return data if labels is None else data.with_labels(labels)

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        classes = "not labelled" if self.y is None else f"{len(self.labels)} classes"
        return f"Dataset({self.name!r}, {len(self):,} of {shape_text(self.shape)}, {classes})"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        return self.x.shape[1:]

    @cached_property
    def counts(self) -> np.ndarray:
        """How many examples each class has, (K,)."""
        return np.bincount(self.classes(), minlength=len(self.labels))

    @cached_property
    def sha256(self) -> str:
        """A hash of x, y and the labels: data with the same hash train the same model."""
        digest = hashlib.sha256(repr((self.x.shape, self.labels, self.y is None)).encode())
        for array in (self.x, self.y):
            if array is not None:
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def take(self, indices: Any) -> Dataset:
        """The examples at these places, in this order, as a Dataset."""
        indices = np.asarray(indices)
        y = None if self.y is None else self.y[indices]
        files = tuple(self.files[i] for i in indices.tolist()) if self.files else ()
        return replace(self, x=self.x[indices], y=y, files=files)

    def split(self, fraction: float, seed: int) -> tuple[Dataset, Dataset]:
        """Two parts, (the rest, the held-out `fraction`), both with the classes in the same shares.

        Of N examples round(N · fraction) are held out, and of each class its share rounded up or down; the last example
        of a class is never held out. Which ones depends on y and the seed alone; both parts keep the order of the data.
        Raises UsageError for a fraction outside 0 … 1, DataError where a part would be empty.
        """
        if not 0 < fraction < 1:
            raise UsageError(f"the held-out share is {fraction}; give a number between 0 and 1, such as 0.1.")
        y = np.zeros(len(self), np.int32) if self.y is None else self.y
        counts = np.bincount(y)
        quota = counts * fraction
        held_out = np.floor(quota).astype(int)  # of each class
        can_give = np.flatnonzero((quota > held_out) & (counts - 1 > held_out))  # classes that can give one more
        can_give = can_give[np.argsort(held_out[can_give] - quota[can_give], kind="stable")]  # largest remainder first
        held_out[can_give[: max(round(len(self) * fraction) - held_out.sum(), 0)]] += 1
        if not held_out.sum():
            raise DataError(
                f"{self.name} has {len(self)} examples, too few to hold out {fraction:g} of them and keep one of each "
                "class. Give more examples, or a file of its own for each part."
            )
        rng = np.random.default_rng(seed)
        is_held_out = np.zeros(len(self), dtype=bool)
        for label, count in enumerate(held_out):
            is_held_out[rng.permutation(np.flatnonzero(y == label))[:count]] = True
        return self.take(np.flatnonzero(~is_held_out)), self.take(np.flatnonzero(is_held_out))

    def reshape(self, shape: Sequence[int]) -> Dataset:
        """The same numbers, each example in another shape, such as 784 features as an image of 28×28×1.

        Raises DataError where the shape has another number of values.
        """
        if math.prod(shape) != math.prod(self.shape):
            raise DataError(
                f"{self.name}: an example has {shape_text(self.shape)} = {math.prod(self.shape)} values, which "
                f"cannot be {shape_text(shape)} = {math.prod(shape)}. Give a shape of {math.prod(self.shape)} values."
            )
        return replace(self, x=self.x.reshape(len(self), *shape))

    def with_labels(self, labels: Sequence[str]) -> Dataset:
        """The same data with ids in other `labels`, matched by name; DataError for a class that is not among them."""
        labels = tuple(labels)
        if self.y is None:
            return self
        number = {label: i for i, label in enumerate(labels)}
        present = np.flatnonzero(self.counts)
        for i in present:
            if self.labels[i] not in number:
                example = int(np.argmax(self.y == i))
                raise DataError(
                    f"{self.name}: example {example + 1} has the label {self.labels[i]!r}, which is none of the "
                    f"classes {_first_names(labels)}. Correct the label, or train a model on data that has it."
                )
        ids = np.array([number.get(label, -1) for label in self.labels], dtype=np.int32)
        return replace(self, y=ids[self.y], labels=labels)

    def require_like(self, shape: Sequence[int], labels: Sequence[str]) -> Dataset:
        """The data as a model of this input shape and these labels takes them: ids matched by the names of the classes.

        Flat examples are reshaped to the model's shape where they have as many values, and other examples to a flat
        one. Raises DataError for another shape and for a label that the model does not know.
        """
        shape, data = tuple(shape), self
        if shape != self.shape:
            flat = len(shape) == 1 or len(self.shape) == 1
            if not flat or math.prod(shape) != math.prod(self.shape):
                raise DataError(
                    f"{self.name}: an example has the shape {shape_text(self.shape)}, and the model takes "
                    f"{shape_text(shape)}. Images can be resized with `size`; in a table, look at the number of "
                    "columns and at `label_column`."
                )
            data = self.reshape(shape)
        return data.with_labels(labels)

    def classes(self) -> np.ndarray:
        """The class id of each example, (N,); DataError where the classes are not known."""
        if self.y is None:
            raise DataError(
                f"{self.name} has no labels, which are needed here. Give data with a label for each example."
            )
        return self.y


def _numbers(x: Any, name: str) -> np.ndarray:
    """x as an array (N, …) of float32; DataError for what is no array of finite numbers, or has no example."""
    try:
        array = np.asarray(x)
    except ValueError as error:  # rows of unequal length
        raise DataError(f"{name}: x is not an array of numbers: {error}.") from None
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name}: x must be an array of real numbers, and this one is of {array.dtype}.")
    if array.ndim < 2 or not array.size:
        raise DataError(f"{name}: x has the shape {array.shape}; it must be (examples, …) with at least one example.")
    with np.errstate(over="ignore"):
        numbers = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(numbers).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(numbers))[0])
        raise DataError(
            f"{name}: x{list(place)} is {array[place]}, not a finite number of float32. Replace it, or leave the "
            "example out."
        )
    return numbers


def _first_names(labels: Sequence[str], most: int = 20) -> str:
    """The first names of the classes, and how many more there are."""
    return ", ".join(labels[:most]) + (f" and {len(labels) - most} more" if len(labels) > most else "")
