"""Which output layers there are, and the one that a network's options ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import UsageError
from ..layers import WithoutWeights
from ..option_sets import merge
from ..options import declared
from ..stored import Stored
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
    structure: Stored | None = None,
    usual: Mapping[str, Any] | None = None,
) -> Output:
    """The output layer that the options ask for, on hidden vectors of `size` H, over words with these counts (V,).

    `usual` holds the options by name with which a model replaces None where nothing but the full softmax is asked for.
    The other arguments are those of `Output.choose`; the biases of a new layer start from the counts. Raises UsageError
    as `Output.choose` does, and for an option of another layer than the one that is chosen.
    """

    def chosen_from(outputs: Iterable[Any], options: Any) -> Output | None:
        choices = (out.choose(counts, options, size, rng=rng, dtype=dtype, structure=structure) for out in outputs)
        return next((layer for layer in choices if layer is not None), None)

    *special, softmax = OUTPUTS
    chosen = chosen_from(special, options)
    if structure is None and chosen is not None:
        _refuse_others(chosen, options)
    elif structure is None and usual:
        missing = {name: value for name, value in usual.items() if getattr(options, name) is None}
        chosen = chosen_from(special, replace(options, **missing))
    layer = chosen_from([softmax], options) if chosen is None else chosen
    assert layer is not None  # the full softmax is always possible
    if structure is None and not isinstance(rng, WithoutWeights):
        layer.start_from(counts)
    return layer


def _refuse_others(chosen: Output, options: Any) -> None:
    """UsageError for an option of another output layer, which would otherwise have no effect."""
    own = {name: entry.default for name, entry in declared(type(chosen).Options).items()}
    for name, entry in declared(OutputOptions).items():
        value = getattr(options, name)
        if name not in own and value and value != entry.default:
            asked = " and ".join(
                f"{o}={getattr(options, o)!r}" for o, usual in own.items() if getattr(options, o) != usual
            )
            raise UsageError(
                f"{name}={value!r} is for another output layer than this {chosen.description}. "
                f"Leave it out{f', or leave out {asked}' if asked else ''}."
            )
