"""Keeping a gradient from exploding (Pascanu, Mikolov & Bengio 2013)."""

from __future__ import annotations

from collections.abc import Iterable

from ..layers import Param
from ..ops import ops_for
from .optimizer import positive


def gradient_norm(params: Iterable[Param]) -> float:
    """The Euclidean length of the whole gradient: √(Σ g²) over all touched rows of all parameters."""
    return float(sum(param.square_sum() for param in params)) ** 0.5  # one number from the device for all parameters


def clip_norm(params: Iterable[Param], limit: float) -> float:
    """Scale the whole gradient down to the length `limit` if it is longer; returns the length before."""
    positive("the limit of the gradient norm", limit)
    params = list(params)
    norm = gradient_norm(params)
    if norm > limit:
        for param in params:
            param.scale(limit / norm)
    return norm


def clip_value(params: Iterable[Param], limit: float) -> None:
    """Cut every element of the gradient to [-limit, limit]."""
    positive("the limit of gradient values", limit)
    for param in params:
        grad = param.grad
        for rows in param.touched():
            grad[rows] = ops_for(grad).xp.clip(grad[rows], -limit, limit)
