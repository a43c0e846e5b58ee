"""Class names: from labels as they are written to ids 0 … K−1 in a stable order."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

import numpy as np

from ..errors import DataError

# Numbers with a point, as programs write whole ones; not 12_1 and 1e5, which Python takes for numbers, and are names.
_WITH_POINT = re.compile(r"[+-]?[0-9]*\.[0-9]*(e[+-]?[0-9]+)?", re.ASCII | re.IGNORECASE)


def encode_labels(labels: Iterable[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """The class id of each label, (N,) int32, and the names of the classes in order of id.

    Names that are numbers come first, by value, then the others by letter.
    """
    labels = list(labels)
    names = tuple(sorted(set(labels), key=_order))
    number = {name: i for i, name in enumerate(names)}
    return np.array([number[label] for label in labels], dtype=np.int32), names


def tidy_label(label: str, where: str) -> str:
    """A label as classes are named: single blanks between its words, none around it.

    A whole number with a point, as programs write one (7.00e+00), becomes "7". Raises DataError, beginning with
    `where`, for an empty label and for a number that is not whole: that column holds measurements, not classes.
    """
    label = " ".join(label.split())
    if not label:
        raise DataError(f"{where}: the label is empty. Give every example a label, or leave it out.")
    value = _number(label)
    if value is None or (math.isfinite(value) and not _WITH_POINT.fullmatch(label)):
        return label
    if not value.is_integer():  # also nan and inf
        raise DataError(
            f"{where}: the label {label!r} is neither a name nor a whole number. Classes are; "
            "in a table, `label_column` says where they are."
        )
    return str(int(value))


def _number(label: str) -> float | None:
    """The value of a label that is a number, else None."""
    try:
        return float(label)
    except ValueError:
        return None


def _order(label: str) -> tuple[bool, float, str]:
    """The key by which the names of classes are sorted."""
    value = _number(label)
    is_number = value is not None and math.isfinite(value)
    return (not is_number, value if is_number and value is not None else 0.0, label)
