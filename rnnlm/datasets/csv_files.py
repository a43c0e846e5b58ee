"""Labelled data in a table: a line an example, a column a feature, one column the class."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from ..errors import DataError, UsageError
from ..text.files import read_blocks
from .dataset import Dataset
from .labels import tidy_label

NONE = "none"  # the label column of a table without labels
_COUNTING = 10  # so many features 0, 1, 2, 3 … in the first line are a header


class _Values(dict[str, float]):
    """Text -> number; of the pixels 0 … 255 each is converted once, which halves the time of a table of images."""

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
    """The dataset in a table whose cells are divided by commas, semicolons or tabs; also packed, as texts are.

    Every column is a feature, a number, but the label's, which holds names or whole numbers: `label_column`, a number
    from 1 or a name of the header, or "none"; where it is None `usual_column`, and without that the last, but a table
    of no more than `features` columns has none then. The first line is a header where no feature in
    it is a number, or where the features count 0, 1, 2, 3 …; a first column whose name there is empty numbers the
    lines, and is left out. Raises DataError, with line and column, for a table that cannot be used.
    """
    text = _text(path, name)
    head = text[: text.find("\n") + 1 or None]
    mark = next((mark for mark in "\t;" if mark in head), ",")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=mark, skipinitialspace=True, strict=True)
    x, y = [], []
    width, column, left_out = 0, -1, False
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
                    left_out = not cells[0].strip() and column != 0
                    continue
            if len(cells) != width:
                raise DataError(f"{place} has {len(cells)} columns, and the first line has {width}. Correct the line.")
            if column >= 0:
                y.append(tidy_label(cells[column], f"{place}, column {column + 1}"))
            x.append(_numbers(cells, column, left_out, place))
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
    content = b"".join(read_blocks(path))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{name}, line {line}: byte 0x{content[error.start]:02x} is not UTF-8. Save it as UTF-8."
        ) from None


def _label_column(cells: list[str], wanted: str | int | None, name: str) -> int:
    """The place of the label in a line from 0, or -1."""
    if wanted is None:
        return len(cells) - 1
    if str(wanted) == NONE:
        return -1
    if _is_name(wanted):
        header = [cell.strip() for cell in cells]
        if wanted in header:
            return header.index(str(wanted))
        some = ", ".join(header[:10]) + (", …" if len(header) > 10 else "")
        raise DataError(
            f"{name} has no column {wanted!r}; its first line is {some}. Give a name of it, or a number from 1."
        )
    if not 1 <= int(wanted) <= len(cells):
        raise UsageError(f"label_column={wanted} is not a column of {name}: they go from 1 to {len(cells)}.")
    return int(wanted) - 1


def _is_name(label_column: str | int | None) -> bool:
    return label_column not in (None, NONE) and not str(label_column).isdecimal()


def _is_header(cells: list[str], column: int) -> bool:
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
def _numbers(cells: list[str], column: int, left_out: bool, place: str) -> np.ndarray:
    """The features of a line, (D,) float32. DataError names the column of a cell that is not a finite number."""
    features = cells[:column] + cells[column + 1 :] if column >= 0 else cells
    features = features[left_out:]
    try:
        values = np.fromiter(map(_VALUES.__getitem__, features), np.float32, len(features))
        if np.isfinite(values).all():
            return values
    except ValueError:
        pass
    places = [i for i in range(left_out, len(cells)) if i != column]
    bad = next(i for i in places if not (_is_number(cells[i]) and np.isfinite(np.float32(cells[i]))))
    value = repr(cells[bad].strip()) if cells[bad].strip() else "empty, a missing value"
    raise DataError(
        f"{place}, column {bad + 1} is {value}; features are finite numbers. Replace it, or leave the line out."
    )
