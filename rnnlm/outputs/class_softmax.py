"""The class-factorized softmax."""

from __future__ import annotations

from typing import Any

import numpy as np  # targets, classes and the order of tokens are host-side bookkeeping

from ..layers import Param, initializers
from ..ops import ops_for
from ..ops.arrays import Array
from .class_map import ClassMap
from .softmax import draw


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

    def readout(self) -> tuple[Param, Param]:
        return self.params["class_W"], self.params["class_b"]

    def forward(self, h: Array, target: np.ndarray) -> tuple[Array, Any]:
        ops = ops_for(h)
        nll = ops.zeros((len(h),), h.dtype)
        order, bounds = self._by_class(target)
        rows = ops.asarray(order)
        words, classes = ops.asarray(target[order]), ops.asarray(self.classes.of[target[order]])
        sorted_h = h[rows]
        p = {name: param.value for name, param in self.params.items()}
        of_class, P = ops.softmax_nll(sorted_h, classes, p["class_W"], p["class_b"])  # 1: P(class)
        of_word, Ps = ops.class_nll(sorted_h, words, bounds, p["W"], p["b"])  # 2: P(word | class)
        nll[rows] = of_class + of_word
        return nll, (h, sorted_h, rows, words, classes, bounds, P, Ps)

    def backward(self, tape: Any, scale: float) -> Array:
        h, sorted_h, rows, words, classes, bounds, P, Ps = tape
        ops = ops_for(h)
        cW, cb, W, b = (self.params[name] for name in ("class_W", "class_b", "W", "b"))
        d = ops.softmax_nll_backward(P, classes, scale, sorted_h, cW.value, cW.grad, cb.grad)  # 1b
        d += ops.class_nll_backward(Ps, words, bounds, scale, sorted_h, W.value, W.grad, b.grad)  # 2b
        cW.touch()
        cb.touch()
        ranges = [(start, end) for _, _, start, end in bounds]
        W.touch(ranges)
        b.touch(ranges)
        dh = ops.xp.zeros_like(h)
        dh[rows] = d
        return dh

    def _by_class(self, target: np.ndarray) -> tuple[np.ndarray, list[tuple[int, int, int, int]]]:
        """The scored tokens in order of class, and (first, last, start, end) for each class of two words or more."""
        scored = np.flatnonzero(target >= 0)
        classes = self.classes.of[target[scored]]
        order = np.argsort(classes, kind="stable")
        present, first = np.unique(classes[order], return_index=True)
        last = np.append(first, len(order))[1:]
        start, end = self.classes.start[present], self.classes.start[present + 1]
        bounds = np.stack([first, last, start, end], 1)[end - start > 1]
        return scored[order], [(a, b, c, d) for a, b, c, d in bounds.tolist()]

    def logprobs(self, h: Array) -> Array:
        ops = ops_for(h)
        p = {name: param.value for name, param in self.params.items()}
        of_class = ops.log_softmax(h @ p["class_W"].T + p["class_b"])
        logits = h @ p["W"].T + p["b"]
        for c, (start, end) in enumerate(zip(self.classes.start[:-1], self.classes.start[1:], strict=True)):
            logits[:, start:end] = ops.log_softmax(logits[:, start:end]) + of_class[:, c : c + 1]
        return logits

    def sample(self, h: Array, rng: np.random.Generator) -> np.ndarray:
        """Draw a class, then a word of it: C + |class| output units a token, as in scoring."""
        ops = ops_for(h)
        p = {name: param.value for name, param in self.params.items()}
        c = draw(ops.to_host(ops.log_softmax(h @ p["class_W"].T + p["class_b"])), rng)
        words = self.classes.start[c].copy()
        order = np.argsort(c, kind="stable")
        present, first = np.unique(c[order], return_index=True)
        for which, rows in zip(present, np.split(order, first[1:]), strict=True):
            start, end = self.classes.start[which], self.classes.start[which + 1]
            if end - start > 1:
                logits = h[ops.asarray(rows)] @ p["W"][start:end].T + p["b"][start:end]
                words[rows] += draw(ops.to_host(ops.log_softmax(logits)), rng)
        return words
