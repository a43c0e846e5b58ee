"""Sums of whole arrays."""

from __future__ import annotations

from typing import Any

from ..arrays import Array, ArrayOps, is_device_array


class SumOps(ArrayOps):
    """Sums that are added to other sums, and looked at much later."""

    def total(self, array: Array) -> Any:
        """Σ a: a number, or on a device an array of no dimensions in float64, so that nothing waits for it."""
        return array.sum(dtype=self.xp.float64) if is_device_array(array) else array.sum().item()
