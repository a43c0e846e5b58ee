"""Smaller tables: n-grams that hardly change the model are left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import UsageError
from ..ops import ops_for
from .table import Table

TINY = 1e-12  # of a probability that is left: less is rounding


def keep(table: Table, kept: np.ndarray) -> Table:
    """The table of the n-grams that are marked in kept (nodes,), which must hold the beginning of each one marked."""
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


def check_threshold(threshold: float) -> None:
    """UsageError for a share of the perplexity that is none."""
    if not 0 <= threshold < np.inf:
        raise UsageError(f"threshold={threshold} is not possible. Give a number >= 0, such as 1e-8.")


def entropy_prune(table: Table, threshold: float) -> Table:
    """The table without the n-grams whose absence raises the perplexity by less than a share of `threshold`.

    Leaving h w out moves its probability to the back-off weight: α(h) becomes α'(h), and the relative entropy
    D = -P(h) { p(w|h) [log p(w|h') + log α'(h) - log p(w|h)] + (1 - Σ p(·|h)) [log α'(h) - log α(h)] };
    it goes where exp(D) - 1 < threshold and no longer n-gram that stays begins with it, each judged as if it alone
    went. Then all weights are worked out again. A. Stolcke, "Entropy-based pruning of backoff language models", DARPA
    workshop 1998. Kneser–Ney tables lose more than others, for their lower orders are no probabilities of words (C.
    Chelba et al., Interspeech 2010). Raises UsageError for a negative threshold.
    """
    check_threshold(threshold)
    lower = _weighed(table)[1]
    chain = _chain(table)
    kept = np.ones(table.levels[-1], bool)
    for k in range(table.order, 1, -1):
        for contexts, ngrams, of in table.blocks(k):
            p, q = np.exp(table.logp[ngrams].astype(np.float64)), np.exp(lower[ngrams])
            size = contexts.stop - contexts.start
            left, left_below = (np.maximum(1 - np.bincount(of, part, size), 0.0)[of] for part in (p, q))
            with np.errstate(divide="ignore", invalid="ignore"):
                weight = np.log((left + p) / (left_below + q))  # α' if this one went
                change = np.where(left > TINY, left * (weight - table.backoff[contexts][of]), 0.0)
                loss = -np.exp(chain[contexts][of]) * (p * (lower[ngrams] + weight - table.logp[ngrams]) + change)
            loss = np.maximum(loss, 0.0)  # less is rounding
            needed = ~(np.expm1(loss) < threshold)  # also where the loss is no number
            if k < table.order:
                begin, end = (int(table.first[node]) for node in (ngrams.start, ngrams.stop))
                children = np.diff(table.first[ngrams.start : ngrams.stop + 1])
                stay = np.bincount(np.repeat(np.arange(len(children)), children), kept[begin:end], len(children))
                needed |= stay > 0
            kept[ngrams] = needed
    table = keep(table, kept)
    return replace(table, backoff=_weighed(table)[0].astype(table.backoff.dtype))


def _chain(table: Table) -> np.ndarray:
    """log P of each context's words, one after the other (contexts,); `<s>` is as probable as `</s>`."""
    chain = table.logp[: table.levels[-2]].astype(np.float64)
    for k in range(2, table.order):
        for contexts, ngrams, of in table.blocks(k):
            chain[ngrams] += chain[contexts][of]
    return chain


def _weighed(table: Table) -> tuple[np.ndarray, np.ndarray]:
    """(the back-off weights that make the table sum to one, log P(w | h') of each n-gram h w by these weights).

    From the shortest n-grams up, for what is looked up there is finished. The longest shorter n-gram of h w that the
    table has, where the search for its probability ends, is where the search of those that h w begins sets out.
    """
    ops = ops_for(table.logp)
    backoff = np.zeros(table.levels[-2])
    lower = np.zeros(table.levels[-1])
    shorter = np.full(table.levels[-1], -1, table.first.dtype)
    for k in range(2, table.order + 1):
        for contexts, ngrams, of in table.blocks(k):
            words = table.words[ngrams]
            at = shorter[contexts][of]
            found, logp = np.full_like(at, -1), np.zeros(len(at))
            open_ = np.arange(len(at))
            while len(open_):
                here = at[open_]
                child = np.where(here < 0, words[open_], ops.children(table.words, table.first, here, words[open_]))
                ended = child >= 0
                found[open_[ended]] = child[ended]
                logp[open_[ended]] += table.logp[child[ended]]
                open_, here = open_[~ended], here[~ended]
                logp[open_] += backoff[here]
                at[open_] = shorter[here]
            shorter[ngrams], lower[ngrams] = found, logp
            size = contexts.stop - contexts.start
            p, q = (np.bincount(of, np.exp(part), size) for part in (table.logp[ngrams].astype(np.float64), logp))
            empty = np.bincount(of, minlength=size) == 0
            with np.errstate(divide="ignore"):
                left, left_below = np.maximum(1 - p, 0.0), np.maximum(1 - q, 0.0)
                ratio = np.where(left > TINY, left, 0.0) / np.where(left_below > TINY, left_below, 1.0)
                backoff[contexts] = np.where(empty, 0.0, np.log(ratio))
    return backoff, lower
