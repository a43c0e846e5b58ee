"""Whether CuPy can compute on a GPU of this machine; and where it cannot, why, and what to do about it."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from typing import Any

import numpy as np

OLDEST_CUPY = 14  # major version
CUDA_VERSIONS = (12, 13)  # the versions of CUDA that rnnlm-kit has an extra for
NO_CUPY = 'needs CuPy, which is not installed: pip install "rnnlm-kit[cuda12]" (or cuda13)'
SEE_NVIDIA_SMI = "See what nvidia-smi says"


def has_cupy() -> bool:
    """Whether CuPy is installed; it is not imported, which takes a second."""
    return (sys.modules["cupy"] if "cupy" in sys.modules else importlib.util.find_spec("cupy")) is not None


def why_no_gpu(index: int = 0) -> str | None:
    """What keeps CuPy from computing on this GPU, and what to do about it; None where nothing does."""
    if not has_cupy():
        return NO_CUPY
    try:
        cupy = importlib.import_module("cupy")
    except Exception as error:  # whatever an import runs into
        return _missing_library(error) or (
            f"needs CuPy, which cannot be imported: {_in_one_line(error)}. Install it again: "
            f"{_install(CUDA_VERSIONS[0])} (or cuda13)"
        )
    if int(cupy.__version__.split(".")[0]) < OLDEST_CUPY:
        return f"needs CuPy {OLDEST_CUPY} or newer, and this is {cupy.__version__}: {_install(_cuda_version(cupy))}"
    if not cupy.cuda.is_available():
        return _why_unavailable(cupy)
    count = cupy.cuda.runtime.getDeviceCount()
    if index >= count:
        known = ", ".join(["gpu", *(f"gpu:{i}" for i in range(1, count))])
        return f"is not there: this machine has {count} GPU{'s' * (count > 1)}. Give one of {known}"
    try:
        with cupy.cuda.Device(index):
            ones = cupy.asarray(np.ones((2, 2), np.float32))
            (ones @ ones + 1).get()  # a matrix product and a kernel that is compiled: all the libraries of CUDA
    except MemoryError:
        return f"has no memory left for anything. {SEE_NVIDIA_SMI}: who uses it"
    except Exception as error:  # every driver has its own
        said = f"{type(error).__name__}: {_in_one_line(error)}"
        return _missing_library(error) or f"needs a GPU that CuPy can use: {said}. {SEE_NVIDIA_SMI}"
    return None


def is_of_cupy(error: BaseException) -> bool:
    """Whether an error is one of CuPy's own, of CUDA or of one of its libraries."""
    return type(error).__module__.partition(".")[0] in ("cupy", "cupy_backends")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there is too little memory: Python's, CuPy's, or that of a library of CUDA's."""
    words = "out of memory|ALLOC_FAILED|MemoryAllocation"
    return isinstance(error, MemoryError) or (is_of_cupy(error) and re.search(words, str(error)) is not None)


def _why_unavailable(cupy: Any) -> str:
    """Why CuPy, which can be imported, finds no GPU."""
    runtime = cupy.cuda.runtime
    driver, built = runtime.driverGetVersion(), runtime.runtimeGetVersion()  # 12040 is CUDA 12.4; no driver is 0
    if not driver:
        return "needs NVIDIA's driver, and there is none here. Install it, so that nvidia-smi shows the GPU"
    if driver // 1000 < built // 1000:
        fits = [wheel for wheel in CUDA_VERSIONS if wheel <= driver // 1000]
        other = f"pip uninstall cupy-cuda{_cuda_version(cupy)}x, then {_install(fits[-1])}, or " if fits else ""
        return (
            f"needs a driver for CUDA {_cuda_version(cupy)}, and the one here is for CUDA {driver // 1000}."
            f"{driver % 1000 // 10} at most: {other}install a newer driver"
        )
    try:
        reason = f"CuPy counts {runtime.getDeviceCount()}"
    except Exception as error:
        reason = _in_one_line(error)
    return f"needs an NVIDIA GPU, and there is none: {reason}. {SEE_NVIDIA_SMI}"


def _cuda_version(cupy: Any) -> int:
    """The version of CUDA that this CuPy is made for."""
    return cupy.cuda.runtime.runtimeGetVersion() // 1000


def _install(cuda: int) -> str:
    return f'pip install -U "rnnlm-kit[cuda{cuda}]"'


def _missing_library(error: Exception) -> str | None:
    """What to install where a library of CUDA's cannot be found; None for another error."""
    library = re.search(r"(lib(?!cuda\.)(?:cu|nv)\w+)\.so(?:\.(\d+))?", str(error))
    if library is None or not re.search("No such file|cannot open|not found|Failure finding", str(error)):
        return None
    cuda = _cuda_version(sys.modules["cupy"]) if "cupy" in sys.modules else library[2] or CUDA_VERSIONS[0]
    return f'needs CUDA\'s library {library[0]}, which is not here: pip install "cupy-cuda{cuda}x[ctk]"'


def _in_one_line(error: BaseException) -> str:
    """The message of an error in one line; of CuPy's banners the error that they are about."""
    words = str(error).partition("Original error:")[2].split() or str(error).split()
    return " ".join(words).rstrip(".= ")[:300]
