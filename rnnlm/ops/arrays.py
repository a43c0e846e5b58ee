"""Making arrays, and moving them between the host and the machine."""

from __future__ import annotations

from typing import Any

Array = Any  # a numpy.ndarray or a cupy.ndarray: the array decides the machine


def is_device_array(value: Any) -> bool:
    """Whether a value is an array of a device, so that the host has to wait for what it is."""
    return hasattr(value, "get")


class ArrayOps:
    """What every backend is built on: the array library `xp` (numpy or cupy)."""

    name = "numpy"

    def __init__(self, xp: Any) -> None:
        self.xp = xp
        self.name = xp.__name__

    def asarray(self, host: Array, dtype: Any = None) -> Array:
        """A copy of a host array on this machine (the array itself where it is on this machine already)."""
        return self.xp.asarray(host, dtype=dtype)

    def to_host(self, array: Array) -> Array:
        """The array as a NumPy array; a copy only where it lives on a device."""
        return array.get() if is_device_array(array) else array

    def numbers(self, *values: Any) -> list[float]:
        """Numbers, or arrays of no dimensions, as floats of the host: those of the device in one transfer."""
        of_device = [value for value in values if is_device_array(value)]
        fetched = iter(self.to_host(self.xp.stack(of_device)).tolist() if of_device else [])
        return [next(fetched) if is_device_array(value) else float(value) for value in values]

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """An array of zeros of this shape and type."""
        return self.xp.zeros(shape, dtype=dtype)

    def concatenate(self, arrays: list[Array], axis: int = 0) -> Array:
        """The arrays one after the other along an axis."""
        return self.xp.concatenate(arrays, axis=axis)

    def choose_rows(self, mask: Array, yes: Array, no: Array) -> Array:
        """Row b of `yes` where mask[b], of `no` elsewhere; mask (B,) of the host, yes and no (B, …)."""
        return self.xp.where(self.asarray(mask).reshape(-1, *[1] * (no.ndim - 1)), yes, no)
