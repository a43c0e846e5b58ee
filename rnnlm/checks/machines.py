"""The machines that a check runs on: NumPy arrays with a backend, or CuPy arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from .. import ops
from ..errors import UsageError
from ..layers import Param
from ..ops.arrays import Array
from ..ops.device import current_gpu, put
from ..ops.threads import one_thread


class Machine(NamedTuple):
    """NumPy arrays with one of their backends ("numpy", "numba"), or CuPy arrays ("cupy")."""

    name: str
    threads: int | None = None

    @contextmanager
    def working(self) -> Iterator[None]:
        """Use this machine within a `with` block; the backend of the process is restored afterwards."""
        before = ops.backend()
        try:
            if self.name != "cupy":
                ops.use(self.name, self.threads)
            with one_thread():
                yield
        finally:
            ops.use(before.name, before.threads)

    def put(self, array: np.ndarray) -> Array:
        """Return an array of the host as an array of this machine."""
        return put(array, current_gpu()) if self.name == "cupy" else array

    def place(self, params: Mapping[str, Param]) -> None:
        """Move the values of parameters to this machine."""
        for param in params.values():
            param.set(self.put(param.value))


NUMPY = Machine("numpy", 1)


def host(array: Any) -> np.ndarray:
    """Return an array of any machine as a NumPy array."""
    return np.asarray(ops.ops_for(array).to_host(array))


def why_no_numba() -> str | None:
    """Return why Numba cannot be used on this machine, as a sentence without its full stop; None where it can."""
    try:
        with Machine("numba").working():
            return None
    except UsageError as error:
        return str(error).rstrip(".")
