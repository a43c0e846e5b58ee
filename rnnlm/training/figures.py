"""Validation and test perplexities of several models, alone and mixed with equal weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..evaluation.mixing import mixture
from ..evaluation.perplexity import stream_perplexity
from ..evaluation.score import score
from ..evaluation.stream import Stream
from ..models.language_model import LanguageModel
from ..models.mixture import MixtureLM
from .data import Data


@dataclass(frozen=True)
class Figures:
    """The model in the file `path`: its streams over the validation text and, where there is one, the test text."""

    name: str
    path: Path
    valid: Stream
    test: Stream | None

    @property
    def valid_nll(self) -> float:
        """The validation cross-entropy, nats a token."""
        return stream_perplexity(self.valid).nll

    @property
    def test_nll(self) -> float | None:
        """The test cross-entropy, nats a token."""
        return None if self.test is None else stream_perplexity(self.test).nll

    def as_dict(self) -> dict[str, Any]:
        """Name, path and perplexities, as JSON has them."""
        valid, test = self.valid, self.test
        return {
            "name": self.name,
            "model": str(self.path),
            "valid": stream_perplexity(valid).as_dict(),
            "test": None if test is None else stream_perplexity(test).as_dict(),
        }


def figures_of(model: LanguageModel, data: Data, name: str, path: Path) -> Figures:
    """The figures of a model on the validation and the test text of a run."""
    with np.errstate(all="ignore"):
        return Figures(
            name,
            path,
            score(model, data.valid, name=str(path), progress=False),
            None if data.test is None else score(model, data.test, name=str(path), progress=False),
        )


def figures_of_mixture(figures: Sequence[Figures], name: str, path: Path) -> Figures:
    """The figures of the mixture with equal weights, from the streams of its members: no text is scored again."""
    weights = equal_weights(len(figures))
    test = [member.test for member in figures if member.test is not None]
    return Figures(
        name,
        path,
        mixture([member.valid for member in figures], weights, name=str(path)),
        mixture(test, weights, name=str(path)) if test else None,
    )


def write_mixture(models: Sequence[LanguageModel], members: Sequence[Path], output: Path) -> None:
    """Write the models' mixture with equal weights; its log holds the record of the first model's run."""
    mix = MixtureLM(models, equal_weights(len(models)))
    names = [str(path) for path in members]
    mix.log = [entry | {"members": names} for entry in models[0].log if entry["kind"] == "run"]
    mix.save(output)


def equal_weights(count: int) -> list[float]:
    """`count` weights of 1 / count."""
    return [1 / count] * count


def path_with(output: Path, part: str) -> Path:
    """The path of a file that belongs to the model file `output`: m.rnnlm -> m.PART.rnnlm."""
    return output.with_name(f"{output.stem}.{part}{output.suffix}")
