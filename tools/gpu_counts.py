"""How often the host waits for the GPU in a window of training, and how much it launches there.

`counts` runs a training of n windows and one of twice as many, so that the difference is that of n windows alone. With
a PyTorch that sees the GPU, its profiler records everything that the process asks of CUDA, CuPy's kernels and copies
too, and what is counted is what the GPU did. Without, it is what can be seen from Python: calls that make CuPy's arrays
into numbers or arrays of the host, and launches of our own kernels, but not of CuPy's.
"""

from __future__ import annotations

import importlib
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

WAITS = ("get", "item", "tolist", "__float__", "__int__", "__bool__", "__index__", "__complex__")  # of an array
SYNC = ("Synchronize",)  # in the names of CUDA's functions that wait


def torch_sees_a_gpu() -> bool:
    """Whether PyTorch can be imported and finds a GPU."""
    try:
        return bool(importlib.import_module("torch").cuda.is_available())
    except ImportError:
        return False


def counts(train: Callable[[int], Any], windows: int = 10) -> dict[str, Any]:
    """Waits, launches and copies in a window of `train`, a function of the number of windows.

    The keys are "synchronizations", "launches", "copies", "ours", "by" and "names".

    `launches` are kernels, ours and CuPy's and cuBLAS's, and memory fills; None where only ours can be counted, which
    are in `names` in any case.
    """
    record = profiled if torch_sees_a_gpu() else counted_in_python
    train(2)  # compiles
    once, twice = (record(partial(train, n)) for n in (windows, 2 * windows))
    more = {kind: Counter(twice[kind]) for kind in twice}
    for kind, counted in more.items():
        counted.subtract(once[kind])
    each = {kind: sum(counted.values()) / windows for kind, counted in more.items()}
    names = {name: times / windows for name, times in (more["launches"] + more["ours"]).most_common()}
    exact = record is profiled
    return {
        "synchronizations": each["synchronizations"],
        "launches": each["launches"] if exact else None,
        "copies": each["copies"] if exact else None,
        "ours": each["ours"],
        "by": "CUDA's own record" if exact else "calls seen from Python",
        "names": names,
    }


def counted_in_python(work: Callable[[], Any]) -> dict[str, Counter[str]]:
    """What can be counted from Python while `work` runs, by name."""
    with waits() as waited, our_launches() as ours:
        work()
    return {"synchronizations": waited, "launches": Counter(), "copies": Counter(), "ours": ours}


def profiled(work: Callable[[], Any]) -> dict[str, Counter[str]]:
    """What CUDA did while `work` ran, by name, from the trace of PyTorch's profiler."""
    profiler = importlib.import_module("torch.profiler")
    with profiler.profile(activities=[profiler.ProfilerActivity.CUDA]) as trace:
        work()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trace.json"
        trace.export_chrome_trace(str(file))
        return of_trace(json.loads(file.read_text(encoding="utf-8"))["traceEvents"])


def of_trace(events: list[dict[str, Any]]) -> dict[str, Counter[str]]:
    """A trace's events counted by kind and name: kernels and fills as launches, copies, and calls of CUDA that wait."""
    counted: dict[str, Counter[str]] = {kind: Counter() for kind in ("synchronizations", "launches", "copies", "ours")}
    for event in events:
        name, category = event.get("name", ""), event.get("cat", "")
        if category in ("kernel", "gpu_memset"):
            counted["launches"][name] += 1
        elif category == "gpu_memcpy":
            counted["copies"][name] += 1
        elif category in ("cuda_runtime", "cuda_driver") and (
            any(part in name for part in SYNC) or name in ("cudaMemcpy", "cudaMemcpy2D", "cuMemcpyDtoH_v2")
        ):
            counted["synchronizations"][name] += 1
    return counted


@contextmanager
def waits() -> Iterator[Counter[str]]:
    """A context that counts the calls that wait for CuPy's arrays, by name."""
    kind = importlib.import_module("cupy").ndarray
    counted: Counter[str] = Counter()
    inside = False

    def counting(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Any, *args: Any, **more: Any) -> Any:
            nonlocal inside
            if inside:  # float() of an array may be made of its get()
                return method(self, *args, **more)
            counted[name] += 1
            inside = True
            try:
                return method(self, *args, **more)
            finally:
                inside = False

        return call

    with replaced(kind, {name: counting(name, getattr(kind, name)) for name in WAITS if hasattr(kind, name)}):
        yield counted


@contextmanager
def our_launches() -> Iterator[Counter[str]]:
    """A context that counts the launches of our own kernels, by name."""
    from rnnlm.ops.cuda.kernels import Kernels

    counted: Counter[str] = Counter()
    launch = Kernels.launch

    def call(self: Any, name: str, grid: Any, *args: Any, **more: Any) -> None:
        counted[name] += 1
        launch(self, name, grid, *args, **more)

    with replaced(Kernels, {"launch": call}):
        yield counted


@contextmanager
def replaced(owner: Any, new: dict[str, Any]) -> Iterator[None]:
    """A context in which attributes of an object are replaced by others."""
    originals = {name: vars(owner)[name] for name in new if name in vars(owner)}
    for name, value in new.items():
        setattr(owner, name, value)
    try:
        yield
    finally:
        for name in new:
            if name in originals:
                setattr(owner, name, originals[name])
            else:
                delattr(owner, name)
