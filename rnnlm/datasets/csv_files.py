"""Labelled data in a table: a line an example, a column a feature, one column the class."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from ..errors import DataError, UsageError
from ..text.files import read_blocks
from ..text.lines import plain_blocks
from .dataset import Dataset
from .labels import tidy_label

NONE = "none"  # the label column of a table without labels
_COUNTING = 10  # a first line of at least so many features that count 0, 1, 2, 3 … is a header


class _Values(dict[str, float]):
    """Numbers by their text; each of the pixels 0 … 255 is converted once, which halves the time of image tables."""

    def __missing__(self, cell: str) -> float:
        return float(cell)


_VALUES = _Values({str(i): float(i) for i in range(256)})


def read_table(
    path: Path,
    name: str,
    label_column: str | int | None,
    features: int | None = None,
    usual_column: str | int | None = None,
) -> Dataset:
    """The dataset in a table whose cells are divided by commas, semicolons or tabs; also compressed, as texts are.

    Every column is a feature, a number, except that of the label, which holds names or whole numbers. `label_column`
    says which one that is: a number from 1, a name of the header, or "none". Where it is None, `usual_column` says it,
    and without that it is the last column; but a table of no more than `features` columns has no labels then.

    The first line is a header where no feature in it is a number, or where the features count 0, 1, 2, 3 …; a first
    column whose name there is empty numbers the lines, and is left out. Raises DataError, with line and column, for a
    table that cannot be used.
    """
    text = _text(path, name)
    head = text[: text.find("\n") + 1 or None]
    delimiter = next((mark for mark in "\t;" if mark in head), ",")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    x, y = [], []
    width, column, skip_first = 0, -1, False
    try:
        for cells in rows:
            if len(cells) < 2 and not "".join(cells).strip():
                continue  # an empty line
            place = f"{name}, line {rows.line_num}"
            if not width:
                width = len(cells)
                if label_column is None:
                    label_column = NONE if width == features else usual_column
                column = _label_column(cells, label_column, name)
                if _is_name(label_column) or _is_header(cells, column):
                    skip_first = not cells[0].strip() and column != 0
                    continue
            if len(cells) != width:
                raise DataError(f"{place} has {len(cells)} columns, and the first line has {width}. Correct the line.")
            if column >= 0:
                y.append(tidy_label(cells[column], f"{place}, column {column + 1}"))
            x.append(_numbers(cells, column, skip_first, place))
    except csv.Error as error:
        raise DataError(f"{name}, line {rows.line_num}: {error}. Is a quotation mark missing?") from None
    if not x:
        raise DataError(f"{name} is empty: it has no line with an example. Give a table with one example a line.")
    if not len(x[0]):
        raise DataError(
            f"{name} has only one column; give features and a label, divided by commas, semicolons or tabs."
        )
    return Dataset.make(np.stack(x), y if column >= 0 else None, name=name)


def _text(path: Path, name: str) -> str:
    """The text of the file, decoded; DataError, with the line, where it is not UTF-8."""
    content = b"".join(plain_blocks(read_blocks(path), name))
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{name}, line {line}: byte 0x{content[error.start]:02x} is not UTF-8. Save it as UTF-8."
        ) from None


def _label_column(cells: list[str], label_column: str | int | None, name: str) -> int:
    """The place of the label in a line, from 0, or -1 where there is none."""
    if label_column is None:
        return len(cells) - 1
    if str(label_column) == NONE:
        return -1
    if _is_name(label_column):
        header = [cell.strip() for cell in cells]
        if label_column in header:
            return header.index(str(label_column))
        names = ", ".join(header[:10]) + (", …" if len(header) > 10 else "")
        raise DataError(
            f"{name} has no column {label_column!r}; its first line is {names}. Give a name of it, or a number from 1."
        )
    if not 1 <= int(label_column) <= len(cells):
        raise UsageError(f"label_column={label_column} is not a column of {name}: they go from 1 to {len(cells)}.")
    return int(label_column) - 1


def _is_name(label_column: str | int | None) -> bool:
    """Whether a label column is given by its name in the header."""
    return label_column not in (None, NONE) and not str(label_column).isdecimal()


def _is_header(cells: list[str], column: int) -> bool:
    """Whether a first line names the columns instead of holding an example."""
    features = [cell.strip() for i, cell in enumerate(cells) if i != column]
    counting = len(features) >= _COUNTING and features == [str(i) for i in range(len(features))]
    return bool(features) and (counting or not any(map(_is_number, features)))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
        return True
    except ValueError:
        return False


@np.errstate(over="ignore")  # too large for float32 is inf, and refused
def _numbers(cells: list[str], column: int, skip_first: bool, place: str) -> np.ndarray:
    """The features of a line, (D,) float32, without the first column where `skip_first` says so.

    Raises DataError, with the column, for a cell that is not a finite number.
    """
    features = cells[:column] + cells[column + 1 :] if column >= 0 else cells
    features = features[skip_first:]
    try:
        values = np.fromiter(map(_VALUES.__getitem__, features), np.float32, len(features))
        if np.isfinite(values).all():
            return values
    except ValueError:
        pass
    places = [i for i in range(skip_first, len(cells)) if i != column]
    bad = next(i for i in places if not (_is_number(cells[i]) and np.isfinite(np.float32(cells[i]))))
    value = repr(cells[bad].strip()) if cells[bad].strip() else "empty, a missing value"
    raise DataError(
        f"{place}, column {bad + 1} is {value}; features are finite numbers. Replace it, or leave the line out."
    )
