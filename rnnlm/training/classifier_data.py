"""The labelled data of a run: training, validation and test examples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .. import catalogue
from ..datasets import Dataset, is_images, read
from ..models.classifier import Classifier
from ..options import option


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """How labelled data are read (see `rnnlm.datasets.read`)."""

    label_column: str | int | None = option(
        None,
        "CSV: the column of the labels, by name or number; that of the training, or the last, without it.",
        group="Data",
        metavar="NAME|N",
        common=True,
    )
    size: str | Sequence[int] | None = option(
        None, "Image files: resize them; as for the training without it.", group="Data", metavar="HxW"
    )
    shape: str | Sequence[int] | None = option(
        None, "Take each row of a table as an image of this shape.", group="Data", metavar="HxWxC"
    )


@dataclass(frozen=True, kw_only=True)
class DataOptions(ReadingOptions):
    """The labelled data of a run: paths, or names of the catalogue."""

    data: str | Path = option("digits", "A table, an archive, a folder of images, or a name.", group="Data", free=True)
    valid: str | Path | None = option(
        None,
        "Data by which the best epoch is chosen; without it a part of DATA is held out.",
        group="Data",
        metavar="DATA",
        free=True,
        common=True,
    )
    test: str | Path | None = option(
        None, "Data on which the result is reported at the end.", group="Data", metavar="DATA", free=True, common=True
    )
    held_out: float = option(
        0.1,
        "The share of DATA by which the best epoch is chosen, without validation data.",
        group="Data",
        metavar="SHARE",
    )


@dataclass(frozen=True)
class ClassifierData:
    """Training, validation and test examples with the same labels and shape, and a note on what was held out."""

    train: Dataset
    valid: Dataset
    test: Dataset | None
    held_out_note: str

    @property
    def hashes(self) -> dict[str, str | int | None]:
        """Hashes and sizes of the data by name, for the model file and for the check of a resumed run."""
        return {
            "train": self.train.sha256,
            "valid": self.valid.sha256,
            "test": self.test.sha256 if self.test else None,
            "train_examples": len(self.train),
            "valid_examples": len(self.valid),
        }


def load(settings: DataOptions, resumed: Classifier | None = None, *, seed: int = 1) -> ClassifierData:
    """The data of a run: paths or names of the catalogue. UsageError and DataError for data that cannot be used.

    A named data set brings its own parts. Where no validation data are given, a share is held out from the training
    data, of each class the same, chosen by `seed`. `resumed` is the model of a resumed run, whose labels and shape the
    data must have.
    """
    s = settings
    options: dict[str, Any] = {"label_column": s.label_column, "size": s.size, "shape": s.shape}
    train, held_out_note = read(s.data, **options), ""
    train.classes()  # raises DataError without labels
    if resumed is not None:
        train = train.require_like(resumed.shape, resumed.labels)

    def like_train(source: str | Path) -> Dataset:
        """The data of a source, which must have the shape and the labels of the training data."""
        data = read(source, labels=train.labels, **options).require_like(train.shape, train.labels)
        data.classes()  # raises DataError without labels, now and not when the first epoch is over
        return data

    valid, test = (getattr(s, name) or _part_of_named_data(s.data, name) for name in ("valid", "test"))
    if valid is None:
        train, held_out = train.split(s.held_out, seed)
        share = f"{len(held_out):,} of {len(train) + len(held_out):,} examples"
        held_out_note = f"held out {share} of {train.name} for validation"
    else:
        held_out = like_train(valid)
    return ClassifierData(train, held_out, None if test is None else like_train(test), held_out_note)


def read_for(
    model: Classifier,
    source: str | Path,
    reading: ReadingOptions | None = None,
    *,
    labelled: bool = True,
) -> Dataset:
    """The examples of a source in the shape that the model takes; `reading` are the options of `rnnlm.datasets.read`.

    Image files get the model's number of channels; where `label_column` and `size` are None, those of the training are
    used. With `labelled` False the classes are unknown or not needed, and are not read. Raises DataError for another
    shape, and for a label that the model does not know.
    """
    trained = next((entry for entry in model.log if entry["kind"] == "run"), {})
    options: dict[str, Any] = asdict(reading or ReadingOptions())
    options["usual_column"] = trained.get("label_column")
    if is_images(source):
        if options["size"] is None:
            options["size"] = trained.get("size")
        if options["shape"] is None and len(model.shape) == 3:
            options["shape"] = model.shape
    if labelled:
        return read(source, labels=model.labels, **options).require_like(model.shape, model.labels)
    data = read(source, features=math.prod(model.shape), **options)
    return replace(data, y=None, labels=()).require_like(model.shape, ())


def _part_of_named_data(source: str | Path, name: str) -> str | None:
    """The file of the part `name` ("valid", "test") of a named data set; None without such a part, and for a path."""
    if Path(source).exists() or not catalogue.is_name(str(source)):
        return None
    path = getattr(catalogue.get(str(source), content=catalogue.LABELLED), name)
    return None if path is None else str(path)
