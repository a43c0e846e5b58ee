"""The labelled data of a run: to learn from, to choose by, to report on."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import catalogue
from ..datasets import Dataset, is_images, read
from ..models.classifier import Classifier
from .classifier_settings import ClassifierSettings


@dataclass(frozen=True)
class ClassifierData:
    """Training, validation and test examples with the same labels and shape; `said` tells what was held out."""

    train: Dataset
    valid: Dataset
    test: Dataset | None
    said: str

    @property
    def hashes(self) -> dict[str, str | int | None]:
        """What the data were, for the model file and for a resumed run."""
        return {
            "train": self.train.sha256,
            "valid": self.valid.sha256,
            "test": self.test.sha256 if self.test else None,
            "train_examples": len(self.train),
            "valid_examples": len(self.valid),
        }


def load(settings: ClassifierSettings, resumed: Classifier | None = None) -> ClassifierData:
    """The data of a run: paths or names of the catalogue. UsageError and DataError for data that cannot be used.

    A named data set brings its own parts. Where no validation data are given, a share is held out from the training
    data, of each class the same. `resumed` is the model of a run that goes on: its labels and shape count.
    """
    s = settings
    options: dict[str, Any] = {"label_column": s.label_column, "size": s.size, "shape": s.shape}
    train, said = read(s.data, **options), ""
    train.classes()  # a DataError without labels
    if resumed is not None:
        train = train.require_like(resumed.shape, resumed.labels)

    def like_train(source: str | Path) -> Dataset:
        data = read(source, labels=train.labels, **options).require_like(train.shape, train.labels)
        data.classes()  # a DataError without labels, now and not when the epoch is over
        return data

    valid, test = (getattr(s, name) or _of_the_same_name(s.data, name) for name in ("valid", "test"))
    if valid is None:
        train, held_out = train.split(s.held_out, s.seed)
        said = f"held out {len(held_out):,} of {len(train) + len(held_out):,} examples of {train.name} for validation"
    else:
        held_out = like_train(valid)
    return ClassifierData(train, held_out, None if test is None else like_train(test), said)


def read_for(
    model: Classifier,
    source: str | Path,
    *,
    labelled: bool = True,
    label_column: str | int | None = None,
    size: str | None = None,
    shape: str | None = None,
) -> Dataset:
    """The examples of a source as the model takes them; the keywords are those of `rnnlm.datasets.read`.

    Image files take the model's channels; where `label_column` and `size` are None, those count that the model was
    trained with. `labelled` False: the classes are not known, or not looked at. Raises
    DataError for another shape, and for a label that the model does not know.
    """
    trained = next((entry for entry in model.log if entry["kind"] == "run"), {})
    options: dict[str, Any] = {"label_column": label_column, "size": size, "shape": shape}
    options["usual_column"] = trained.get("label_column")
    if is_images(source):
        options["size"] = trained.get("size") if size is None else size
        options["shape"] = model.shape if shape is None and len(model.shape) == 3 else shape
    if labelled:
        return read(source, labels=model.labels, **options).require_like(model.shape, model.labels)
    data = read(source, features=math.prod(model.shape), **options)
    return replace(data, y=None, labels=()).require_like(model.shape, ())


def _of_the_same_name(source: str | Path, name: str) -> str | None:
    """The part of a named data set, where it has it."""
    if Path(source).exists() or not catalogue.is_name(str(source)):
        return None
    found = getattr(catalogue.get(str(source), content=catalogue.LABELLED), name)
    return None if found is None else str(found)
