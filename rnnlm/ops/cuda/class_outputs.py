"""The class-factorized softmax."""

from __future__ import annotations

from .kernels import Kernels


class ClassOutputs(Kernels):
    """The class-factorized softmax."""
