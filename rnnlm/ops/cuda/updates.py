"""The optimizers' updates of all parameters, in one launch and one for each gradient that is still two factors."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from ..arrays import Array
from ..gradients import Dense, Gradient, OuterProduct, RowSparse
from ..reference.updates import UpdateRule
from .groups import SQUARE, ceil_divide
from .kernels import C_TYPE, Kernels
from .outer_product import OuterProducts, factors, tiled
from .runs import SHARED, Runs, address

BLOCKS = 2048  # an array's work is shared out among this many blocks, or fewer
ROWWISE = ("row-adagrad", "adam")  # rules with a memory for each row, the last of their slots
RULE = {"sgd": 0, "momentum": 1, "nesterov": 2, "adagrad": 3, "row-adagrad": 4, "rmsprop": 5, "adam": 6}
Item = tuple[Array, Gradient, list[Array]]


class Updates(OuterProducts):
    """The rules, as the optimizers state them. A gradient is read only."""

    rules: ClassVar[frozenset[str]] = frozenset(RULE)

    def update(self, rule: UpdateRule, value: Array, gradient: Gradient, slots: list[Array]) -> None:
        """`Reference.update` in one launch."""
        self.update_all(rule, [(value, gradient, slots)])

    def update_all(self, rule: UpdateRule, items: list[Item]) -> None:
        """`Reference.update_all` in one launch for all gradients that are arrays."""
        arrays = []
        for value, gradient, slots in items:
            if isinstance(gradient, OuterProduct):
                self._update_outer_product(rule, value, gradient, slots)
            elif value.size:
                arrays.append((value, gradient, slots))
        if not arrays:
            return
        dtype = arrays[0][0].dtype
        table = Table(self, rule.name, dtype)
        for value, gradient, slots in arrays:
            table.add(value, gradient, slots)
        arguments = (table.sent(), len(arrays), table.runs.count, *constants(rule, dtype))
        real, number = C_TYPE[dtype], RULE[rule.name]
        self.launch("updates_all", table.runs.blocks, 256, *arguments, shared=SHARED, REAL=real, RULE=number)
        for value, changed in table.copies:
            value[...] = changed

    def _update_outer_product(self, rule: UpdateRule, value: Array, outer: OuterProduct, slots: list[Array]) -> None:
        """`update` of value (V, H) and its memories by a product that is never written to memory."""
        plan, (d, h, H), dtype = self.outer_product_plan(outer), factors(outer), value.dtype
        by_row = rule.name in ROWWISE
        memory: list[Any] = [*slots[: len(slots) - by_row], None, None][:2]
        memory.append(slots[-1] if by_row else None)
        arguments = (*plan.arguments, d, h, H, dtype.type(outer.scale), value, *memory, *constants(rule, dtype))
        grid = plan.tiles, 1 if by_row else ceil_divide(H, SQUARE)
        compiled_for = tiled(outer, 3 * SQUARE)  # what the weights of a row share
        self.launch("updates_outer_product", grid, 256, *arguments, RULE=RULE[rule.name], **compiled_for)


def constants(rule: UpdateRule, dtype: np.dtype) -> list[Any]:
    """The numbers of a rule as the kernels read them: updates.cuh."""
    return [dtype.type(number) for number in (rule.rate, rule.l2, rule.rate * rule.decay, *rule.constants)]


class Table:
    """What updates_all.cu reads: where each parameter's arrays lie, which blocks do which of its rows, ids of rows."""

    def __init__(self, ops: Kernels, rule: str, dtype: Any) -> None:
        self.ops, self.dtype, self.by_row = ops, dtype, rule in ROWWISE
        self.items: list[int] = []
        self.runs = Runs()
        self.ids: list[np.ndarray] = []
        self.id_count = 0
        self.kept: list[Array] = []  # alive until the launch
        self.copies: list[tuple[Array, Array]] = []  # of a transposed starting value, say

    def add(self, value: Array, gradient: Dense | RowSparse, slots: list[Array]) -> None:
        """The parameter `value` with its gradient and its rule's memories."""
        number, rows, unit = len(self.items) // 7, len(value), math.prod(value.shape[1:])
        g, ids, spans = self._parts(gradient)
        g, w = self.ops.contiguous(g, self.dtype), self.ops.contiguous(value)
        self.kept.append(g)
        if not value.flags.c_contiguous:
            self.copies.append((value, w))
        memories = [address(slot, self.dtype) for slot in slots]
        own = memories.pop() if self.by_row else 0
        memories += [0] * (2 - len(memories))
        addresses = [address(w, self.dtype), address(g, self.dtype), *memories, own]
        if ids is not None:
            self.items += [*addresses, unit, (1 + self.id_count) * (1 if isinstance(gradient, RowSparse) else -1)]
            self.runs.add(number, 0, len(ids), share(len(ids), 8))
            self.ids.append(ids)
            self.id_count += len(ids)
            return
        scale = 1 if self.by_row else unit  # rows mean nothing: as many rows of one number
        unit //= scale
        self.items += [*addresses, unit, 0]
        each = share(rows * scale, 8 if unit > 1 else 256 if self.by_row else 1024)
        if spans is None:
            self.runs.add(number, 0, rows * scale, each)
        else:
            self.runs.add_spans(number, spans, scale, each)

    def _parts(self, gradient: Dense | RowSparse) -> tuple[Array, np.ndarray | None, np.ndarray | None]:
        """The array, and the rows that it is about: by id, in spans, or all of them."""
        if isinstance(gradient, RowSparse):
            return gradient.rows, gradient.ids, None
        array, spans = gradient
        if spans is not None and len(spans) > 1 and (spans[:, 1] - spans[:, 0] == 1).all():
            return array, spans[:, 0], None
        return array, None, spans

    def sent(self) -> Array:
        """The table on the GPU, in one copy."""
        return self.ops.asarray(self.runs.packed(self.items, *self.ids))


def share(work: int, least: int) -> int:
    """How much of the work a block does: a multiple of `least`, and so much that there are no more than `BLOCKS`."""
    return least * max(1, -(-work // (least * BLOCKS)))
