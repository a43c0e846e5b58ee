"""Waiting for another thread without going to sleep, for the microseconds between two parallel loops."""

from __future__ import annotations

from numba.core import types
from numba.extending import intrinsic

from .jit import DISABLED, kernel


@intrinsic
def _read(typing, flags, i):
    """flags[i] as another thread may have changed it just now."""

    def generate(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.load_atomic(builder.gep(data, [arguments[1]]), "acquire", align=8)

    return types.int64(flags, types.int64), generate


@intrinsic
def _set(typing, flags, i, value):
    """flags[i] = value, seen by every other thread."""

    def generate(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        builder.store_atomic(arguments[2], builder.gep(data, [arguments[1]]), "release", align=8)
        return context.get_dummy_value()

    return types.void(flags, types.int64, types.int64), generate


@kernel
def spin_wait(flags, i, value, reads, more):
    """Read flags[i] until it is `value`, `reads` times at most, then read it `more` times for nothing.

    The interpreter lock is free meanwhile. The other thread sets its flag just before it gives the lock up, and a
    thread that asks for a lock that is taken is put to sleep: `more` is the moment until it is free.
    """
    for _ in range(reads):
        if _read(flags, i) == value:
            for _ in range(more):
                _read(flags, i)
            return True
    return False


@kernel
def signal(flags, i, answer, value, reads, more):
    """flags[i] = value, then `spin_wait` for flags[answer], all without the interpreter lock: the other needs it."""
    _set(flags, i, value)
    return spin_wait(flags, answer, value, reads, more)


if DISABLED:

    def signal(flags, i, answer, value, reads, more):
        """Set the flag only: plain Python holds the interpreter lock, so waiting here would be for nothing."""
        flags[i] = value

    def spin_wait(flags, i, value, reads, more):
        """Look once instead of spinning; the caller then waits for a lock."""
        return flags[i] == value
