"""Jordan's recurrence over a window: one launch forward, one backward."""

from __future__ import annotations

from typing import Any

from ..arrays import Array
from ..reference.elementwise import ACTIVATIONS
from ..reference.jordan import JordanStates, JordanWeights
from .jordan_plan import Plan, plan_for
from .kernels import C_TYPE, Kernels, blocks_for


class Jordan(Kernels):
    """Jordan's recurrence over a window, in float32 or float64 whatever `ops.precision()` says.

    The products of a step are small and wait for each other, so that the tensor cores would stand idle; the weight
    gradients, which are most of the arithmetic, are matrix products after the loop, where the precision counts.
    """

    def jordan_forward(
        self, x: Array, weights: JordanWeights, z0: Array, keep: Array | None, activation: str
    ) -> JordanStates:
        """`Reference.jordan_forward` in one launch for all steps."""
        U, b, deep, R, r = weights
        (T, B, H), (n, _), xp = x.shape, U.shape, self.xp
        plan = self._jordan_plan(n, H, B, len(deep), x.dtype.itemsize)
        if plan is None:
            return super().jordan_forward(x, weights, z0, keep, activation)
        hidden, z = xp.empty((1 + len(deep), T, B, H), x.dtype), xp.empty((T, B, n), x.dtype)
        arrays = [self.contiguous(a) for a in (x, U, b, R if plan.resident else R.T, r)]
        above = [xp.stack(arrays) for arrays in zip(*deep, strict=True)] if deep else [None, None]
        mask = None if keep is None else self.contiguous(keep, x.dtype)
        sizes = (T, B, H, n, len(deep), list(ACTIVATIONS).index(activation))
        arrays += [*above, self.contiguous(z0), mask, hidden, z]
        self._jordan("jordan_forward", plan, arrays, sizes, stats=2)
        return JordanStates(list(hidden), z)

    def jordan_backward(
        self,
        dh: Array | None,
        dlast: Array | None,
        states: JordanStates,
        z0: Array,
        weights: JordanWeights,
        keep: Array | None,
        activation: str,
        stop: int,
    ) -> tuple[list[Array], Array, Array]:
        """`Reference.jordan_backward` in one launch for all steps."""
        (hidden, z), (U, _, deep, R, _) = states, weights
        (T, B, H), n, xp = hidden[0].shape, z.shape[2], self.xp
        plan = self._jordan_plan(n, H, B, len(deep), z.dtype.itemsize)
        if plan is None:
            return super().jordan_backward(dh, dlast, states, z0, weights, keep, activation, stop)
        das, dlogits, dz0 = (xp.empty(shape, z.dtype) for shape in ((len(hidden), T, B, H), (T, B, n), (B, n)))
        back = xp.stack([A.T for A, _ in deep]) if deep else None
        mask = None if keep is None else self.contiguous(keep, z.dtype)
        arrays = [None if a is None else self.contiguous(a) for a in (dh, dlast, self._together(hidden), z)]
        arrays += [self.contiguous(U if plan.resident else U.T), back, self.contiguous(R), mask, das, dlogits, dz0]
        sizes = (stop, T, B, H, n, len(deep), list(ACTIVATIONS).index(activation))
        self._jordan("jordan_backward", plan, arrays, sizes, stats=1)
        return list(das), dlogits, dz0

    def _jordan_plan(self, n: int, H: int, B: int, deep: int, size: int) -> Plan | None:
        return plan_for(n, H, B, deep, size, self.multiprocessors, self.shared_memory)

    def _jordan(self, name: str, plan: Plan, arrays: list[Any], sizes: tuple[int, ...], stats: int) -> None:
        """Launch one of the two kernels; `stats`: the numbers that a block sends for a stream at every step."""
        out, (_, B, H, *_) = arrays[-1], sizes[-6:]  # T, B, H, n, layers, activation are the last sizes of both
        groups = blocks_for(B, plan.tile)
        shared: list[Any] = [None] * 3
        if not plan.alone:  # what the blocks of a group send each other, and how many have arrived
            cells = groups * plan.blocks * plan.tile
            shared = [self.xp.empty(cells * H, out.dtype), self.xp.empty(cells * stats, out.dtype)]
            shared.append(self.xp.zeros(groups, self.xp.uint32))
        self.launch(
            name,
            groups * plan.blocks,
            plan.threads,
            *arrays,
            *shared,
            *sizes,
            *(plan.tile, plan.chunk, plan.blocks, plan.room),
            shared=plan.shared,
            together=not plan.alone,
            THREADS=plan.threads,
            ROWS=plan.rows,
            ALONE=int(plan.alone),
            RESIDENT=int(plan.resident),
            REAL=C_TYPE[out.dtype],
        )

    def _together(self, arrays: list[Array]) -> Array:
        """Arrays of one shape as one: the first where the others lie behind it, as the forward loop leaves them."""
        first = arrays[0]
        if all(a.flags.c_contiguous and a.data.ptr == first.data.ptr + i * a.nbytes for i, a in enumerate(arrays)):
            return first
        return self.xp.stack(arrays)
