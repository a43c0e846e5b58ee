"""The last inputs of every step side by side: what networks with a memory of finite length see."""

from __future__ import annotations

from ..arrays import Array, ArrayOps


class ContextOps(ArrayOps):
    """A window of the last n steps over x (T, B, E); `keep` and `stop` as in the loops of recurrent layers."""

    def context_forward(self, x: Array, before: Array, keep: Array | None, n: int) -> Array:
        """y_t = [x_{t-n+1} … x_t], cleared before a sentence start: (T, B, n E).

        before (B, (n - 1) E) are the inputs before the window, oldest first; the last (n - 1) E numbers of y_{T-1} are
        those before the next one.
        """
        T, B, E = x.shape
        row = self._row(before, x, n)
        y = self.xp.empty((T, B, n * E), dtype=x.dtype)
        for place, mask in self._places(keep, n):
            part = row[place : place + T]
            y[:, :, place * E : (place + 1) * E] = part if mask is None else part * mask[:, :, None]
        return y

    def context_backward(
        self, dy: Array | None, dlast: Array | None, like: Array, keep: Array | None, n: int, stop: int
    ) -> tuple[Array, Array]:
        """From dy (T, B, n E) and dlast, the gradient of the inputs before the next window: (dx, dbefore).

        like (T, B, E): an array as x is. dx is zero before `stop`, and dbefore belongs to the inputs before that step.
        """
        T, B, E = like.shape
        dx = self.zeros(like.shape, like.dtype)
        dbefore = self.zeros((B, (n - 1) * E), like.dtype)
        steps = T - stop
        drow = self._row(dbefore, dx[stop:], n)
        for place, mask in self._places(None if keep is None else keep[stop:], n):
            columns = slice(place * E, (place + 1) * E)
            if dy is not None:
                part = dy[stop:, :, columns]
                drow[place : place + steps] += part if mask is None else part * mask[:, :, None]
            if dlast is not None and place:  # the last step's part is what stands before the next window
                part = dlast[:, columns.start - E : columns.stop - E]
                drow[place + steps - 1] += part if mask is None else part * mask[-1][:, None]
        dx[stop:] = drow[n - 1 :]
        for place in range(n - 1):
            dbefore[:, place * E : (place + 1) * E] = drow[place]
        return dx, dbefore

    def _row(self, before: Array, x: Array, n: int) -> Array:
        """The n - 1 inputs before the window and those of the window, (n - 1 + T, B, E)."""
        E = x.shape[2]
        return self.concatenate([before[None, :, place * E : (place + 1) * E] for place in range(n - 1)] + [x])

    def _places(self, keep: Array | None, n: int) -> list[tuple[int, Array | None]]:
        """The n places of a window, newest first, each with its mask (T, B): 0 where a sentence started since then."""
        mask: Array | None = None
        places = [(n - 1, mask)]
        for place in range(n - 2, -1, -1):
            if keep is not None:
                later, mask = mask, keep.copy()
                if later is not None:
                    mask[1:] *= later[:-1]  # no sentence may have started at any step since
            places.append((place, mask))
        return places
