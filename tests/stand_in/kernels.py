"""CUDA kernels on the host: the sources as C++ (`emulator.h`), compiled once and kept, run thread by thread."""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .arrays import DeviceArray, overwritten, record

HERE = Path(__file__).parent
COMPILER = shutil.which("g++")
ALIGNED = ["-fsanitize=alignment", "-fsanitize-undefined-trap-on-error"]  # what is not aligned traps
OPTIONS = ["-std=c++17", "-O1", "-w", "-ffp-contract=off", "-fno-strict-aliasing", "-fPIC", *ALIGNED]
WRONG = {
    1: "all threads wait, and what they wait for does not come",
    2: "a block is not made of whole warps",
    3: "several numbers are read or written at once that are not aligned",
    4: "there is no memory where it reads or writes",
}
KERNEL = re.compile(r"__global__\s+void\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?(\w+)\s*\(")

order = 0  # in which the threads run: 0 as numbered, 1 from the last to the first, more: shuffled


def set_order(number: int) -> None:
    """Let threads run in another order from now on."""
    global order
    order = number


def run_compiler(*arguments: Any) -> None:
    done = subprocess.run([COMPILER or "g++", *OPTIONS, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"a kernel does not compile as C++:\n{done.stderr[:4000]}")


@cache
def emulator() -> Path:
    """A folder with the emulator: its header, compiled, so that no kernel compiles it again, and what runs threads."""
    texts = {name: (HERE / name).read_text() for name in ("emulator.h", "emulator.cpp")}
    version = subprocess.run([COMPILER or "g++", "--version"], capture_output=True, text=True).stdout
    key = hashlib.sha256(repr((texts, OPTIONS, version)).encode()).hexdigest()[:24]
    every = Path(tempfile.gettempdir()) / f"rnnlm-stand-in-{os.getuid()}"
    folder, made = every / key, every / f"{key}.{os.getpid()}"
    if not folder.exists():
        made.mkdir(parents=True)
        for name, text in texts.items():
            (made / name).write_text(text)
        run_compiler("-x", "c++-header", made / "emulator.h", "-o", made / "emulator.h.gch")
        run_compiler("-c", made / "emulator.cpp", "-o", made / "emulator.o")
        try:
            made.rename(folder)
        except OSError:  # another process was faster
            shutil.rmtree(made)
    return folder


@cache
def compiled(code: str, options: tuple[str, ...]) -> ctypes.CDLL:
    """The kernels of a source as a library of the host."""
    names = KERNEL.findall(code)
    whole = f'#include "emulator.h"\n{code}\n' + "".join(f"EMULATE({name})\n" for name in names)
    defines = [option for option in options if option.startswith("-D")]
    key = hashlib.sha256(repr((whole, defines)).encode()).hexdigest()[:24]
    library = emulator() / f"{key}.so"
    if not library.exists():
        source, made = (library.with_name(f"{key}.{os.getpid()}.{end}") for end in ("cpp", "so"))
        source.write_text(whole)
        run_compiler(*defines, "-shared", f"-I{library.parent}", source, library.with_name("emulator.o"), "-o", made)
        source.unlink()
        made.rename(library)
    return ctypes.CDLL(str(library))


class RawModule:
    """cupy.RawModule: a source and its options; compiled when a function is first asked for."""

    def __init__(
        self,
        *,
        code: str,
        options: tuple[str, ...] = (),
        backend: str = "nvrtc",
        enable_cooperative_groups: bool = False,
    ) -> None:
        self.code, self.options, self.together = code, tuple(options), enable_cooperative_groups

    def get_function(self, name: str) -> Kernel:
        return Kernel(name, compiled(self.code, self.options), self.together)


class Kernel:
    """One kernel of a module: `kernel(grid, block, args, shared_mem=0)`."""

    max_dynamic_shared_size_bytes = 48 << 10

    def __init__(self, name: str, library: ctypes.CDLL, together: bool) -> None:
        self.name, self.together = name, together
        self._run = getattr(library, f"run_{name}")
        self._run.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_uint]
        sizes = (ctypes.c_int * 64)()
        count = getattr(library, f"sizes_{name}")(sizes)
        self.sizes = list(sizes[:count])

    def __call__(self, grid: Any, block: Any, args: tuple[Any, ...], *, shared_mem: int = 0) -> None:
        record.launch(self.name)
        if shared_mem > self.max_dynamic_shared_size_bytes:
            raise RuntimeError(f"{self.name}: {shared_mem} bytes of shared memory were not asked for before")
        if shared_mem > 232_448:
            raise RuntimeError(f"{self.name}: {shared_mem} bytes of shared memory are more than an H200 has")
        values = [_argument(self.name, place, value) for place, value in enumerate(args)]
        given = [value.itemsize for value in values]
        if given != self.sizes:
            raise TypeError(f"{self.name} takes arguments of {self.sizes} bytes, and was given {given}")
        dims = np.array([*grid, 1, 1][:3] + [*block, 1, 1][:3], np.uint32)
        if dims.min() < 1 or np.prod(dims[3:]) > 1024:
            raise ValueError(f"{self.name}: a grid of {dims[:3]} blocks of {dims[3:]} threads is not possible")
        if self.together and np.prod(dims[:3]) > 64:
            raise RuntimeError(f"{self.name}: {dims[:3]} blocks do not run at the same time")
        pointers = (ctypes.c_void_p * max(len(values), 1))(*(value.ctypes.data for value in values))
        failed = self._run(pointers, dims.ctypes.data, shared_mem, self.together, order)
        if failed:
            raise RuntimeError(f"{self.name}: {WRONG[failed]}")
        for place, value in enumerate(args):
            if isinstance(value, DeviceArray) and overwritten(value._memory):
                raise RuntimeError(f"{self.name} wrote outside its argument {place}")


def _argument(name: str, place: int, value: Any) -> np.ndarray:
    if isinstance(value, DeviceArray):
        return np.array(value._memory.ctypes.data, np.uint64)
    if isinstance(value, np.generic):
        return np.asarray(value)
    raise TypeError(f"{name}: argument {place} is a {type(value).__name__}; give an array or a NumPy number")
