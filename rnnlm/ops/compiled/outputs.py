"""The output layers: scores, and their gradients while a class's weights are still in the cache."""

from __future__ import annotations

import math

import numpy as np

from .elementwise import add, softmax
from .jit import kernel
from .product import dots, product


@kernel
def gather(h, order, rows, first, last):
    """rows[i] = h[order[i]] for first ≤ i < last."""
    H = h.shape[1]
    for i in range(first, last):
        for j in range(H):
            rows[i, j] = h[order[i], j]


@kernel
def score(rows, first, count, W, word, n, b, target, nll, order, d, place, gradient):
    """Softmax of `count` tokens over the n words from `word` on: adds -log P to nll, leaves P - 1[target] in d.

    rows (tokens, H) and W (words, H) flat; token i's target is target[i] - word, its place in nll order[i].
    """
    H = rows.shape[1]
    dots(rows.reshape(-1), first * H, H, W.reshape(-1), word * H, H, d, place, n, count, n, H)
    for i in range(count):
        mine = d[place + i * n : place + (i + 1) * n]
        add(mine, b[word : word + n])
        hit = target[first + i] - word
        logit = mine[hit]
        log_sum, top = softmax(mine)
        nll[order[first + i]] += log_sum - (logit - top)
        if gradient:
            mine[hit] -= 1


@kernel
def scatter(rows, order, first, last, dh):
    """dh[order[i]] = rows[i - first] for first ≤ i < last."""
    for i in range(first, last):
        for j in range(dh.shape[1]):
            dh[order[i], j] = rows[i - first, j]


@kernel
def softmax_nll(h, order, target, W, b, nll, rows, dh, d, first, last, gradient):
    """The full softmax for the tokens first…last of `order`; dh is empty without gradient."""
    V, H = W.shape
    count = last - first
    gather(h, order, rows, first, last)
    score(rows, first, count, W, 0, V, b, target, nll, order, d, first * V, gradient)
    if gradient:
        back = np.empty((count, H), h.dtype)
        product(d, first * V, V, 1, W.reshape(-1), 0, H, back.reshape(-1), 0, H, count, H, V, 0)
        scatter(back, order, first, last, dh)


@kernel
def class_softmax_nll(h, order, words, classes, groups, cW, cb, W, b, nll, rows, dh, dc, d, begin, end, gradient):
    """The class-factorized softmax for the groups begin…end, each the tokens of one class: see `Reference`.

    groups (G, 5): first token, last token, first word, last word, place in d.
    """
    C, H = cW.shape
    first, last = groups[begin, 0], groups[end - 1, 1]
    count = last - first
    gather(h, order, rows, first, last)
    D = dc.reshape(-1)
    score(rows, first, count, cW, 0, C, cb, classes, nll, order, D, first * C, gradient)  # 1: P(class)
    back = np.empty((count if gradient else 0, H), h.dtype)
    BF = back.reshape(-1)
    if gradient:
        product(D, first * C, C, 1, cW.reshape(-1), 0, H, BF, 0, H, count, H, C, 0)  # 1b
    for g in range(begin, end):
        one, two, word, beyond, place = groups[g, 0], groups[g, 1], groups[g, 2], groups[g, 3], groups[g, 4]
        n = beyond - word
        if n > 1:
            score(rows, one, two - one, W, word, n, b, words, nll, order, d, place, gradient)  # 2: P(word | class)
            if gradient:
                product(d, place, n, 1, W.reshape(-1), word * H, H, BF, (one - first) * H, H, two - one, H, n, 1)  # 2b
    if gradient:
        scatter(back, order, first, last, dh)


@kernel
def outer_rows(d, h, groups, g, r, count, out):
    """out (count, H) = rows r… of d_g' h_g: the gradient of `count` words of one class."""
    H = h.shape[1]
    first, last, word, beyond, place = groups[g, 0], groups[g, 1], groups[g, 2], groups[g, 3], groups[g, 4]
    n = beyond - word
    product(d, place + r, 1, n, h.reshape(-1), first * H, H, out, 0, H, count, H, last - first, 0)


@kernel
def column_totals(d, groups, scale, out):
    """out[word] += scale · Σ over the tokens of its class of d: the gradient of the biases."""
    for g in range(groups.shape[0]):
        first, last, word, beyond, place = groups[g, 0], groups[g, 1], groups[g, 2], groups[g, 3], groups[g, 4]
        n = beyond - word
        mine = out[word : word + n]
        for i in range(last - first):
            of_token = d[place + i * n : place + (i + 1) * n]
            for j in range(n):
                mine[j] += scale * of_token[j]


@kernel
def pick(P, u):
    """The first place at which the running sum of P exceeds u times the whole sum."""
    whole = 0.0
    for j in range(P.size):
        whole += P[j]
    running, goal = 0.0, u * whole
    for j in range(P.size):
        running += P[j]
        if running > goal:
            return j
    return P.size - 1


@kernel
def draw_word(P, b, u):
    """Logits P without their biases -> (place of the word drawn by u, its log P)."""
    add(P, b)
    softmax(P)
    place = pick(P, u)
    return place, math.log(P[place])


@kernel
def softmax_draw(h, u, W, b, ids, logp, first, last):
    """One of all words for each row of h from first to last: ids and log P."""
    V, H = W.shape
    logits = np.empty((last - first) * V, h.dtype)
    dots(h.reshape(-1), first * H, H, W.reshape(-1), 0, H, logits, 0, V, last - first, V, H)
    for i in range(first, last):
        ids[i], logp[i] = draw_word(logits[(i - first) * V : (i - first + 1) * V], b, u[i])


@kernel
def class_softmax_draw(h, u, start, cW, cb, W, b, ids, logp, first, last):
    """A class by u[i, 0], then a word of it by u[i, 1]."""
    C, H = cW.shape
    logits = np.empty((last - first) * C, h.dtype)
    dots(h.reshape(-1), first * H, H, cW.reshape(-1), 0, H, logits, 0, C, last - first, C, H)
    size = 0
    for c in range(C):
        size = max(size, start[c + 1] - start[c])
    of_class = np.empty(size, h.dtype)
    for i in range(first, last):
        c, p = draw_word(logits[(i - first) * C : (i - first + 1) * C], cb, u[i, 0])
        word, n = start[c], start[c + 1] - start[c]
        if n > 1:
            dots(h.reshape(-1), i * H, H, W.reshape(-1), word * H, H, of_class, 0, n, 1, n, H)
            place, more = draw_word(of_class[:n], b[word : word + n], u[i, 1])
            word, p = word + place, p + more
        ids[i], logp[i] = word, p


@kernel
def by_class(target, of, start, order, groups, counts):
    """A stable counting sort of the scored tokens by class; returns how many tokens and how many groups there are."""
    for n in range(target.size):
        if target[n] >= 0:
            counts[of[target[n]]] += 1
    tokens, g, place = 0, 0, 0
    for c in range(counts.size):
        count = counts[c]
        if count:
            words = start[c + 1] - start[c]
            groups[g, 0], groups[g, 1], groups[g, 2], groups[g, 3] = tokens, tokens + count, start[c], start[c + 1]
            groups[g, 4] = place
            place += count * words if words > 1 else 0
            counts[c] = tokens  # from here on: where the next token of the class goes
            tokens += count
            g += 1
    for n in range(target.size):
        if target[n] >= 0:
            c = of[target[n]]
            order[counts[c]] = n
            counts[c] += 1
    return tokens, g
