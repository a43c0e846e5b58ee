"""Activations and dropout."""

from __future__ import annotations

from .kernels import Kernels


class Elementwise(Kernels):
    """Activations and dropout."""
