"""From counts to a table of probabilities, in one pass over all orders."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .columns import Columns
from .counts import Counts
from .pruning import keep
from .smoothing import Block, Smoothing, adjusted_counts, check_prune
from .table import Table


def estimate(
    counts: Counts,
    smoothing: Smoothing,
    *,
    prune: Sequence[int] = (),
    dtype: str = "float32",
    columns: Columns | None = None,
) -> tuple[Table, list[str]]:
    """The table of a smoothing, and a note for each order whose discounts are not those of its formula.

    From the shortest n-grams up, P(w | h) = own(h w) + rest(h) · P(w | h'), h' being h without its first word; the
    lowest P is 1 / V. `prune`: n-grams of each order with a count up to this are left out, the last number holding for
    the higher orders; their share of the probability goes to rest(h), so that probabilities still sum to one. Raises
    UsageError for prune values that fall.
    """
    thresholds = check_prune(prune, counts.order)
    columns = columns or Columns()
    adjusted = adjusted_counts(counts, columns) if smoothing.continuation else counts.counts
    notes = smoothing.prepare(counts, adjusted)
    V = counts.vocabulary
    logp = columns.zeros(counts.levels[-1], dtype)
    backoff = columns.zeros(counts.levels[-2], dtype)
    lower, scale = np.full(1, 1 / V), np.ones(1)  # P and score sums of the order below
    for k in range(1, counts.order + 1):
        base, below = counts.levels[k - 1], counts.levels[k - 2] if k > 1 else 0
        p, sums = columns.zeros(counts.levels[k] - base, np.float64), columns.zeros(len(lower), np.float64)
        for contexts, ngrams, context_of in counts.blocks(k):
            suffix = counts.suffix[ngrams] - (counts.levels[k - 2] if k > 1 else 0)
            shorter = counts.suffix[contexts] - (counts.levels[k - 3] if k > 2 else 0)
            block = Block(
                order=k,
                counts=np.asarray(adjusted[ngrams]),
                kept=counts.counts[ngrams] > (thresholds[k - 1] if k > 1 else -1),
                starts=np.arange(ngrams.start, ngrams.stop) < counts.at_start(k).stop,
                context_of=context_of,
                contexts=contexts.stop - contexts.start,
                lower=lower[suffix],
                scale=scale[shorter],
                words=V,
            )
            shares = smoothing.unigrams(block) if k == 1 else smoothing.shares(block)
            rest = shares.rest + block.sum(shares.own * ~block.kept)
            rest[np.bincount(context_of, minlength=block.contexts) == 0] = 1.0  # a context without n-grams
            passed = rest[context_of] * block.lower
            probability = shares.own + passed if smoothing.interpolated else shares.own
            probability = np.where(block.kept, probability, passed)
            p[ngrams.start - base : ngrams.stop - base] = probability
            with np.errstate(divide="ignore"):
                logp[ngrams] = np.log(probability)
                if k > 1:
                    backoff[contexts] = np.log(rest)
            if shares.scale is not None:
                sums[contexts.start - below : contexts.stop - below] = shares.scale
        lower, scale = p, sums
    table = Table(counts.order, counts.levels, counts.words, counts.first, logp, backoff)
    if any(thresholds):
        kept = np.ones(counts.levels[-1], bool)
        for k in range(2, counts.order + 1):
            kept[counts.level(k)] = counts.counts[counts.level(k)] > thresholds[k - 1]
        table = keep(table, kept)
    return table, notes
