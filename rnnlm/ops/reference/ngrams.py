"""Looking n-grams up in a trie, and back-off."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, ArrayOps


class NgramOps(ArrayOps):
    """Queries of an n-gram table (see `rnnlm.ngram.table`): contexts are nodes of its trie, -1 for one it lacks."""

    def children(self, words: Array, first: Array, nodes: Array, ids: Array) -> Array:
        """The child of each node for a word: nodes, ids (n,) -> (n,) nodes, -1 where there is none or either is -1.

        Binary search among the children first[node] … first[node + 1] - 1 of every node at once; these are sorted by
        word.
        """
        xp = self.xp
        known = (nodes >= 0) & (ids >= 0)
        at = xp.where(known, nodes, 0)
        low, end = first[at], first[at + 1]
        end = xp.where(known, end, low)
        high = end
        for _ in range(int((end - low).max(initial=0)).bit_length()):
            middle = (low + high) // 2
            less = (middle < high) & (words[xp.minimum(middle, len(words) - 1)] < ids)
            low, high = xp.where(less, middle + 1, low), xp.where(less, high, middle)
        is_child = (low < end) & (words[xp.minimum(low, len(words) - 1)] == ids)
        return xp.where(is_child, low, -1)

    def ngram_contexts(self, table: Any, x: np.ndarray, nodes: Array, keep: np.ndarray | None = None) -> Array:
        """The contexts after each word of a window: x (T, B), nodes (B, order - 1) before it -> (T, B, order - 1).

        Entry k is the node of the last k + 1 words. After `</s>`, word 0, the only context is the start of a sentence;
        where keep (T, B) is 0 what lies before the word is forgotten.
        """
        x = self.asarray(x)
        after = self.xp.full((*x.shape, table.order - 1), -1, dtype=table.first.dtype)
        if table.order == 1:
            return after
        after[..., 0] = x
        go_on = x != 0 if keep is None else (x != 0) & (self.asarray(keep) != 0)
        for k in range(1, table.order - 1):
            before = self.xp.concatenate([nodes[None, :, k - 1], after[:-1, :, k - 1]])
            before = self.xp.where(go_on, before, -1)
            after[..., k] = self.children(table.words, table.first, before.reshape(-1), x.reshape(-1)).reshape(x.shape)
        return after

    def ngram_logp(self, table: Any, contexts: Array, y: np.ndarray) -> Array:
        """log P(y | context), nats: contexts (n, order - 1), y (n,) -> (n,) float64; 0 where y is -1."""
        xp = self.xp
        y = self.asarray(y)
        logp = xp.where(y < 0, 0.0, table.logp[xp.maximum(y, 0)].astype(np.float64))
        for k in range(table.order - 1):
            context = contexts[:, k]
            node = self.children(table.words, table.first, context, y)
            passed = logp + xp.where((context < 0) | (y < 0), 0.0, table.backoff[xp.maximum(context, 0)])
            logp = xp.where(node < 0, passed, table.logp[xp.maximum(node, 0)])
        return logp

    def ngram_rows(self, table: Any, contexts: Array) -> Array:
        """log P of every word, nats: contexts (n, order - 1) -> (n, V) float64."""
        V = table.levels[1]
        rows = self.xp.empty((len(contexts), V), dtype=np.float64)
        for row, nodes in zip(rows, self.to_host(contexts), strict=True):
            nodes = nodes[nodes >= 0]
            # the back-off weights of all longer contexts, for each of these and for none
            passed = np.append(np.cumsum(self.to_host(table.backoff[nodes]).astype(np.float64)[::-1])[::-1], 0.0)
            row[:] = table.logp[:V] + passed[0]
            for node, rest in zip(nodes, passed[1:], strict=True):
                children = slice(int(table.first[node]), int(table.first[node + 1]))
                row[table.words[children]] = table.logp[children] + rest
        return rows
