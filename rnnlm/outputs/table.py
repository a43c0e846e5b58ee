"""Which output layers there are, and the one that a network's options ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..option_sets import merge
from .class_softmax import ClassSoftmax
from .output import Output
from .softmax import Softmax

# A new output layer is one file and one line here. The first whose `choose` returns a layer is taken; `Softmax` always
# returns one, so it is last.
OUTPUTS: tuple[Any, ...] = (ClassSoftmax, Softmax)

OutputOptions: Any = merge("OutputOptions", [output.Options for output in OUTPUTS])


def make_output(
    counts: np.ndarray,
    options: Any,
    size: int,
    *,
    rng: np.random.Generator,
    dtype: str,
    structure: Mapping[str, np.ndarray] | None = None,
) -> Output:
    """The output layer that the options ask for, on hidden vectors of `size` H, over words with these counts (V,).

    The arguments, and what is raised, are those of `Output.choose`; the biases start from the counts.
    """
    choices = (output.choose(counts, options, size, rng=rng, dtype=dtype, structure=structure) for output in OUTPUTS)
    chosen = next(layer for layer in choices if layer is not None)
    chosen.start_from(counts)
    return chosen
