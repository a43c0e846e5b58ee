"""How kernels are compiled, and kept on the disk between runs."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
import numba.core.event as numba_event
from llvmlite.binding import add_symbol
from numba.core import types

from ..compiling import compiling

DISABLED = bool(numba.config.DISABLE_JIT)  # NUMBA_DISABLE_JIT=1: every kernel runs as the plain Python that it is

# "contract" lets a·b + c become one fused instruction; nothing else of IEEE arithmetic is given up, so infinities and
# NaN mean what they mean. nogil: threads run kernels side by side.
kernel = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})

# For sums of two products, either of which could become part of a fused instruction: the compiler's choice may differ
# between the process that compiles a kernel and those that load it, and with it the last bit.
exact = numba.njit(cache=True, nogil=True, error_model="numpy")

# For functions of one number: within a loop only code that is really inside it can work on vectors.
scalar = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"}, forceinline=True)

# For sums and maxima whose order the compiler may choose, once and for all, so that it can use vectors. A NaN in a
# maximum may be overlooked; it shows up in the sum that follows.
reduction = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
maximum = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"nnan", "nsz"})


class _Compiling(numba_event.Listener):
    """Calls `compiling` when a kernel is compiled; loading one from the disk is no such event."""

    def on_start(self, event: Any) -> None:
        compiling()

    def on_end(self, event: Any) -> None:
        pass


numba_event.register("numba:compile", _Compiling())


def exported(name: str, body: Any, integers: tuple[int, ...], register: int) -> None:
    """Compile body(width, single) in both precisions as the C functions rnnlm_NAME_float32 and …_float64 of `external`.

    Its arguments are pointers, each followed by as many integers as `integers` says; `width` is how many numbers a
    vector register holds.
    """
    for element in (types.float32, types.float64):
        pointer = types.CPointer(element)  # type: ignore[attr-defined]
        arguments = [kind for count in integers for kind in (pointer, *[types.int64] * count)]
        compile_ = numba.cfunc(types.void(*arguments), cache=True, error_model="numpy")
        compiled = compile_(body(register * 8 // element.bitwidth, element == types.float32))
        add_symbol(f"rnnlm_{name}_{element}", compiled.address)
        _KEPT.append(compiled)


_KEPT: list[Any] = []  # compiled code is freed with the Python object that has it


@kernel
def _nothing():
    """A kernel that is never compiled: it says in which folder of the disk cache all kernels are."""


def _drop_stale() -> None:
    """Remove kernels from the disk cache that were compiled before any file of this folder was changed.

    Numba itself looks at the file of the kernel only, not at those of the functions that the kernel calls.
    """
    folder = Path(__file__).parent
    newest = max(file.stat().st_mtime for file in folder.glob("*.py"))
    for index in Path(_nothing.stats.cache_path).glob("*.nbi"):
        with suppress(FileNotFoundError):  # another process was here first
            if index.stat().st_mtime < newest:
                index.unlink()


if not DISABLED:
    _drop_stale()
