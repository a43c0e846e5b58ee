"""The class-factorized softmax."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np  # targets, classes and the order of tokens are host-side bookkeeping

from ..errors import DataError, UsageError
from ..layers import Param, initializers
from ..ops import ops_for
from ..ops.arrays import Array
from ..ops.gradients import OuterProduct
from ..ops.reference.class_softmax import ClassWeights
from ..options import option
from ..stored import Stored
from .class_map import ClassMap
from .softmax import log_shares

FULL_SOFTMAX_BELOW = 1000  # words: with fewer, a full softmax costs no more than two small ones
PARTITIONS = {"sqrt": ClassMap.by_sqrt_frequency, "frequency": ClassMap.by_frequency}


class ClassSoftmax:
    """The class-factorized softmax, over C classes and over the words of the target's class only.

        P(w | h) = P(class(w) | h) · P(w | class(w), h)

    A token costs C + |class| output units instead of V. class_W (C, H), class_b (C,), W (V, H), b (V,). The N tokens
    are sorted by class, and each class is three small matrix products on its own contiguous rows of W.

    J. Goodman, "Classes for fast maximum entropy training", 2001; T. Mikolov et al., "Extensions of recurrent neural
    network language model", 2011.
    """

    cheaper = ""
    fed_back = "class"

    @dataclass(frozen=True, kw_only=True)
    class Options:
        """How many word classes there are, and how they are made.

        `classes`: None chooses √V classes (the full softmax under 1,000 words), 0 is the full softmax, C > 0 makes C of
        them; `class_by`: classes of equal shares of √count ("sqrt") or of the running text ("frequency").
        """

        classes: int | None = option(
            None,
            "Word classes; 0 is the full softmax. Without it, about √V.",
            group="Output",
            metavar="C",
        )
        class_by: str = option(
            "sqrt",
            "What classes share equally: frequency, or its square root (sqrt).",
            group="Output",
            choices=tuple(PARTITIONS),
        )

    @classmethod
    def choose(
        cls,
        counts: np.ndarray,
        options: Any,
        size: int,
        *,
        rng: np.random.Generator,
        dtype: str,
        structure: Stored | None = None,
    ) -> Self | None:
        """As `Output.choose`: a layer with C classes where the options ask for classes.

        Without a number in the options, that is where the vocabulary has `FULL_SOFTMAX_BELOW` words or more.
        """
        if structure is not None:
            if not structure.has_array("class_start"):
                return None
            start = structure.array("class_start", [np.int64], [None])
            if len(start) < 2 or start[0] != 0 or start[-1] != len(counts) or (np.diff(start) < 1).any():
                raise DataError(
                    f"the array {structure.prefix}class_start must rise from 0 to {len(counts)}, the size of the "
                    "vocabulary: no class may be empty."
                )
            return cls(ClassMap(start), size, rng=rng, dtype=dtype)
        words, classes = len(counts), options.classes
        if classes is None:
            classes = 0 if words < FULL_SOFTMAX_BELOW else round(words**0.5)
        if not 0 <= classes <= words:
            raise UsageError(
                f"classes={classes} is not possible with a vocabulary of {words:,}. "
                f"Give 1 <= classes <= {words:,}, or 0 for the full softmax."
            )
        return cls(PARTITIONS[options.class_by](counts, classes), size, rng=rng, dtype=dtype) if classes else None

    def structure(self) -> dict[str, np.ndarray]:
        """The array `class_start` (C + 1,): the first word of each class."""
        return {"class_start": self.classes.start}

    @property
    def units_per_token(self) -> int:
        """The C classes, and the words of the largest class."""
        return len(self.classes) + int(self.classes.sizes.max())

    @property
    def numbers_per_token(self) -> int:
        """A probability for each class and for each word of the largest one."""
        return self.units_per_token

    @property
    def description(self) -> str:
        """The number of classes, for a person."""
        return f"{len(self.classes)} classes"

    def facts(self) -> dict[str, Any]:
        """The number of classes."""
        return {"classes": len(self.classes)}

    def __init__(
        self, classes: ClassMap, hidden: int, *, rng: np.random.Generator, init=initializers.uniform, dtype="float32"
    ) -> None:
        self.classes = classes
        words = classes.words
        self.params = {
            "class_W": Param.starting(init, rng, (len(classes), hidden), dtype),
            "class_b": Param.starting(initializers.zeros, rng, (len(classes),), dtype),
            "W": Param.starting(init, rng, (words, hidden), dtype),
            "b": Param.starting(initializers.zeros, rng, (words,), dtype),
        }

    def start_from(self, counts: np.ndarray) -> None:
        """Let the biases start at log P(class) and log P(word | class) of the words' counts (V,)."""
        starts = self.classes.start
        self.params["class_b"].value[...] = log_shares(np.add.reduceat(np.asarray(counts, dtype=np.int64), starts[:-1]))
        for start, end in pairwise(starts.tolist()):
            self.params["b"].value[start:end] = log_shares(counts[start:end])

    def readout(self) -> tuple[Param, Param]:
        """The softmax over the classes: R = class_W (C, H), r = class_b (C,)."""
        return self.params["class_W"], self.params["class_b"]

    def forward(self, h: Array, target: np.ndarray, *, gradient: bool = True) -> tuple[Array, Any]:
        """Forward as `Output.forward`: nll = -log P(class) - log P(word | class), (N,)."""
        ops = ops_for(h)
        tokens = ops.by_class(target, self.classes.of, self.classes.start)
        nll, dh, ops_tape, rows, d = ops.class_softmax_nll(h, tokens, self._weights(), gradient)
        return nll, (dh, ops_tape, rows, d, tokens.groups)

    def backward(self, tape: Any, scale: float) -> Array:
        """Backward as `Output.backward`; the gradient of W stays two factors (`OuterProduct`)."""
        dh, ops_tape, rows, d, groups = tape
        cW, cb, W, b = (self.params[name] for name in ("class_W", "class_b", "W", "b"))
        dh, dcW, dcb = ops_for(dh).softmax_gradient(ops_tape, dh, scale)  # 1b
        cW.add(dcW)
        cb.add(dcb)
        learning = groups[groups[:, 3] - groups[:, 2] > 1]  # a class of one word has no weights to learn
        outer = OuterProduct(d, rows, learning, scale)  # 2b
        W.add_outer_product(outer)
        ops_for(d).outer_product_bias(b.grad, outer)
        b.touch(outer.spans)
        return dh

    def logprobs(self, h: Array) -> Array:
        """As `Output.logprobs`: (N, V), all classes and all their words."""
        ops = ops_for(h)
        p = {name: param.value for name, param in self.params.items()}
        class_logp = ops.log_softmax(h @ p["class_W"].T + p["class_b"])
        logits = h @ p["W"].T + p["b"]
        for c, (start, end) in enumerate(zip(self.classes.start[:-1], self.classes.start[1:], strict=True)):
            logits[:, start:end] = ops.log_softmax(logits[:, start:end]) + class_logp[:, c : c + 1]
        return logits

    def draw(self, h: Array, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """As `Output.draw`: a class, then one of its words, so C + |class| output units a token, as in scoring."""
        return ops_for(h).class_softmax_draw(h, rng.random((len(h), 2)), self.classes.start, self._weights())

    def _weights(self) -> ClassWeights:
        return ClassWeights(*(self.params[name].value for name in ClassWeights._fields))
