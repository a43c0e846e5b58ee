"""The full softmax: products by cuBLAS, and what is between them in one kernel, a tile of tokens after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..arrays import Array
from ..precision import precision
from .affine import Affine
from .kernels import C_TYPE, blocks_for
from .sums import Sums
from .tables import Tables

TILE = 256 << 20  # bytes of logits that are there at one time; as many as W has, where that is more
KEPT = 96 << 10  # bytes of a row that wait in shared memory for its sum, so that two blocks share a multiprocessor


class Softmax(Tables, Sums, Affine):
    """The full softmax. The logits (N, V) are in memory a tile at a time: `TILE` bytes, or as many as W has."""

    def softmax_nll(
        self, h: Array, order: np.ndarray, words: np.ndarray, W: Array, b: Array, gradient: bool
    ) -> tuple[Array, Array, Any]:
        """`Reference.softmax_nll`; the tape is one array, and dh, dW and db of the sum as its parts."""
        (N, n), place = (len(h), len(order)), np.full(len(h), -1, np.int32)
        if 2 * n < N:  # the rows that are not scored are left out
            place[order] = np.arange(n)
            order, words, place = self.upload(order, words, place)
            nll, back, tape = self._score_all(self.rows_at(h, order), words, W, b, gradient)
            return self.rows_at(nll, place), h if back is None else self.rows_at(back, place), tape
        place[order] = words  # they are computed with the others, and count nothing
        nll, back, tape = self._score_all(self.contiguous(h), self.asarray(place), W, b, gradient)
        return nll, h if back is None else back, tape

    def softmax_gradient(self, tape: Any, dh: Array, scale: float) -> tuple[Array, Array, Array]:
        """`Reference.softmax_gradient`: one launch for all three, which are parts of one array."""
        together, own, dW, db = tape
        together *= scale
        return own if dh is own else dh * scale, dW, db

    def _score_all(
        self, rows: Array, targets: Array, W: Array, b: Array, gradient: bool
    ) -> tuple[Array, Array | None, Any]:
        """-log P and its gradients: rows (n, H) in one piece, targets (n,) int32 of the device.

        Returns nll (n,), dh or None, and the tape. A target of -1 scores 0.
        """
        (n, H), V, real = rows.shape, len(W), rows.dtype
        short = real == np.float32 and precision() == "bf16"
        factor, weights = self.rounded(rows, W) if short else (rows, W)
        nll, back, tape = self.xp.empty((n,), real), None, None
        if gradient:
            tape = self._gradients(n, V, H, real, empty=not n)
            back = tape[1]
        for part, x in self._tiles(n, V, real, W.nbytes):
            part_rows, y = factor[part], self.xp.empty(x.shape, np.uint16) if short and gradient else x
            self.product(part_rows, weights.T, out=x[:, :V])
            self._softmax_rows("GRADIENT" if gradient else "SCORE", x, y, V, b, targets[part], nll[part])
            if back is not None and tape is not None:
                d, add = y[:, :V], part.start > 0
                self.product(d, weights, out=back[part])
                self.product(d.T, part_rows, out=tape[2], add=add)
                self.column_sums(y, tape[0][-y.shape[1] :], add=add)
        return nll, back, tape

    def _tiles(self, n: int, V: int, real: Any, most: int) -> Iterator[tuple[slice, Array]]:
        """The tokens in parts, with room for the logits of each, in rows that begin at multiples of 16 bytes."""
        room = 8 * blocks_for(V, 8)  # also of bfloat16 numbers
        tile = blocks_for(n, blocks_for(n * room * real.itemsize, max(TILE, most))) if n else 0
        logits = self.xp.empty((tile, room), real)
        for first in range(0, n, tile or 1):
            part = slice(first, min(first + tile, n))
            yield part, logits[: part.stop - first]

    def _gradients(self, n: int, V: int, H: int, real: Any, empty: bool) -> tuple[Array, Array, Array, Array]:
        """Room for dh, dW and db in one array, and these parts of it; zero where some tokens or all are `empty`."""
        dW = 4 * blocks_for(n * H, 4)
        db = dW + 4 * blocks_for(V * H, 4)
        room = (self.xp.zeros if empty else self.xp.empty)((db + 8 * blocks_for(V, 8),), real)
        return room, room[: n * H].reshape(n, H), room[dW : dW + V * H].reshape(V, H), room[db : db + V]

    def softmax_draw(self, h: Array, u: np.ndarray, W: Array, b: Array) -> tuple[np.ndarray, np.ndarray]:
        """`Reference.softmax_draw`, with only ids and scores sent to the host."""
        N, V, real = len(h), len(W), h.dtype
        numbers = self.asarray(np.ascontiguousarray(u), np.float64)
        drawn = self.xp.empty((N * (real.itemsize + 4),), np.uint8)  # log P, then ids: one transfer to the host
        h = self.contiguous(h)
        for part, x in self._tiles(N, V, real, W.nbytes):
            self.product(h[part], W.T, out=x[:, :V])
            arguments = (x, b, numbers[part], drawn, N, V, x.shape[1], part.start)
            shared = 32 * (8 + real.itemsize)
            self.launch("softmax_draw", len(x), 1024, *arguments, shared=shared, REAL=C_TYPE[real])
        logp, ids = np.split(self.to_host(drawn), [N * real.itemsize])
        return ids.view(np.int32).astype(np.int64), logp.view(real)

    def softmax(self, logits: Array) -> Array:
        """`Reference.softmax` in one launch."""
        return self._softmax_of("SHARES", logits)

    def log_softmax(self, logits: Array) -> Array:
        """`Reference.log_softmax` in one launch."""
        return self._softmax_of("LOGS", logits)

    def _softmax_of(self, find: str, logits: Array) -> Array:
        V, out = logits.shape[-1], self.xp.empty(logits.shape, logits.dtype)
        self._softmax_rows(find, self.contiguous(logits).reshape(-1, V), out.reshape(-1, V), V, None, None, None)
        return out

    def _softmax_rows(
        self, find: str, x: Array, y: Array, V: int, b: Array | None, targets: Array | None, nll: Array | None
    ) -> None:
        room, real = x.shape[1], x.dtype
        wide = self.vector_width(room, x, y)
        vectors = blocks_for(V, wide)
        space = min(KEPT, self.shared_memory - 32 * real.itemsize)
        kept = 0 if find == "SCORE" else min(vectors, space // (wide * real.itemsize))
        block = 32 * min(32, blocks_for(vectors, 128))  # four vectors a thread, or more
        constants: dict[str, Any] = {
            "FIND": find,
            "BFLOAT16": int(y.dtype == np.uint16),
            "WIDE": wide,
            "REAL": C_TYPE[real],
        }
        shared = (32 + kept * wide) * real.itemsize
        self.launch("softmax_rows", len(x), block, x, b, targets, nll, y, V, room, kept, shared=shared, **constants)
