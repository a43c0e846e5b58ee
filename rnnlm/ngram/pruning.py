"""Smaller tables, without the n-grams that hardly change the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import UsageError
from ..ops import ops_for
from .table import Table

TINY = 1e-12  # of a probability that is left: less is rounding


def keep(table: Table, kept: np.ndarray) -> Table:
    """The table of the n-grams that are marked in kept (nodes,); the beginning of each must be marked too."""
    before = np.concatenate([[0], np.cumsum(kept)])  # (nodes + 1,) how many stay before each node
    contexts = kept[: table.levels[-2]]
    first = np.append(before[table.first[:-1][contexts]], before[-1])
    return Table(
        order=table.order,
        levels=tuple(int(before[level]) for level in table.levels),
        words=table.words[kept],
        first=first.astype(table.first.dtype),
        logp=table.logp[kept],
        backoff=table.backoff[contexts],
    )


def check_threshold(threshold: float, name: str = "threshold") -> None:
    """Raise UsageError for a threshold that is not a number >= 0; `name` is what the message calls it."""
    if not 0 <= threshold < np.inf:
        raise UsageError(f"{name}={threshold} is not possible. Give {name} >= 0, such as 1e-8.")


def entropy_prune(table: Table, threshold: float) -> Table:
    """The table without the n-grams whose absence raises the perplexity by less than a share of `threshold`.

    Leaving h w out moves its probability to the back-off weight: α(h) becomes α'(h), and the relative entropy is

        D = -P(h) { p(w|h) [log p(w|h') + log α'(h) - log p(w|h)] + (1 - Σ p(·|h)) [log α'(h) - log α(h)] }

    An n-gram is left out where exp(D) - 1 < threshold and no longer n-gram that stays begins with it, each judged as if
    it alone were left out. Then all back-off weights are computed again. Kneser–Ney tables lose more than others, for
    their lower orders are no probabilities of words (C. Chelba et al., Interspeech 2010). Raises UsageError for a
    negative threshold.

    A. Stolcke, "Entropy-based pruning of backoff language models", DARPA workshop 1998.
    """
    check_threshold(threshold)
    lower = _normalized(table)[1]
    context_logp = _context_logp(table)
    kept = np.ones(table.levels[-1], bool)
    for k in range(table.order, 1, -1):
        for contexts, ngrams, context_of in table.blocks(k):
            p, q = np.exp(table.logp[ngrams].astype(np.float64)), np.exp(lower[ngrams])
            size = contexts.stop - contexts.start
            left, left_below = (np.maximum(1 - np.bincount(context_of, part, size), 0.0)[context_of] for part in (p, q))
            with np.errstate(divide="ignore", invalid="ignore"):
                weight = np.log((left + p) / (left_below + q))  # log α' if this n-gram alone were left out
                change = np.where(left > TINY, left * (weight - table.backoff[contexts][context_of]), 0.0)
                loss = -np.exp(context_logp[contexts][context_of]) * (
                    p * (lower[ngrams] + weight - table.logp[ngrams]) + change
                )
            loss = np.maximum(loss, 0.0)  # less is rounding
            needed = ~(np.expm1(loss) < threshold)  # also where the loss is no number
            if k < table.order:
                begin, end = (int(table.first[node]) for node in (ngrams.start, ngrams.stop))
                children = np.diff(table.first[ngrams.start : ngrams.stop + 1])
                stay = np.bincount(np.repeat(np.arange(len(children)), children), kept[begin:end], len(children))
                needed |= stay > 0
            kept[ngrams] = needed
    table = keep(table, kept)
    return replace(table, backoff=_normalized(table)[0].astype(table.backoff.dtype))


def _context_logp(table: Table) -> np.ndarray:
    """log P of all words of each context together, (contexts,); `<s>` is as probable as `</s>`."""
    logp = table.logp[: table.levels[-2]].astype(np.float64)
    for k in range(2, table.order):
        for contexts, ngrams, context_of in table.blocks(k):
            logp[ngrams] += logp[contexts][context_of]
    return logp


def _normalized(table: Table) -> tuple[np.ndarray, np.ndarray]:
    """The back-off weights that make the table sum to one, and log P(w | h') of each n-gram h w by these weights.

    Computed from the shortest n-grams up, since the probabilities of shorter ones are looked up. `shorter` is the node
    of the longest n-gram h'' w in the table, h'' being h without some first words: where the search for P(w | h') ends.
    The search for an n-gram that h w begins starts from there.
    """
    ops = ops_for(table.logp)
    backoff = np.zeros(table.levels[-2])
    lower = np.zeros(table.levels[-1])
    shorter = np.full(table.levels[-1], -1, table.first.dtype)
    for k in range(2, table.order + 1):
        for contexts, ngrams, context_of in table.blocks(k):
            words = table.words[ngrams]
            longest = shorter[contexts][context_of]
            nodes, logp = np.full_like(longest, -1), np.zeros(len(longest))
            searching = np.arange(len(longest))
            while len(searching):
                context = longest[searching]
                child = np.where(
                    context < 0, words[searching], ops.children(table.words, table.first, context, words[searching])
                )
                found = child >= 0
                nodes[searching[found]] = child[found]
                logp[searching[found]] += table.logp[child[found]]
                searching, context = searching[~found], context[~found]
                logp[searching] += backoff[context]
                longest[searching] = shorter[context]
            shorter[ngrams], lower[ngrams] = nodes, logp
            size = contexts.stop - contexts.start
            p, q = (
                np.bincount(context_of, np.exp(part), size) for part in (table.logp[ngrams].astype(np.float64), logp)
            )
            empty = np.bincount(context_of, minlength=size) == 0
            with np.errstate(divide="ignore"):
                left, left_below = np.maximum(1 - p, 0.0), np.maximum(1 - q, 0.0)
                ratio = np.where(left > TINY, left, 0.0) / np.where(left_below > TINY, left_below, 1.0)
                backoff[contexts] = np.where(empty, 0.0, np.log(ratio))
    return backoff, lower
