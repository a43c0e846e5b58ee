"""The class-factorized softmax: P(w | h) = P(class(w) | h) · P(w | class(w), h).

N tokens, of which n are scored, H hidden units, V words, C classes; the words of a class are neighbours.
J. Goodman 2001; T. Mikolov et al., "Extensions of recurrent neural network language model", 2011.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np  # which tokens, words and classes is host-side bookkeeping

from ..arrays import Array
from .softmax import SoftmaxOps
from .tables import beginnings


class ClassWeights(NamedTuple):
    """The weights of the two softmaxes, over the classes and over the words."""

    class_W: Array  # (C, H)
    class_b: Array  # (C,)
    W: Array  # (V, H)
    b: Array  # (V,)


class ClassedTokens(NamedTuple):
    """The scored tokens sorted by the class of their target, stably; all on the host."""

    order: np.ndarray  # (n,), their places among all N tokens
    words: np.ndarray  # (n,), their targets
    classes: np.ndarray  # (n,), the classes of these
    # (G, 5), for each class that occurs: its first and last token, its first and last word, and where its d begins. A
    # class of one word has probability 1 and no d.
    groups: np.ndarray


class ClassSoftmaxOps(SoftmaxOps):
    """Scores and gradients over the classes' own rows only, and drawing words."""

    def by_class(self, target: np.ndarray, of: np.ndarray, start: np.ndarray) -> ClassedTokens:
        """The scored tokens in order of class.

        target (N,) on the host, -1 where nothing is scored; of (V,) is the class of each word, start (C + 1,) the
        first word of each class.
        """
        scored = np.flatnonzero(target >= 0)
        classes = of[target[scored]]
        by_class = np.argsort(classes, kind="stable")
        order, classes = scored[by_class], classes[by_class]
        first = beginnings(classes)
        present = classes[first]
        last = np.append(first, len(order))[1:]
        begin, end = start[present], start[present + 1]
        size = (last - first) * (end - begin) * (end - begin > 1)
        groups = np.stack([first, last, begin, end, np.cumsum(size) - size], 1)
        return ClassedTokens(order, target[order], classes, groups)

    def class_softmax_nll(
        self, h: Array, tokens: ClassedTokens, weights: ClassWeights, gradient: bool
    ) -> tuple[Array, Array, Any, Array, Array]:
        """-log P(class) - log P(word | class): nll (N,), the gradient dh (N, H) of Σ nll, a tape, rows and d.

        The tape is for the gradient of the classes' weights (`softmax_gradient`); rows (n, H), h in order of class,
        and d for that of the words' weights, as `OuterProduct` takes them: d = P - 1[target], flat. Without `gradient`
        only nll means something.
        """
        (order, words, classes, groups), (cW, cb, W, b) = tokens, weights
        places = self.asarray(order)
        rows = h[places]
        of_token, dc = self._score(rows, self.asarray(classes), cW, cb)  # 1: P(class)
        back = dc @ cW if gradient else None  # 1b
        size = sum((last - first) * (end - start) for first, last, start, end, _ in groups.tolist() if end - start > 1)
        d = self.zeros((size,), h.dtype)
        for first, last, start, end, place in groups.tolist():
            if end - start == 1:
                continue
            target = self.asarray(words[first:last] - start)
            more, part = self._score(rows[first:last], target, W[start:end], b[start:end])  # 2: P(word | class)
            of_token[first:last] += more
            d[place : place + part.size] = part.reshape(-1)
            if back is not None:
                back[first:last] += part @ W[start:end]  # 2b
        nll, dh = self.zeros((len(h),), h.dtype), self.xp.zeros_like(h)
        nll[places] = of_token
        if back is not None:
            dh[places] = back
        return nll, dh, (rows, dc), rows, d

    def class_softmax_draw(
        self, h: Array, u: np.ndarray, start: np.ndarray, weights: ClassWeights
    ) -> tuple[np.ndarray, np.ndarray]:
        """A class by u[:, 0], then a word of it by u[:, 1]: ids (N,), and log P of each.

        That is C + |class| output units a token. u (N, 2) in [0, 1), start (C + 1,).
        """
        cW, cb, W, b = weights
        c, logp = self.softmax_draw(h, u[:, 0], cW, cb)
        ids = start[c].copy()
        order = np.argsort(c, kind="stable")
        present, first = np.unique(c[order], return_index=True)
        for which, rows in zip(present, np.split(order, first[1:]), strict=True):
            one, beyond = int(start[which]), int(start[which + 1])
            if beyond - one > 1:
                place, more = self.softmax_draw(h[self.asarray(rows)], u[rows, 1], W[one:beyond], b[one:beyond])
                ids[rows] += place
                logp[rows] += more
        return ids, logp
