"""The order of the examples in an epoch: shuffled within each class, the classes spread evenly.

After any m examples of the epoch each class has had its share of m, rounded up or down: |count − m·n/N| < 1 for
a class with n of the N examples. A mini-batch anywhere in the epoch then mirrors the shares to less than 2 examples,
and to less than 1 where all classes have the same number.

G. Steiner & J. S. Yeomans (1993), Level schedules for mixed-model, just-in-time processes, Management Science 39:
the k-th example of a class may come at places from (k−1)·N/n on and must come before k·N/n, and always taking the one
with the earliest deadline succeeds.
"""

from __future__ import annotations

import heapq

import numpy as np


def epoch_order(y: np.ndarray, seed: int, epoch: int, *, balance: bool = False) -> np.ndarray:
    """The places (N,) of the examples with the class ids y (N,) in the order of this epoch.

    Each example comes once. With `balance` every class that occurs comes equally often, ± 1, in the same N steps: the
    examples of a rare class come several times, none of them twice before all have come once, and some examples of a
    frequent class wait for another epoch. The result depends on the arguments alone, so a resumed run needs no state.
    """
    rng = np.random.default_rng([seed, epoch])
    present, counts = np.unique(y, return_counts=True)
    ranks = rng.permutation(len(present))  # which class comes first where two could: another one in every epoch
    members = np.split(np.argsort(y, kind="stable"), np.cumsum(counts)[:-1])
    if balance:
        counts = len(y) // len(present) + (ranks < len(y) % len(present))
    chosen = [_draw(places, count, rng) for places, count in zip(members, counts.tolist(), strict=True)]
    order = np.empty(len(y), dtype=np.int64)
    classes = spread(counts, ranks)
    for i, places in enumerate(chosen):
        order[classes == i] = places
    return order


def _draw(places: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` of the places, shuffled; each one comes again only after all others have."""
    rounds = -(-count // len(places))
    return np.concatenate([rng.permutation(places) for _ in range(rounds)])[:count] if rounds else places[:0]


def spread(counts: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """The class (N,) at each place of an epoch in which class i comes counts[i] times; the lower rank breaks ties."""
    total = int(counts.sum())
    released: list[list[tuple[int, int, int]]] = [[] for _ in range(total)]
    for i, count in enumerate(counts.tolist()):
        for k in range(count):
            deadline = -(-(k + 1) * total // count)  # the first number of examples that must include it
            released[k * total // count].append((deadline, int(ranks[i]), i))
    waiting: list[tuple[int, int, int]] = []
    classes = np.empty(total, dtype=np.int64)
    for place, jobs in enumerate(released):
        for job in jobs:
            heapq.heappush(waiting, job)
        classes[place] = heapq.heappop(waiting)[-1]
    return classes
