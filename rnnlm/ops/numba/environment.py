"""Settings of Numba in the environment that it cannot use: each is said in one line and left out, and never an error.

Numba reads its variables when it is imported and warns of some bad values at length; others end the process when a
kernel is compiled. So they are looked at before. Import this before Numba.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import warnings
from contextlib import suppress

_PARSED = re.compile(r"Environment variable '(\w+)' is defined but")  # how Numba's own warning begins
_FEATURES = re.compile(r"[+-][\w.-]+(,[+-][\w.-]+)*")
_UNKNOWN = "not a recognized"  # what LLVM writes to standard error


def leave_out(name: str, problem: str) -> None:
    """Take a variable out of the environment, of processes that we start too, and say so in a warning."""
    value = os.environ.pop(name, "")
    warnings.warn(f"the environment variable {name}={value!r} is ignored: {problem}.", RuntimeWarning, stacklevel=2)


def look() -> None:
    """Leave out what Numba would take and what then ends the process, or floods standard error."""
    _look_at_threads()
    _look_at_processor()


def _look_at_threads() -> None:
    name = "NUMBA_NUM_THREADS"
    if re.fullmatch(r"\s*[+-]?\d+\s*", value := os.environ.get(name, "")) and int(value) < 1:
        leave_out(name, "it must be at least 1")


def _look_at_processor() -> None:
    """Leave out a processor and features that LLVM does not know: it would say so for every kernel, or end the process.

    LLVM has no function that lists what it knows, but it writes to standard error about what it does not.
    """
    cpu, features = (os.environ.get(name, "") for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES"))
    if features and not _FEATURES.fullmatch(features):
        leave_out("NUMBA_CPU_FEATURES", "it must be a list such as +avx2,-fma")
        features = ""
    if cpu and _is_unknown(cpu, ""):
        leave_out("NUMBA_CPU_NAME", "LLVM knows no such processor")
        cpu = ""
    if features and _is_unknown(cpu, features):
        leave_out("NUMBA_CPU_FEATURES", "LLVM does not know all of these")


def _is_unknown(cpu: str, features: str) -> bool:
    """Return whether LLVM complains about a processor or a feature; False where that cannot be found out."""
    from llvmlite import binding

    with suppress(AttributeError, RuntimeError):  # llvmlite 0.45 and later start LLVM by themselves, and say so
        binding.initialize()
    with suppress(Exception):
        binding.initialize_native_target()
        target = binding.Target.from_default_triple()
        written = _standard_error_of(lambda: target.create_target_machine(cpu=cpu, features=features))
        return _UNKNOWN in written
    return False


def _standard_error_of(action) -> str:
    """Return what C code writes to standard error during the action; where that cannot be caught, it is "".

    The stream itself is led elsewhere for a moment, since LLVM knows nothing of Python's `sys.stderr`.
    """
    try:
        kept = os.dup(2)
    except OSError:  # standard error is closed
        action()
        return ""
    try:
        with tempfile.TemporaryFile() as file:
            os.dup2(file.fileno(), 2)
            try:
                action()
            finally:
                os.dup2(kept, 2)
            file.seek(0)
            return file.read().decode("utf-8", "replace")
    finally:
        os.close(kept)


def import_numba() -> None:
    """Import Numba once; a variable that it cannot read is left out, with a warning of one line."""
    if "numba" in sys.modules:  # by the user's program, which has heard Numba's warnings
        return
    look()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        import numba  # noqa: F401
    for warning in said:
        if match := _PARSED.match(str(warning.message)):
            leave_out(match[1], "Numba cannot read this value")


import_numba()
