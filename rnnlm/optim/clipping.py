"""Keeping a gradient from exploding (Pascanu, Mikolov & Bengio 2013). All parameters live on one machine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..layers import Param
from ..ops import backend, ops_for
from ..ops.gradients import Gradient
from ..ops.reference import Reference
from .optimizer import positive


def gradient_norm(params: Iterable[Param]) -> Any:
    """The Euclidean norm of the whole gradient: √(Σ g²) over all touched rows of all parameters.

    A float; for parameters on a GPU an array of no dimensions there, so that nothing waits for it until it is made a
    float.
    """
    ops, gradients = _gradients(params)
    return ops.gradient_norm(gradients)


def clip_norm(params: Iterable[Param], limit: float) -> Any:
    """Scale the whole gradient down to the norm `limit` if it is longer; returns the norm before.

    It returns a float or an array of no dimensions, as `gradient_norm` does. Raises UsageError for a limit that is not
    positive.
    """
    positive("the limit of the gradient norm", limit)
    ops, gradients = _gradients(params)
    return ops.clip_norm(gradients, limit)


def clip_value(params: Iterable[Param], limit: float) -> None:
    """Cut every element of the gradient to [-limit, limit]; UsageError for a limit that is not positive."""
    positive("the limit of gradient values", limit)
    params = list(params)
    gradients = [param.elements() for param in params]
    _ops(params).clip_value([gradient for gradient in gradients if gradient is not None], limit)


def _gradients(params: Iterable[Param]) -> tuple[Reference, list[Gradient]]:
    """The backend of the parameters, and the gradients that they have."""
    params = list(params)
    gradients = [param.gradient() for param in params]
    return _ops(params), [gradient for gradient in gradients if gradient is not None]


def _ops(params: list[Param]) -> Reference:
    return ops_for(params[0].value) if params else backend()
