"""Cases of the layers without memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as np

from ... import layers
from ..formulas import convolution, normalization
from ..formulas import recurrent as ref
from .case import IDS, Case, looked_up, mask, used

BATCH = {"x": (4, 3, 5)}
IMAGES = {"x": (2, 4, 3, 4)}
SEQUENCES = {"x": (6, 2, 4)}
NOTHING, ONE = (0, 0), (1, 1)  # padding before and behind an axis of an image
STATISTICS = frozenset(("mean", "variance", "scale"))

rows = normalization.each


def over_time(formula: Callable[..., Any]) -> Callable[..., Any]:
    """Return the formula for sequences (T, B, C) that treats each as an image of T rows and B columns."""
    return lambda p, x: formula(p, x[None])[0]


def activation(name: str) -> Case:
    """Return the case of an activation, with inputs so large that units saturate and reach the clipped ReLU's limit."""
    formula = ref.ACTIVATIONS[name]
    return Case("Activation", lambda r, d: layers.Activation(name), BATCH, lambda p, x: formula(x), name, scale=12)


LAYERS = [
    *(activation(name) for name in ref.ACTIVATIONS),
    Case("Affine", lambda r, d: layers.Affine(5, 7, rng=r, dtype=d), BATCH, lambda p, x: ref.affine(x, **p)),
    Case(
        "Affine",
        lambda r, d: layers.Affine(5, 7, rng=r, bias=False, dtype=d),
        BATCH,
        lambda p, x: ref.affine(x, **p),
        "no bias",
    ),
    Case(
        "Embedding",
        lambda r, d: layers.Embedding(11, 6, rng=r, dtype=d),
        {},
        lambda p: np.array([[ref.embedding(word, p["W"]) for word in row] for row in IDS]),
        run=looked_up,
    ),
    Case("Dropout", lambda r, d: layers.Dropout(0.4), BATCH, lambda p, x: ref.dropout(x, mask(x.shape, 0.4))),
    Case("Flatten", lambda r, d: layers.Flatten(), BATCH, lambda p, x: x.reshape(len(x), -1)),
    Case("Softmax", lambda r, d: layers.Softmax(), BATCH, lambda p, x: rows(ref.softmax, x)),
    Case(
        "Sequential",
        lambda r, d: layers.Sequential([layers.Affine(5, 7, rng=r, dtype=d), layers.Activation("tanh")]),
        BATCH,
        lambda p, x: np.tanh(ref.affine(x, p["1.W"], p["1.b"])),
    ),
    Case(
        "Standardize",
        lambda r, d: layers.Standardize((3, 5), "each", dtype=d),
        BATCH,
        lambda p, x: (x - p["mean"]) / p["scale"],
        fixed=STATISTICS,
    ),
    Case(
        "Convolution2d",
        lambda r, d: layers.Convolution2d(4, 3, 3, padding="same", rng=r, dtype=d),
        IMAGES,
        lambda p, x: convolution.convolution(x, p["W"], p["b"], (1, 1), (ONE, ONE)),
        "same",
    ),
    Case(
        "Convolution2d",
        lambda r, d: layers.Convolution2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0), groups=2, rng=r, dtype=d),
        IMAGES,
        lambda p, x: convolution.convolution(x, p["W"], p["b"], (2, 1), (ONE, NOTHING), 2),
        "groups",
    ),
    Case(
        "Convolution1d",
        lambda r, d: layers.Convolution1d(4, 3, 3, causal=True, rng=r, dtype=d),
        SEQUENCES,
        over_time(lambda p, x: convolution.convolution(x, p["W"], p["b"], (1, 1), ((2, 0), NOTHING))),
    ),
    Case(
        "MaxPool2d",
        lambda r, d: layers.MaxPool2d(3, 2, 1),
        IMAGES,
        lambda p, x: convolution.max_pool(x, (3, 3), (2, 2), (ONE, ONE)),
    ),
    Case(
        "AveragePool2d",
        lambda r, d: layers.AveragePool2d(3, 2, 1),
        IMAGES,
        lambda p, x: convolution.average_pool(x, (3, 3), (2, 2), (ONE, ONE)),
    ),
    Case(
        "MaxPool1d",
        lambda r, d: layers.MaxPool1d(2),
        SEQUENCES,
        over_time(lambda p, x: convolution.max_pool(x, (2, 1), (2, 1), (NOTHING, NOTHING))),
    ),
    Case(
        "AveragePool1d",
        lambda r, d: layers.AveragePool1d(3, 1),
        SEQUENCES,
        over_time(lambda p, x: convolution.average_pool(x, (3, 1), (1, 1), (NOTHING, NOTHING))),
    ),
    Case(
        "LocalResponseNorm",
        lambda r, d: layers.LocalResponseNorm(3, 2.0, 0.5, 0.75),
        BATCH,
        lambda p, x: rows(lambda a: normalization.local_response(a, 3, 2.0, 0.5, 0.75), x),
    ),
    Case(
        "BatchNorm",
        lambda r, d: layers.BatchNorm(5, dtype=d),
        BATCH,
        lambda p, x: normalization.batch_norm(x.reshape(-1, 5), p["gain"], p["b"], 1e-5).reshape(x.shape),
        "learning",
        fixed=STATISTICS,
    ),
    Case(
        "BatchNorm",
        lambda r, d: layers.BatchNorm(5, dtype=d),
        BATCH,
        lambda p, x: normalization.batch_norm_inference(x, p["gain"], p["b"], p["mean"], p["variance"], 1e-5),
        "in use",
        used,
        fixed=STATISTICS,
    ),
    Case(
        "LayerNorm",
        lambda r, d: layers.LayerNorm(5, dtype=d),
        BATCH,
        lambda p, x: rows(lambda a: normalization.layer_norm(a, p["gain"], p["b"], 1e-5), x),
    ),
]
