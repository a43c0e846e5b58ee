"""Where arrays are put: on the host or on a GPU.

The arrays decide what computes (`ops_for`), so that is all that a device is. One GPU a process at a time: `use` makes
it the current one of the calling thread, which is where CuPy makes every new array.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from ..errors import UsageError
from .arrays import Array, is_device_array
from .backends import backend
from .no_gpu import why_no_gpu
from .precision import PRECISIONS, precision


class Device(NamedTuple):
    """The host ("cpu"), or one of its GPUs ("gpu"), counted from 0."""

    name: str
    number: int = 0

    def __str__(self) -> str:
        return f"{self.name}:{self.number}" if self.number else self.name

    @property
    def description(self) -> str:
        """What computes there, for a person: the backend and its threads, or the GPU by name, with its memory."""
        if self.name == "cpu":
            return backend().description
        cuda = _cupy().cuda
        name = cuda.runtime.getDeviceProperties(self.number)["name"].decode()
        return f"{name} ({self}, {cuda.Device(self.number).mem_info[1] / 1e9:.0f} GB)"


CPU = Device("cpu")
TENSOR_CORES = 80  # ten times the compute capability from which on they have TF32 and bfloat16


def device(name: str | Device) -> Device:
    """The device called "cpu", "gpu" (the first one) or "gpu:1" (the second); UsageError for anything else."""
    if isinstance(name, Device):
        return name
    match = re.fullmatch(r"cpu|gpu(?::(\d+))?", name)
    if match is None:
        raise UsageError(f"device {name!r} is not known. Give one of cpu, gpu, or gpu:1 for the second GPU.")
    return Device(name[:3], int(match[1] or 0))


def use(name: str | Device) -> Device:
    """The device of this name, a GPU as the current one of this thread from now on.

    Raises UsageError for a name that is none, and for a GPU that there is not or that CuPy cannot use; it says why.
    """
    chosen = device(name)
    if chosen.name == "gpu":
        reason = why_no_gpu(chosen.number)
        if reason:
            raise UsageError(f'device="{chosen}" {reason}.')
        _cupy().cuda.Device(chosen.number).use()
    return chosen


def use_throughout(name: str | Device) -> Device:
    """`use` for all that this process does: UsageError also where the chosen precision is not one of the device's."""
    chosen = use(name)
    if precision() == PRECISIONS[0]:
        return chosen
    if chosen == CPU:
        raise UsageError(
            f'precision {precision()} is for a GPU, and this is the cpu. Give device="gpu", or precision="float32".'
        )
    capability = int(_cupy().cuda.Device(chosen.number).compute_capability)
    if capability < TENSOR_CORES:
        raise UsageError(
            f"precision {precision()} needs a GPU of compute capability {TENSOR_CORES / 10} or more, and {chosen} has "
            f'{capability / 10}. Give precision="float32".'
        )
    return chosen


def current_gpu() -> Device:
    """The GPU that `use` chose last, or the first one."""
    return Device("gpu", int(_cupy().cuda.Device().id))


def device_of(array: Array) -> Device:
    """Where an array lies."""
    return CPU if isinstance(array, np.ndarray | np.generic) else Device("gpu", int(array.device.id))


def put(array: Array, where: Device) -> Array:
    """The array on a device: itself if it lies there, else a copy."""
    if device_of(array) == where:
        return array
    host = array.get() if is_device_array(array) else array
    if where.name == "cpu":
        return host
    cupy = _cupy()
    with cupy.cuda.Device(where.number):
        return cupy.asarray(host)


def require_same(what: str, arrays: Iterable[Array], weights: Array) -> None:
    """UsageError where one of the arrays lies on another device than the weights of the model."""
    model = device_of(weights)
    for array in arrays:
        if device_of(array) != model:
            raise UsageError(
                f"the {what} is on the device {device_of(array)}, and the model on {model}. Make the {what} on "
                f'{model}, or move the model: model.to("{device_of(array)}").'
            )


def release(where: Device) -> None:
    """Give memory that no array needs any more back to a GPU's other processes."""
    if where.name == "gpu":
        _cupy().get_default_memory_pool().free_all_blocks()


def _cupy() -> Any:
    return importlib.import_module("cupy")
