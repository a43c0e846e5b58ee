"""Gated units, one pass over memory each way."""

from __future__ import annotations

from ..arrays import Array
from .kernels import C_TYPE, Kernels, blocks_for


class Gating(Kernels):
    """Both halves of the numbers in one kernel."""

    def gate(self, x: Array) -> tuple[Array, Array]:
        """`Reference.gate` in one launch."""
        h, opened = (self.xp.empty((*x.shape[:-1], x.shape[-1] // 2), x.dtype) for _ in range(2))
        self._each_unit("gating_forward", h, self.contiguous(x), h, opened)
        return h, opened

    def gate_backward(self, dh: Array, x: Array, opened: Array) -> Array:
        """`Reference.gate_backward` in one launch."""
        dx = self.xp.empty(x.shape, x.dtype)
        self._each_unit("gating_backward", dh, *map(self.contiguous, (dh, x, opened)), dx)
        return dx

    def _each_unit(self, kernel: str, like: Array, *arrays: Array) -> None:
        """Launch a kernel that has a thread for each number of an array like this one."""
        H = like.shape[-1]
        grid = min(blocks_for(like.size, 256), 32 * self.multiprocessors)
        self.launch(kernel, grid, 256, *arrays, like.size // max(H, 1), H, REAL=C_TYPE[like.dtype])
