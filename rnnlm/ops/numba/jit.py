"""How kernels are compiled; how they are kept on the disk between runs is in `kernel_cache`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numba
import numba.core.event as numba_event
from llvmlite.binding import add_symbol
from numba.core import types

from ..compiling import compiling
from .kernel_cache import drop_stale, kept, say_not_kept

DISABLED = bool(numba.config.DISABLE_JIT)  # NUMBA_DISABLE_JIT=1: every kernel runs as the plain Python that it is


def _compiled(**options: Any) -> Callable[[Any], Any]:
    """Return a decorator that compiles a function on its first call and keeps the code on the disk where it can.

    nogil: threads run kernels side by side.
    """

    def decorate(body: Any) -> Any:
        return kept(body, lambda keep: numba.njit(cache=keep, nogil=True, error_model="numpy", **options)(body))

    return decorate


# "contract" lets a·b + c become one fused instruction; nothing else of IEEE arithmetic is given up, so infinities and
# NaN mean what they mean.
kernel = _compiled(fastmath={"contract"})

# For sums of two products, either of which could become part of a fused instruction: the compiler's choice may differ
# between the process that compiles a kernel and those that load it, and with it the last bit.
exact = _compiled()

# For functions of one number: within a loop only code that is really inside it can work on vectors.
scalar = _compiled(fastmath={"contract"}, forceinline=True)

# For sums and maxima whose order the compiler may choose, once and for all, so that it can use vectors. A NaN in a
# maximum may be overlooked; it shows up in the sum that follows.
reduction = _compiled(fastmath={"contract", "reassoc", "nsz"})
maximum = _compiled(fastmath={"nnan", "nsz"})


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
        function = body(register * 8 // element.bitwidth, element == types.float32)
        compiled = kept(function, partial(_c_function, types.void(*arguments), function))
        add_symbol(f"rnnlm_{name}_{element}", compiled.address)
        _KEPT.append(compiled)


_KEPT: list[Any] = []  # compiled code is freed with the Python object that has it


def _c_function(signature: Any, function: Any, keep: bool) -> Any:
    """Compile a function now, as one that C code can call, or load it from the disk."""
    if keep:
        try:
            return numba.cfunc(signature, cache=True, error_model="numpy")(function)
        except Exception as error:  # the file on the disk is damaged, or no file can be written
            say_not_kept(error)
    return numba.cfunc(signature, error_model="numpy")(function)


if not DISABLED:
    drop_stale(Path(__file__).parent)
