"""What is said where CuPy cannot compute: each reason, and what to do about it."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from rnnlm.errors import UsageError
from rnnlm.ops.device import CPU, use
from rnnlm.ops.no_gpu import why_no_gpu


@pytest.fixture
def no_cupy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)


def fails(error):
    def fail(*_, **__):
        raise error

    return fail


def test_without_cupy(no_cupy):
    with pytest.raises(
        UsageError, match=r'^device="gpu" needs CuPy, .*: pip install "rnnlm-kit\[cuda12\]" \(or cuda13'
    ):
        use("gpu")
    assert use("cpu") == CPU


def test_cupy_that_is_not_in_the_path_is_not_installed(monkeypatch):
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert why_no_gpu().startswith("needs CuPy, which is not installed")


BANNER = "\n====\nFailed to import CuPy.\n\nOriginal error:\n  ImportError: {}\n====\n"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            ImportError(BANNER.format("libcublas.so.12: cannot open shared object file: No such file or directory")),
            'needs CUDA\'s library libcublas.so.12, which is not here: pip install "cupy-cuda12x[ctk]"',
        ),
        (
            ImportError(BANNER.format("No module named 'cuda'")),
            "needs CuPy, which cannot be imported: ImportError: No module named 'cuda'. Install it again: pip install "
            '-U "rnnlm-kit[cuda12]" (or cuda13)',
        ),
    ],
    ids=["library", "other"],
)
def test_cupy_that_cannot_be_imported(monkeypatch, error, says):
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: "found")
    monkeypatch.setattr(importlib, "import_module", fails(error))
    assert why_no_gpu() == says


def test_an_old_cupy(cupy, monkeypatch):
    monkeypatch.setattr(cupy, "__version__", "13.6.0")
    assert why_no_gpu() == 'needs CuPy 14 or newer, and this is 13.6.0: pip install -U "rnnlm-kit[cuda13]"'


@pytest.mark.parametrize(
    ("driver", "made_for", "says"),
    [
        (0, 12090, "needs NVIDIA's driver, and there is none here. Install it, so that nvidia-smi shows the GPU"),
        (
            12040,
            13000,
            "needs a driver for CUDA 13, and the one here is for CUDA 12.4 at most: pip uninstall cupy-cuda13x, then "
            'pip install -U "rnnlm-kit[cuda12]", or install a newer driver',
        ),
        (
            11080,
            12090,
            "needs a driver for CUDA 12, and the one here is for CUDA 11.8 at most: install a newer driver",
        ),
        (
            13000,
            12090,
            "needs an NVIDIA GPU, and there is none: cudaErrorNoDevice: no CUDA-capable device is detected. See what "
            "nvidia-smi says",
        ),
    ],
    ids=["no-driver", "old-driver", "very-old-driver", "no-gpu"],
)
def test_no_driver_or_another(cupy, monkeypatch, driver, made_for, says):
    runtime = cupy.cuda.runtime
    error = runtime.CUDARuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected")
    monkeypatch.setattr(cupy.cuda, "is_available", lambda: False)
    monkeypatch.setattr(runtime, "getDeviceCount", fails(error))
    monkeypatch.setattr(runtime, "driverGetVersion", lambda: driver)
    monkeypatch.setattr(runtime, "runtimeGetVersion", lambda: made_for)
    assert why_no_gpu() == says


def test_more_gpus_than_there_are(cupy, monkeypatch):
    with pytest.raises(UsageError, match=r'device="gpu:7" is not there: this machine has 1 GPU. Give one of gpu.$'):
        use("gpu:7")
    monkeypatch.setattr(cupy.cuda.runtime, "getDeviceCount", lambda: 3)
    with pytest.raises(UsageError, match=r'device="gpu:7" .* has 3 GPUs. Give one of gpu, gpu:1, gpu:2.$'):
        use("gpu:7")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            RuntimeError('Failure finding "libnvrtc.so.13 or libnvrtc.so.12": No such file: libnvrtc.so.13'),
            'needs CUDA\'s library libnvrtc.so.13, which is not here: pip install "cupy-cuda13x[ctk]"',
        ),
        (MemoryError("Out of memory"), "has no memory left for anything. See what nvidia-smi says: who uses it"),
        (
            RuntimeError("cudaErrorDevicesUnavailable:\nbusy."),
            "needs a GPU that CuPy can use: RuntimeError: cudaErrorDevicesUnavailable: busy. See what nvidia-smi says",
        ),
    ],
    ids=["library", "memory", "other"],
)
def test_a_gpu_that_does_not_compute(cupy, monkeypatch, error, says):
    monkeypatch.setattr(cupy, "asarray", fails(error))
    assert why_no_gpu() == says
