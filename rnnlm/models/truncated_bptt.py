"""Truncated back-propagation through time: the newest window's losses flow back through older windows."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from ..errors import UsageError
from .recurrent import RecurrentLM, Tape


class Truncation(NamedTuple):
    """An update after every `block` new steps, whose losses flow back through `horizon` ≥ `block` steps in all.

    R. Williams and J. Peng, "An efficient gradient-based algorithm for on-line training of recurrent network
    trajectories", Neural Computation 2, 1990.
    """

    block: int
    horizon: int

    @classmethod
    def of(cls, model: RecurrentLM, block: int, horizon: int | None = None) -> Truncation:
        """The truncation with both numbers checked.

        `horizon` None is the block; for a model that sees only `look_back` earlier words it is the block and these, so
        that no gradient is cut. Raises UsageError for block < 1 or horizon < block.
        """
        if block < 1:
            raise UsageError(f"block={block} is too small. Give block >= 1.")
        horizon = block + model.look_back if horizon is None else horizon
        if horizon < block:
            raise UsageError(
                f"horizon={horizon} is shorter than block={block}, so the last losses of every block would not "
                f"reach its first step. Give horizon >= {block}."
            )
        return cls(block, horizon)

    def backward(self, model: RecurrentLM, tapes: deque[Tape], scale: float) -> None:
        """Add the gradient of scale · Σ nll of the newest window to the model's parameters.

        `tapes` are those of the last windows, newest last: the newest losses flow back through `horizon` steps, and
        older windows pass on only the state's gradient. Tapes that no later window can reach are removed.
        """
        left, dstate = self.horizon, None
        for age, tape in enumerate(reversed(tapes)):
            stop = max(0, tape.steps - left)
            dstate = model.backward(tape, scale if age == 0 else None, dstate, stop)
            left -= tape.steps - stop
            if not left:
                break
        tapes[-1] = tapes[-1]._replace(output=None)  # its losses have been used
        # The next block may be the short last one, so the horizon may reach horizon - 1 steps beyond it.
        reach = self.horizon - 1 if self.horizon > self.block else 0
        while tapes and sum(tape.steps for tape in tapes) - tapes[0].steps >= reach:
            tapes.popleft()
