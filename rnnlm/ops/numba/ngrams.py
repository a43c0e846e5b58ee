"""Looking n-grams up in a trie."""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from .jit import kernel
from .threaded import ThreadedBackend, contiguous

MIN_LOOKUPS_PER_THREAD = 4000


@kernel
def children(words, first, nodes, ids, out, begin, end):
    """out[i]: the child of nodes[i] for the word ids[i], or -1; each node's children are sorted by word."""
    for i in range(begin, end):
        out[i] = -1
        node, word = nodes[i], ids[i]
        if node < 0 or word < 0:
            continue
        low, stop = first[node], first[node + 1]
        high = stop
        while low < high:
            middle = (low + high) // 2
            if words[middle] < word:
                low = middle + 1
            else:
                high = middle
        if low < stop and words[low] == word:
            out[i] = low


class Ngrams(ThreadedBackend):
    """Queries of an n-gram table."""

    def children(self, words: Array, first: Array, nodes: Array, ids: Array) -> Array:
        """`Reference.children`, a node after the other."""
        out = np.empty_like(nodes)
        parts = self._parts(len(nodes), MIN_LOOKUPS_PER_THREAD)
        self._run(children, parts, words, first, nodes, contiguous(ids, words.dtype), out)
        return out
