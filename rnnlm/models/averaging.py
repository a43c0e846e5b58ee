"""One model from several of the same shape: the mean of their weights."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import numpy as np

from ..errors import DataError, UsageError
from ..ops import ops_for
from ..text.encoding import require_same
from .recurrent import RecurrentLM


def average(models: Sequence[RecurrentLM]) -> RecurrentLM:
    """The model whose every weight is the mean of those of `models`, such as the last epochs of one run.

    Kind, config (but for the seed), encoding and word classes must agree; the log is that of the last.
    Models that did not start from the same weights have no common coordinates: mix those instead (`MixtureLM`).
    Raises UsageError for no models, or one that is not recurrent; DataError names the first difference.

    B. Polyak and A. Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control Optim. 1992.
    """
    if not models:
        raise UsageError("there is no model to average. Give at least one.")
    for place, model in enumerate(models, 1):
        if not isinstance(model, RecurrentLM):
            raise UsageError(
                f"model {place} is of the kind {model.kind}, which has no weights to average. Mix instead."
            )
        _require_same_shape(models[0], model, place)
    arrays = [model.to_arrays()[1] for model in models]
    mean = deepcopy(models[-1])
    for name, param in mean.params.items():
        value = np.mean([each[name] for each in arrays], axis=0, dtype=np.float64)
        param.set(ops_for(param.value).asarray(value.astype(arrays[-1][name].dtype)))
    return mean


def _require_same_shape(first: RecurrentLM, other: RecurrentLM, place: int) -> None:
    """DataError for the first difference between model 1 and model `place`."""
    for name, one, two in (
        ("kind", first.kind, other.kind),
        *((name, value, other.config.get(name)) for name, value in first.config.items() if name != "seed"),
    ):
        if one != two:
            raise DataError(
                f"models 1 and {place} cannot be averaged: {name} is {one!r} in one and {two!r} in the other."
            )
    require_same(first.encoding, other.encoding, f"models 1 and {place} cannot be averaged")
    one, two = first.output.structure(), other.output.structure()
    names = sorted(one.keys() | two.keys())
    differing = [n for n in names if n not in one or n not in two or not np.array_equal(one[n], two[n])]
    if differing:
        raise DataError(
            f"models 1 and {place} cannot be averaged: their output layers are built in other ways "
            f"({first.output.description}, {other.output.description}), which {', '.join(differing)} tells."
        )
