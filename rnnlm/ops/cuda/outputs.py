"""The full softmax."""

from __future__ import annotations

from .kernels import Kernels


class Outputs(Kernels):
    """The full softmax."""
