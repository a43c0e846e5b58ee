"""An n-gram table made from n-grams in any order, as files of other programs hold them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..ops import ops_for
from .counts import BLOCK, Trie
from .table import Table


class Ngrams(NamedTuple):
    """Some n-grams of k words. Word 0 is as in the trie: `<s>` at the beginning, `</s>` elsewhere."""

    ids: np.ndarray  # (n, k)
    logp: np.ndarray  # (n,)
    backoff: np.ndarray  # (n,)


class DuplicateError(ValueError):
    """An n-gram that comes twice: row `row` of the n-grams of `k` words is the same as an earlier one."""

    def __init__(self, k: int, row: int) -> None:
        super().__init__(f"row {row} of the {k}-grams comes twice")
        self.k, self.row = k, row


def assemble(words: Ngrams, longer: Sequence[Ngrams]) -> Table:
    """The table of all words, in the order of their ids, and of the n-grams of 2, 3, … words, in any order.

    Where an n-gram h w is there without its beginning h, h is inserted with the probability and the back-off weight
    that it has by backing off, so no query changes. Level by level an n-gram is the pair (its beginning's node, last
    word) as one integer, and the level those integers sorted. Raises DuplicateError.
    """
    V, order = len(words.ids), 1 + len(longer)
    number = np.int32 if V + sum(n.ids.size for n in longer) < 2**31 else np.int64
    nodes = [ngrams.ids[:, 0].astype(np.int64) for ngrams in longer]  # of the first words of each, within their level
    parts, levels, first = [words], [0, V], []
    for k, ngrams in enumerate(longer, 2):
        # 1: the n-grams of this level, and the beginnings of longer ones that it lacks
        keys = [node * V + n.ids[:, k - 1] for node, n in zip(nodes[k - 2 :], longer[k - 2 :], strict=True)]
        in_file, at = np.unique(keys[0], return_inverse=True)
        if len(in_file) < len(at):
            raise DuplicateError(k, int(np.setdiff1d(np.arange(len(at)), np.unique(at, return_index=True)[1])[0]))
        places = [np.searchsorted(in_file, key) for key in keys[1:]]
        missing_keys = [key[~_has(in_file, place, key)] for place, key in zip(places, keys[1:], strict=True)]
        level = in_file
        if any(map(len, missing_keys)):
            level = np.union1d(in_file, np.concatenate(missing_keys))
            at = np.searchsorted(level, keys[0])
            places = [np.searchsorted(level, key) for key in keys[1:]]
        nodes[k - 1 :] = places
        # 2: what is known of them; nan is filled below
        parent, word = np.divmod(level, V)
        logp, backoff = np.full(len(level), np.nan, ngrams.logp.dtype), np.zeros(len(level), ngrams.backoff.dtype)
        logp[at], backoff[at] = ngrams.logp, ngrams.backoff
        parts.append(Ngrams(word, logp, backoff))
        size = np.bincount(parent, minlength=levels[-1] - levels[-2])
        first.append(levels[-1] + np.cumsum(size) - size)
        levels.append(levels[-1] + len(level))
    table = Table(
        order=order,
        levels=tuple(levels),
        words=np.concatenate([part.ids.reshape(-1) for part in parts]).astype(number),
        first=np.concatenate([*first, levels[-1:]]).astype(number),
        logp=np.concatenate([part.logp for part in parts]),
        backoff=np.concatenate([part.backoff[:0] if k == order else part.backoff for k, part in enumerate(parts, 1)]),
    )
    for k in range(2, order):
        missing = levels[k - 1] + np.flatnonzero(np.isnan(table.logp[table.level(k)]))
        for begin in range(0, len(missing), BLOCK):
            _back_off(table, missing[begin : begin + BLOCK], k)
    return table


def _has(values: np.ndarray, place: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Which of the keys are among the sorted values; `place` is what `np.searchsorted` returned for them."""
    if not len(values):
        return np.zeros(len(key), bool)
    return values[np.minimum(place, len(values) - 1)] == key


def _back_off(table: Table, nodes: np.ndarray, k: int) -> None:
    """Give n-grams of k words the probability that the table without them gives; those of shorter ones are complete."""
    ops, ids = ops_for(table.logp), spell(table, nodes, k).T
    none = ops.xp.full((len(nodes), table.order - 1), -1, dtype=table.first.dtype)
    contexts = ops.ngram_contexts(table, ids[:-1], none)[-1]
    begin = contexts[:, k - 2].copy()
    contexts[:, k - 2] = -1
    table.logp[nodes] = table.backoff[begin] + ops.ngram_logp(table, contexts, ids[-1])


def spell(trie: Trie, nodes: np.ndarray, k: int) -> np.ndarray:
    """The word ids of n-grams: nodes (n,) of level k -> ids (n, k)."""
    ids = np.empty((len(nodes), k), np.int64)
    for place in range(k - 1, 0, -1):
        ids[:, place] = trie.words[nodes]
        nodes = np.searchsorted(trie.first, nodes, "right") - 1  # the last node whose children begin no later
    ids[:, 0] = nodes
    return ids
