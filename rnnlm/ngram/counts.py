"""Counts of all n-grams of a text up to an order, as a trie in a few flat arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from .columns import Column, Columns
from .runs import merge, sorted_run

CHUNK = 1 << 24  # tokens that are sorted at a time
BLOCK = 1 << 17  # n-grams that are worked on at a time


@dataclass(frozen=True)
class Trie:
    """Which n-grams there are: nodes of a tree, level by level, a level sorted by (parent, word).

    Level k holds the n-grams of k words, from `levels[k - 1]` to `levels[k]`; the nodes 0 … V - 1 of level 1 are the
    words themselves. Node i stands for the n-gram of its parent followed by `words[i]`; its children are the nodes
    `first[i]` … `first[i + 1]` - 1 (of the last level there are none, and `first` ends before it). Word 0 at the
    beginning of an n-gram is the start of a sentence, at its end `</s>`.
    """

    order: int
    levels: tuple[int, ...]  # (order + 1,), from 0
    words: np.ndarray
    first: np.ndarray

    def level(self, k: int) -> slice:
        """The nodes of the n-grams of k words, as a slice."""
        return slice(self.levels[k - 1], self.levels[k])

    def blocks(self, k: int, block: int = BLOCK) -> Iterator[tuple[slice, slice, np.ndarray]]:
        """Level k in pieces of about `block` n-grams, each as (contexts, ngrams, context_of).

        `contexts` are nodes of level k - 1, `ngrams` all their children, both as slices; context_of (n-grams,) says
        which of these contexts each n-gram has, from 0. For k = 1 the one context is the empty one, slice(0, 1).
        """
        if k == 1:
            yield slice(0, 1), self.level(1), np.zeros(self.levels[1], np.int64)
            return
        node, end = self.levels[k - 2], self.levels[k - 1]
        while node < end:
            begin = int(self.first[node])
            bound = self.first.dtype.type(begin + block)  # of the same type: else the whole array would be converted
            stop = max(node + 1, int(np.searchsorted(self.first[node : end + 1], bound, "right")) + node - 1)
            sizes = np.diff(self.first[node : stop + 1])
            yield slice(node, stop), slice(begin, int(self.first[stop])), np.repeat(np.arange(stop - node), sizes)
            node = stop


@dataclass(frozen=True)
class Counts(Trie):
    """A trie with the counts of its n-grams.

    `counts`: how often the text has each n-gram. `suffix`: the node of each n-gram of two words or more without its
    first word (0 for single words).
    """

    counts: np.ndarray
    suffix: np.ndarray

    @property
    def vocabulary(self) -> int:
        """V, the number of words."""
        return self.levels[1]

    def at_start(self, k: int) -> slice:
        """The nodes of the n-grams of k words that begin a sentence: the first ones of level k, none for k = 1."""
        node = begin = 0
        for _ in range(k - 1):
            begin, node = int(self.first[begin]), int(self.first[node + 1]) - 1
        return slice(begin, node + 1) if k > 1 else slice(0, 0)


def check_order(order: int) -> None:
    """Raise UsageError for an order below 1."""
    if order < 1:
        raise UsageError(f"order={order} is not possible. Give the number of words in an n-gram, 1 or more.")


def count(ids: np.ndarray, words: int, order: int, *, chunk: int = CHUNK, columns: Columns | None = None) -> Counts:
    """Count the n-grams of 1 … `order` words of a text: ids (n,), 0 is `</s>`, -1 a word that breaks every n-gram.

    A sentence begins after each `</s>`, and n-grams do not reach beyond it; one that begins with the sentence begins
    with word 0. For each order in turn, an n-gram is the pair (n-gram of all words but the last, last word), packed
    into one integer; so counting is the sorting of integers, in runs of `chunk` tokens which are merged. With `columns`
    in a folder the runs and the counts are files there, and memory holds one chunk. Raises UsageError for order < 1.
    """
    check_order(order)
    columns = columns or Columns()
    number = np.dtype(np.int32 if len(ids) * order + words < 2**31 else np.int64)
    collected = {name: columns.new(number) for name in ("words", "counts", "suffix")}
    collected["words"].append(np.arange(words))
    collected["counts"].append(np.bincount(ids[ids >= 0], minlength=words))
    collected["suffix"].append(np.zeros(words))
    first, levels = columns.new(number), [0, words]
    nodes = columns.new(number)  # of the n-gram of k words that ends at each token, -1 where a sentence is too short
    nodes.append(ids)
    for k in range(2, order + 1):
        chunks = [slice(a, min(a + chunk, len(ids))) for a in range(0, len(ids), chunk)]
        runs = [sorted_run(*_keys(ids, nodes.array(), part, k, levels), columns, k < order) for part in chunks]
        parents = columns.new(number)

        def take(keys: np.ndarray, counts: np.ndarray, suffix: np.ndarray, parents: Column = parents) -> None:
            parent, word = np.divmod(keys, words)
            parents.append(parent)
            for name, values in (("words", word), ("counts", counts), ("suffix", suffix)):
                collected[name].append(values)

        numbers = merge(runs, columns, chunk, take)
        size = np.bincount(parents.array(), minlength=levels[-1] - levels[-2])
        first.append(levels[-1] + np.cumsum(size) - size)
        nodes.remove()
        nodes = columns.new(number)
        for run, of in zip(runs, numbers, strict=True) if k < order else ():
            place = run.place.array()
            among = place if of is None else of.array()[place] if len(of.array()) else place
            nodes.append(np.where(place < 0, -1, levels[-1] + among))
        for column in (parents, *(of for of in numbers if of is not None), *(column for run in runs for column in run)):
            column.remove()
        levels.append(levels[-1] + int(size.sum()))
    first.append(np.array([levels[-1]]))
    nodes.remove()
    arrays = {name: column.array() for name, column in collected.items()}
    return Counts(order=order, levels=tuple(levels), first=first.array(), **arrays)


def _keys(ids: np.ndarray, nodes: np.ndarray, part: slice, k: int, levels: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """(keys, suffixes) of the n-grams of k words that end at the tokens of a part: (parent, word) packed, or -1.

    The parent is the n-gram of k - 1 words that ends one token earlier. Where that token ends a sentence, the only
    context is the start of a sentence, word 0.
    """
    keys = np.empty(part.stop - part.start, np.int64)
    last = np.empty(len(keys), ids.dtype)
    keys[0] = nodes[part.start - 1] if part.start else 0 if k == 2 else -1
    last[0] = ids[part.start - 1] if part.start else 0
    keys[1:], last[1:] = nodes[part.start : part.stop - 1], ids[part.start : part.stop - 1]
    word = ids[part]
    unknown = (keys < 0) | (word < 0)
    if k > 2:
        unknown |= last == 0
    keys -= levels[-2]
    keys *= levels[1]
    keys += word
    keys[unknown] = -1
    return keys, np.asarray(nodes[part])
