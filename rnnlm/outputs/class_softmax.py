"""The class-factorized softmax."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np  # targets, classes and the order of tokens are host-side bookkeeping

from ..layers import Param, initializers
from ..ops import ops_for
from ..ops.arrays import Array
from ..ops.gradients import OuterProduct
from ..ops.reference.class_softmax import ClassWeights
from .class_map import ClassMap
from .softmax import log_shares


class ClassSoftmax:
    """P(w | h) = P(class(w) | h) · P(w | class(w), h), a softmax over C classes times one over the class's own words.

    A token costs C + |class| output units instead of V. class_W (C, H), class_b (C,), W (V, H), b (V,). The N tokens
    are sorted by class, and each class is three small matrix products on its own contiguous rows of W.
    J. Goodman 2001; T. Mikolov et al., "Extensions of recurrent neural network language model", 2011.
    """

    def __init__(
        self, classes: ClassMap, hidden: int, *, rng: np.random.Generator, init=initializers.uniform, dtype="float32"
    ) -> None:
        self.classes = classes
        words = classes.words
        self.params = {
            "class_W": Param(init(rng, (len(classes), hidden)).astype(dtype)),
            "class_b": Param(initializers.zeros(rng, (len(classes),)).astype(dtype)),
            "W": Param(init(rng, (words, hidden)).astype(dtype)),
            "b": Param(initializers.zeros(rng, (words,)).astype(dtype)),
        }

    def start_from(self, counts: np.ndarray) -> None:
        """Let the biases start at log P(class) and log P(word | class) of the words' counts (V,)."""
        starts = self.classes.start
        self.params["class_b"].value[...] = log_shares(np.add.reduceat(np.asarray(counts, dtype=np.int64), starts[:-1]))
        for start, end in pairwise(starts.tolist()):
            self.params["b"].value[start:end] = log_shares(counts[start:end])

    def readout(self) -> tuple[Param, Param]:
        return self.params["class_W"], self.params["class_b"]

    def forward(self, h: Array, target: np.ndarray, *, gradient: bool = True) -> tuple[Array, Any]:
        ops = ops_for(h)
        tokens = ops.by_class(target, self.classes.of, self.classes.start)
        nll, dh, own, rows, d = ops.class_softmax_nll(h, tokens, self._weights(), gradient)
        return nll, (dh, own, rows, d, tokens.groups)

    def backward(self, tape: Any, scale: float) -> Array:
        dh, own, rows, d, groups = tape
        cW, cb, W, b = (self.params[name] for name in ("class_W", "class_b", "W", "b"))
        dh, dcW, dcb = ops_for(dh).softmax_gradient(own, dh, scale)  # 1b
        cW.add(dcW)
        cb.add(dcb)
        several = groups[groups[:, 3] - groups[:, 2] > 1]  # a class of one word has no weights to learn
        outer = OuterProduct(d, rows, several, scale)  # 2b
        W.add_outer_product(outer)
        ops_for(d).outer_product_bias(b.grad, outer)
        b.touch(outer.spans)
        return dh

    def logprobs(self, h: Array) -> Array:
        ops = ops_for(h)
        p = {name: param.value for name, param in self.params.items()}
        of_class = ops.log_softmax(h @ p["class_W"].T + p["class_b"])
        logits = h @ p["W"].T + p["b"]
        for c, (start, end) in enumerate(zip(self.classes.start[:-1], self.classes.start[1:], strict=True)):
            logits[:, start:end] = ops.log_softmax(logits[:, start:end]) + of_class[:, c : c + 1]
        return logits

    def draw(self, h: Array, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """A class, then a word of it: C + |class| output units a token, as in scoring."""
        return ops_for(h).class_softmax_draw(h, rng.random((len(h), 2)), self.classes.start, self._weights())

    def _weights(self) -> ClassWeights:
        return ClassWeights(*(self.params[name].value for name in ClassWeights._fields))
