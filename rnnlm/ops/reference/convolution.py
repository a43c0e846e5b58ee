"""Convolution: every patch of an image times the same weights."""

from __future__ import annotations

from ..arrays import Array, ArrayOps

Pair = tuple[int, int]  # of rows and of columns
Border = tuple[Pair, Pair]  # rows above and below, columns left and right


class ConvolutionOps(ArrayOps):
    """y[n, i, j] = b + Σ_uv x[n, i·s + u, j·s + v] W[u, v] and its gradients, as one product over unfolded patches.

    x (N, h, w, C) with its border already around it, W (kh, kw, C, F), b (F,) -> y (N, oh, ow, F).
    """

    def bordered(self, x: Array, border: Border, value: float = 0.0) -> Array:
        """The images x (N, h, w, C) with rows above and below and columns left and right that hold `value`.

        That is (N, top + h + bottom, left + w + right, C).
        """
        if border == ((0, 0), (0, 0)):
            return x
        n, h, w, c = x.shape
        (top, bottom), (left, right) = border
        out = self.zeros((n, top + h + bottom, left + w + right, c), x.dtype)
        if value:
            out[...] = value
        out[:, top : top + h, left : left + w] = x
        return out

    def without_border(self, x: Array, border: Border) -> Array:
        """The images inside the border: the adjoint of `bordered`."""
        (top, bottom), (left, right) = border
        return x[:, top : x.shape[1] - bottom, left : x.shape[2] - right]

    def convolve(self, x: Array, W: Array, b: Array | None, stride: Pair) -> Array:
        """y (N, oh, ow, F): every patch of x times the filters W, plus b where it is not None."""
        patches = self.unfold(x, W.shape[:2], stride)  # (N, oh, ow, kh·kw·C)
        y = patches.reshape(-1, patches.shape[-1]) @ W.reshape(-1, W.shape[-1])
        y = y.reshape(*patches.shape[:-1], W.shape[-1])
        return y if b is None else y + b

    def convolve_backward(self, dy: Array, W: Array, stride: Pair, size: Pair) -> Array:
        """dx of images of this size (h, w): the patches' gradients dy W', added up where patches overlap."""
        dpatches = dy.reshape(-1, dy.shape[-1]) @ W.reshape(-1, W.shape[-1]).T
        return self.fold(dpatches.reshape(*dy.shape[:3], *W.shape[:3]), stride, size)

    def filter_gradient(self, x: Array, dy: Array, stride: Pair, size: Pair) -> tuple[Array, Array]:
        """dW (kh, kw, C, F) = patches' dy, for filters of this size (kh, kw), and db (F,) = Σ dy."""
        patches = self.unfold(x, size, stride)
        flat = dy.reshape(-1, dy.shape[-1])
        dW = patches.reshape(-1, patches.shape[-1]).T @ flat
        return dW.reshape(*size, x.shape[-1], dy.shape[-1]), flat.sum(0)

    def unfold(self, x: Array, size: Pair, stride: Pair) -> Array:
        """The patches of all positions side by side: x (N, h, w, C) -> (N, oh, ow, kh·kw·C)."""
        views = [x[at] for at in positions(x.shape[1:3], size, stride)]
        return self.concatenate(views, axis=3)

    def fold(self, patches: Array, stride: Pair, size: Pair) -> Array:
        """The adjoint of `unfold`: patches (N, oh, ow, kh, kw, C) -> Σ of what lies on each place (N, h, w, C)."""
        n, _, _, kh, kw, c = patches.shape
        out = self.zeros((n, *size, c), patches.dtype)
        for number, at in enumerate(positions(size, (kh, kw), stride)):
            out[at] += patches[:, :, :, number // kw, number % kw]
        return out


def positions(image: Pair, size: Pair, stride: Pair) -> list[tuple[slice, slice, slice]]:
    """For every place (u, v) within a window of this size, row by row: where all windows of an image have it."""
    rows, columns = (
        [slice(first, image[axis] - size[axis] + first + 1, stride[axis]) for first in range(size[axis])]
        for axis in (0, 1)
    )
    return [(slice(None), row, column) for row in rows for column in columns]
