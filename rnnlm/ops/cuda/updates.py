"""Gradients, clipping and the optimizers' updates."""

from __future__ import annotations

from .kernels import Kernels


class Updates(Kernels):
    """Gradients, clipping and the optimizers' updates."""
