"""Jordan's recurrence over a window."""

from __future__ import annotations

from .kernels import Kernels


class Jordan(Kernels):
    """Jordan's recurrence over a window."""
