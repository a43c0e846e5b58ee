"""Losses from their definitions, one row or stream at a time, sharing no code with `rnnlm`.

K. Crammer & Y. Singer, "On the algorithmic implementation of multiclass kernel-based vector machines",
    JMLR 2, 2001 (the margin of one class against each other)
J. Weston & C. Watkins, "Support vector machines for multi-class pattern recognition", ESANN 1999 (their sum)
A. Graves, S. Fernández, F. Gomez & J. Schmidhuber, "Connectionist temporal classification", ICML 2006
"""

from itertools import groupby, product

import autograd.numpy as np


def cross_entropy(y, target):
    """-log(exp(y_target) / Σ_k exp(y_k)); 0 for a target of -1."""
    return 0.0 if target < 0 else -np.log(np.exp(y[target]) / np.sum(np.exp(y)))


def hinge(y, target, margin=1.0):
    """Σ_{j ≠ target} max(0, margin - (y_target - y_j)); 0 for a target of -1."""
    if target < 0:
        return 0.0
    lacks = [margin - (y[target] - y[j]) for j in range(len(y)) if j != target]
    return sum(lack for lack in lacks if lack > 0)


def squared_error(y, target):
    """½ Σ_k (y_k - target_k)²."""
    return 0.5 * np.dot(y - target, y - target)


def reads_as(path, blank=0):
    """Return the labels of a path: repetitions joined, then blanks dropped (the paper's map B)."""
    return [label for label, _ in groupby(path) if label != blank]


def ctc(y, labels, blank=0):
    """-log P(labels) for one stream of logits (T, K): the sum over all K^T paths that read as the labels."""
    T, K = y.shape
    P = np.exp(y) / np.sum(np.exp(y), axis=1, keepdims=True)
    paths = [path for path in product(range(K), repeat=T) if reads_as(path, blank) == list(labels)]
    return -np.log(np.sum(np.prod(P[np.arange(T), np.array(paths)], axis=1)))
