"""Arrays that behave as CuPy's do: none is ever a NumPy array, and everything that waits for the device is counted."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

GUARD = 64  # bytes on both sides of each allocation that nothing may write to
PATTERN = 0xA5


@dataclass
class Record:
    """What the host did with the device since `clear`."""

    syncs: int = 0  # the host waited for a number or an array
    launches: int = 0  # kernels: ours, element-wise operations, reductions, matrix products
    uploads: int = 0  # copies from the host
    what: list[str] = field(default_factory=list)  # each of them by name, in order

    def clear(self) -> None:
        self.syncs = self.launches = self.uploads = 0
        self.what.clear()

    def sync(self, name: str) -> None:
        self.syncs += 1
        self.what.append(f"sync {name}")

    def launch(self, name: str) -> None:
        self.launches += 1
        self.what.append(name)

    def upload(self, name: str) -> None:
        self.uploads += 1
        self.what.append(f"upload {name}")


record = Record()


def allocate(shape: Any, dtype: Any) -> np.ndarray:
    """An array between guards, full of garbage: a number that nobody wrote is NaN, or very large."""
    dtype = np.dtype(dtype)
    shape = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    size = math.prod(shape) * dtype.itemsize
    raw = np.empty(size + 2 * GUARD + 16, np.uint8)
    raw.fill(PATTERN)
    start = GUARD + -(raw.__array_interface__["data"][0] + GUARD) % 16  # so that four numbers can be read at once
    inside = raw[start : start + size]
    inside.fill(0xFF if dtype.kind == "f" else 0x7F)
    return inside.view(dtype).reshape(shape)


def overwritten(array: np.ndarray) -> bool:
    """Whether something wrote beside the allocation in which the array lies."""
    owner: Any = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    if owner.dtype != np.uint8 or owner.ndim != 1 or len(owner) < 2 * GUARD:
        return False
    start = GUARD + -(owner.ctypes.data + GUARD) % 16
    before, after = owner[:start], owner[len(owner) - (GUARD + 16 - (start - GUARD)) :]
    return (before.tobytes() + after.tobytes()).strip(bytes([PATTERN])) != b""


class DeviceArray:
    """An array of the device. It takes part in no operation with a NumPy array, neither as an operand nor as an index.

    There are no scalars: a sum is an array of no dimensions, and to turn one into a number waits for the device.
    """

    __array_priority__ = 100

    def __init__(self, memory: np.ndarray) -> None:
        self._memory = memory

    # what can be asked without waiting
    shape = property(lambda self: self._memory.shape)
    dtype = property(lambda self: self._memory.dtype)
    ndim = property(lambda self: self._memory.ndim)
    size = property(lambda self: self._memory.size)
    nbytes = property(lambda self: self._memory.nbytes)
    itemsize = property(lambda self: self._memory.itemsize)
    strides = property(lambda self: self._memory.strides)
    flags = property(lambda self: self._memory.flags)
    T = property(lambda self: DeviceArray(self._memory.T))
    base = property(lambda self: None if self._memory.base is None else DeviceArray(self._memory.base))
    data = property(lambda self: Pointer(self._memory.ctypes.data))
    device = property(lambda self: Where(0))

    def __len__(self) -> int:
        return len(self._memory)

    def __repr__(self) -> str:
        return f"DeviceArray({self._memory!r})"

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    # what waits for the device
    def get(self) -> np.ndarray:
        """A copy on the host."""
        record.sync("get")
        return np.array(self._memory)

    def item(self) -> Any:
        record.sync("item")
        return self._memory.item()

    def tolist(self) -> Any:
        record.sync("tolist")
        return self._memory.tolist()

    def __float__(self) -> float:
        record.sync("float")
        return float(self._memory)

    def __int__(self) -> int:
        record.sync("int")
        return int(self._memory)

    def __bool__(self) -> bool:
        record.sync("bool")
        return bool(self._memory)

    def __index__(self) -> int:
        record.sync("index")
        return self._memory.__index__()

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array "
            "explicitly."
        )

    # arithmetic
    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        return call(getattr(ufunc, method), f"{ufunc.__name__}", *inputs, **kwargs, **({"out": out[0]} if out else {}))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        raise TypeError(f"np.{function.__name__} was given an array of the device")

    def __getitem__(self, key: Any) -> Any:
        found = self._memory[host_of(key)]
        if isinstance(found, np.ndarray) and np.shares_memory(found, self._memory):
            return DeviceArray(found)
        record.launch("gather")
        return device_of(found)

    def __setitem__(self, key: Any, value: Any) -> None:
        record.launch("assign")
        self._memory[host_of(key)] = host_of(value)

    def reshape(self, *shape: Any, **kwargs: Any) -> DeviceArray:
        found = self._memory.reshape(*shape, **kwargs)
        if not np.shares_memory(found, self._memory) and found.size:
            record.launch("reshape that copies")
        return DeviceArray(found)

    def transpose(self, *axes: Any) -> DeviceArray:
        return DeviceArray(self._memory.transpose(*axes))

    def swapaxes(self, *axes: int) -> DeviceArray:
        return DeviceArray(self._memory.swapaxes(*axes))

    def view(self, dtype: Any = None) -> DeviceArray:
        return DeviceArray(self._memory if dtype is None else self._memory.view(dtype))

    def astype(self, dtype: Any, copy: bool = True) -> DeviceArray:
        if not copy and self.dtype == dtype:
            return self
        return call(self._memory.astype, "astype", dtype)

    def fill(self, value: float) -> None:
        record.launch("fill")
        self._memory.fill(host_of(value))


class Pointer:
    """Where the memory begins, as CuPy's MemoryPointer says it."""

    def __init__(self, ptr: int) -> None:
        self.ptr = ptr


