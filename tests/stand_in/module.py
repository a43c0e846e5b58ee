"""The module that `import cupy` finds: its functions make and take arrays of the device only."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from rnnlm import ops
from rnnlm.ops import backends

from .arrays import DeviceArray, Where, allocate, call, device_of, host_of, record
from .blas import cublas

ELEMENTWISE = ["exp", "expm1", "log", "sqrt", "tanh", "maximum", "minimum", "clip", "abs", "isfinite", "sign", "where"]
OTHERS = ["arange", "zeros_like", "empty_like", "full", "concatenate", "dot", "einsum", "stack", "matmul"]
# What no operation of ours needs is left out: it would be an untested guess at CuPy's behaviour.


class _Device(Where):
    def __init__(self, id: int = 0) -> None:
        if id != 0:
            raise RuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
        super().__init__(id)

    attributes = {  # noqa: RUF012 an H200's, but for the number of multiprocessors: a grid of few blocks runs faster here
        "MultiProcessorCount": 4,
        "MaxSharedMemoryPerBlockOptin": 232_448,
        "MaxSharedMemoryPerMultiprocessor": 233_472,
        "MaxRegistersPerMultiprocessor": 65_536,
        "CooperativeLaunch": 1,
        "ComputeCapabilityMajor": 9,
        "ComputeCapabilityMinor": 0,
    }
    compute_capability = "90"
    mem_info = (100 << 30, 140 << 30)

    def use(self) -> None:
        pass

    def synchronize(self) -> None:
        record.sync("device")

    def __enter__(self) -> _Device:
        return self

    def __exit__(self, *args: Any) -> None:
        pass


def module() -> types.ModuleType:
    """A new module `cupy`."""
    made: Any = types.ModuleType("cupy")
    made.__version__ = "14.2.0"
    made.ndarray = DeviceArray
    for name in ("float32", "float64", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool_", "newaxis"):
        setattr(made, name, getattr(np, name))
    for name in (*ELEMENTWISE, *OTHERS):
        setattr(made, name, partial(call, getattr(np, name), name))
    made.add = types.SimpleNamespace(
        reduceat=lambda a, at, axis=0: call(np.add.reduceat, "reduceat", a, at, axis=axis), reduce=None
    )
    made.empty = lambda shape, dtype=float: DeviceArray(allocate(shape, dtype))
    made.empty_like = lambda a, dtype=None: DeviceArray(allocate(host_of(a).shape, dtype or a.dtype))

    def zeros(shape: Any, dtype: Any = float) -> DeviceArray:
        record.launch("zeros")
        memory = allocate(shape, dtype)
        memory[...] = 0
        return DeviceArray(memory)

    def asarray(value: Any, dtype: Any = None) -> DeviceArray:
        if isinstance(value, DeviceArray):
            return value if dtype is None or value.dtype == dtype else value.astype(dtype)
        record.upload("asarray")
        return device_of(np.asarray(value, dtype=dtype))

    def ascontiguousarray(value: DeviceArray, dtype: Any = None) -> DeviceArray:
        value = asarray(value, dtype)
        return value if value.flags.c_contiguous else call(np.ascontiguousarray, "ascontiguousarray", value)

    def asnumpy(value: DeviceArray) -> np.ndarray:
        return value.get()

    made.zeros, made.asarray, made.ascontiguousarray, made.asnumpy = zeros, asarray, ascontiguousarray, asnumpy
    made.array = lambda value, dtype=None: asarray(value, dtype)
    cuda: Any = types.ModuleType("cupy.cuda")
    cuda.Device = _Device
    cuda.is_available = lambda: True
    cuda.get_cublas_handle = lambda: 1
    cuda.cublas = cublas()
    cuda.runtime = types.SimpleNamespace(
        getDevice=lambda: 0,
        getDeviceCount=lambda: 1,
        driverGetVersion=lambda: 13000,
        runtimeGetVersion=lambda: 13000,
        getDeviceProperties=lambda i: {"name": b"Stand-in", "multiProcessorCount": 4},
        CUDARuntimeError=type("CUDARuntimeError", (RuntimeError,), {"__module__": "cupy_backends.cuda.api.runtime"}),
    )
    cuda.memory = types.SimpleNamespace(OutOfMemoryError=type("OutOfMemoryError", (MemoryError,), {}))
    made.cuda = cuda
    made.get_default_memory_pool = lambda: types.SimpleNamespace(free_all_blocks=lambda: None)
    return made


@contextmanager
def installed(*, kernels: bool = False) -> Iterator[Any]:
    """A context in which `import cupy` finds the stand-in, with a clean record; `kernels`: computed with by ours."""
    from .kernels import RawModule

    made: Any = module()
    made.RawModule = RawModule
    before = {name: sys.modules.get(name) for name in ("cupy", "cupy.cuda")}
    sys.modules["cupy"], sys.modules["cupy.cuda"] = made, made.cuda
    backends._cupy.cache_clear()  # a backend that was made around another module `cupy`
    ops.use_kernels(kernels)
    record.clear()
    try:
        yield made
    finally:
        for name, old in before.items():
            if old is None:
                del sys.modules[name]
            else:
                sys.modules[name] = old
        backends._cupy.cache_clear()
        ops.use_kernels(True)
        ops.use_precision("float32")
        ops.use()
