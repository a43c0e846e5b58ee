"""The time loops of Elman's and Jordan's networks over a whole window, for a part of its streams.

Equations and shapes: `ops/recurrence.py`. Streams do not see each other, so each part is a loop of its own, without
a meeting of threads at every step.
"""

from __future__ import annotations

import numpy as np

from .elementwise import activate, activate_backward, add, inner, softmax
from .jit import kernel
from .product import dots, product


@kernel
def masked(state, start, keep, k, count, n, out):
    """The rows of a state, cleared where a sentence starts: out (count, n) = state[start…] · keep[k…]."""
    for s in range(count):
        before, after, factor = state[start + s * n : start + (s + 1) * n], out[s * n : (s + 1) * n], keep[k + s]
        for j in range(n):
            after[j] = before[j] * factor


@kernel
def forward_step(before, start, W, n, b, x, row, h, out, count, H, function, ceiling):
    """h[out…] = f(x[row…] + before[start…] W + b) for `count` streams; W (n, H) flat."""
    for s in range(count):
        a, arriving = h[out + s * H : out + (s + 1) * H], x[row + s * H : row + (s + 1) * H]
        for j in range(H):
            a[j] = arriving[j] + b[j]
    product(before, start, n, 1, W, 0, H, h, out, H, count, H, n, 1)
    activate(function, h[out : out + count * H], ceiling)


@kernel
def elman_forward(x, W, b, h0, keep, h, first, last, function, ceiling):
    """h_t = f(x_t + h_{t-1} W + b) for the streams first…last; keep is empty where no sentence starts."""
    T, B, H = x.shape
    X, V, out, start = x.reshape(-1), W.reshape(-1), h.reshape(-1), h0.reshape(-1)
    K = keep.reshape(-1)
    count = last - first
    kept = np.empty(count * H if K.size else 0, x.dtype)
    for t in range(T):
        here = (t * B + first) * H
        before, place = (out, here - B * H) if t else (start, first * H)
        if K.size:
            masked(before, place, K, t * B + first, count, H, kept)
            before, place = kept, 0
        forward_step(before, place, V, H, b, X, here, out, here, count, H, function, ceiling)


@kernel
def elman_forward_alone(x, WT, b, h0, keep, h, function, ceiling):
    """`elman_forward` for a single stream, with W': a row times a matrix is fastest as one sum a column."""
    T, _, H = x.shape
    X, V, out = x.reshape(-1), WT.reshape(-1), h.reshape(-1)
    before = h0.reshape(-1).copy()
    for t in range(T):
        if keep.size:
            masked(before, 0, keep.reshape(-1), t, 1, H, before)
        mine = out[t * H : (t + 1) * H]
        dots(before, 0, 0, V, 0, H, mine, 0, 0, 1, H, H)
        add(mine, X[t * H : (t + 1) * H])
        add(mine, b)
        activate(function, mine, ceiling)
        before[:] = mine


@kernel
def elman_backward(dh, d, h, WT, keep, da, first, last, function, ceiling, stop):
    """da and, in d (B, H), the gradient of the state before step `stop`; dh is empty where no loss comes in."""
    T, B, H = h.shape
    D, Y, V, out, G = dh.reshape(-1), h.reshape(-1), WT.reshape(-1), da.reshape(-1), d.reshape(-1)
    K = keep.reshape(-1)
    count = last - first
    mine = G[first * H : last * H]
    for t in range(T - 1, stop - 1, -1):
        here, beyond = (t * B + first) * H, (t * B + last) * H
        if D.size:
            add(mine, D[here:beyond])
        activate_backward(function, mine, Y[here:beyond], out[here:beyond], ceiling)
        product(out, here, H, 1, V, 0, H, mine, 0, H, count, H, H, 0)
        if K.size:
            masked(mine, 0, K, t * B + first, count, H, mine)


@kernel
def jordan_forward(x, U, b, deep, deep_b, R, r, z0, keep, hs, z, first, last, function, ceiling):
    """The hidden vectors hs (layers, T, B, H) and z (T, B, n) for the streams first…last; deep (layers - 1, H, H)."""
    T, B, H = x.shape
    n = R.shape[0]
    X, UF, RF, DF, DB = x.reshape(-1), U.reshape(-1), R.reshape(-1), deep.reshape(-1), deep_b.reshape(-1)
    hidden, Z, start, K = hs.reshape(-1), z.reshape(-1), z0.reshape(-1), keep.reshape(-1)
    count = last - first
    kept = np.empty(count * n if K.size else 0, x.dtype)
    for t in range(T):
        before, place = (Z, ((t - 1) * B + first) * n) if t else (start, first * n)
        if K.size:
            masked(before, place, K, t * B + first, count, n, kept)
            before, place = kept, 0
        here = (t * B + first) * H
        forward_step(before, place, UF, n, b, X, here, hidden, here, count, H, function, ceiling)  # 1: hidden
        for layer in range(1, hs.shape[0]):  # 2: hidden layers above it
            up = layer * T * B * H + here
            for s in range(count):
                hidden[up + s * H : up + (s + 1) * H] = DB[(layer - 1) * H : layer * H]
            below = up - T * B * H
            product(hidden, below, H, 1, DF, (layer - 1) * H * H, H, hidden, up, H, count, H, H, 1)
            activate(function, hidden[up : up + count * H], ceiling)
        top = (hs.shape[0] - 1) * T * B * H + here
        out = (t * B + first) * n
        dots(hidden, top, H, RF, 0, H, Z, out, n, count, n, H)  # 3: the output that is fed back
        for s in range(count):
            fed_back = Z[out + s * n : out + (s + 1) * n]
            add(fed_back, r)
            softmax(fed_back)


@kernel
def jordan_backward(dh, dz, hs, z, UT, deepT, R, keep, das, dlogits, first, last, function, ceiling, stop):
    """da of every layer, dlogits, and in dz (B, n) the gradient of the state before step `stop`."""
    layers, T, B, H = hs.shape
    n = R.shape[0]
    D, Y, Z, UF, RF, DF = (
        dh.reshape(-1),
        hs.reshape(-1),
        z.reshape(-1),
        UT.reshape(-1),
        R.reshape(-1),
        deepT.reshape(-1),
    )
    G, out, DL, K = dz.reshape(-1), das.reshape(-1), dlogits.reshape(-1), keep.reshape(-1)
    count = last - first
    d = np.empty(count * H, z.dtype)
    mine = G[first * n : last * n]
    for t in range(T - 1, stop - 1, -1):
        row = (t * B + first) * n
        for s in range(count):  # 3b
            dz_s, z_s = mine[s * n : (s + 1) * n], Z[row + s * n : row + (s + 1) * n]
            dl_s, both = DL[row + s * n : row + (s + 1) * n], inner(z_s, dz_s)
            for j in range(n):
                dl_s[j] = z_s[j] * (dz_s[j] - both)
        product(DL, row, n, 1, RF, 0, H, d, 0, H, count, H, n, 0)
        here = (t * B + first) * H
        if D.size:
            add(d, D[here : here + count * H])
        for layer in range(layers - 1, 0, -1):  # 2b
            up = layer * T * B * H + here
            activate_backward(function, d, Y[up : up + count * H], out[up : up + count * H], ceiling)
            product(out, up, H, 1, DF, (layer - 1) * H * H, H, d, 0, H, count, H, H, 0)
        activate_backward(function, d, Y[here : here + count * H], out[here : here + count * H], ceiling)  # 1b
        product(out, here, H, 1, UF, 0, n, mine, 0, n, count, n, H, 0)
        if K.size:
            masked(mine, 0, K, t * B + first, count, n, mine)
