"""Looking n-grams up in a trie."""

from __future__ import annotations

from .jit import kernel


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