class Where:
    """Which device."""

    def __init__(self, id: int) -> None:
        self.id = id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Where) and other.id == self.id

    def __int__(self) -> int:
        return self.id


DeviceArray.__module__ = "cupy"


def host_of(value: Any) -> Any:
    """The memory behind arrays of the device, in any nest; TypeError for a NumPy array."""
    if isinstance(value, DeviceArray):
        return value._memory
    if isinstance(value, np.ndarray):
        raise TypeError("a NumPy array met an array of the device")
    if isinstance(value, list | tuple):
        return type(value)(map(host_of, value))
    return value


def device_of(value: Any) -> Any:
    """Results as arrays of the device."""
    if isinstance(value, tuple | list):
        return type(value)(map(device_of, value))
    if isinstance(value, np.generic | np.ndarray):
        value = np.asarray(value)
        memory = allocate(value.shape, value.dtype)
        memory[...] = value
        return DeviceArray(memory)
    return value


def call(function: Any, name: str, *args: Any, **kwargs: Any) -> Any:
    """One launch: a function of NumPy's on the memory behind the arguments."""
    record.launch(name)
    out = kwargs.get("out")
    with np.errstate(all="ignore"):
        found = function(*map(host_of, args), **{key: host_of(value) for key, value in kwargs.items()})
    return out if out is not None else device_of(found)


def _operator(name: str) -> Any:
    def operate(self: DeviceArray, *others: Any) -> Any:
        if any(isinstance(other, np.ndarray) for other in others):
            raise TypeError("a NumPy array met an array of the device")
        return call(getattr(np.ndarray, name), name, self, *others)

    return operate


def _in_place(name: str) -> Any:
    def operate(self: DeviceArray, other: Any) -> DeviceArray:
        record.launch(name)
        getattr(self._memory, name)(host_of(other))
        return self

    return operate


def _method(name: str) -> Any:
    def operate(self: DeviceArray, *args: Any, **kwargs: Any) -> Any:
        return call(getattr(np.ndarray, name), name, self, *args, **kwargs)

    return operate


for _name in (
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "matmul",
    "and",
    "or",
    "xor",
    "lshift",
    "rshift",
):
    setattr(DeviceArray, f"__{_name}__", _operator(f"__{_name}__"))
    setattr(DeviceArray, f"__r{_name}__", _operator(f"__r{_name}__"))
    if _name != "matmul":
        setattr(DeviceArray, f"__i{_name}__", _in_place(f"__i{_name}__"))
for _name in ("lt", "le", "gt", "ge", "eq", "ne", "neg", "invert", "abs"):
    setattr(DeviceArray, f"__{_name}__", _operator(f"__{_name}__"))
for _name in ("sum", "max", "min", "mean", "argmax", "copy", "cumsum", "ravel", "any", "all", "var", "std", "argsort"):
    setattr(DeviceArray, _name, _method(_name))
DeviceArray.__hash__ = object.__hash__  # type: ignore[method-assign]
