"""Elman's recurrence over a window."""

from __future__ import annotations

from .kernels import Kernels


class Recurrences(Kernels):
    """Elman's recurrence over a window."""
