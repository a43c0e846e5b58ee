"""Confidence intervals of a perplexity, and the test whether two models differ on a text."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..errors import DataError, UsageError
from ..ops.threads import one_thread
from .perplexity import stream_perplexity
from .stream import Stream, require_same

BLOCK = 10  # sentences that are resampled together, since neighbours share their subject and a model's state
SAMPLES = 10_000  # resampled texts
LEVEL = 0.95  # of every interval; two models differ significantly where p < 1 - LEVEL
LARGEST = 700.0  # nats a token: exp of more than 709 overflows
CELLS = 4_000_000  # numbers in a matrix of resampled blocks: about 30 MB


@dataclass(frozen=True)
class Interval:
    """A figure of a text, and the interval that contains the figure of 95 % of the resampled texts."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """The comparison of two models a and b on one text.

    `names`       what messages call the models
    `a`, `b`      their perplexities
    `ratio`       PPL(a) / PPL(b)
    `difference`  PPL(a) - PPL(b)
    `nats`        the difference of the cross-entropies, H(a) - H(b), in nats a token
    `p`           the two-sided p value of the hypothesis that this difference is 0
    `blocks`      the number of blocks of the text
    `tokens`      the number of its scored tokens
    `left_out`    the number of its tokens that have no probability, such as unknown words
    """

    names: tuple[str, str]
    a: Interval
    b: Interval
    ratio: Interval
    difference: Interval
    nats: Interval
    p: float
    blocks: int
    tokens: int
    left_out: int

    @property
    def distinct(self) -> bool:
        """Whether the models differ significantly on this text: p < 0.05."""
        return self.p < 1 - LEVEL

    @property
    def verdict(self) -> str:
        """The result of the test as a sentence."""
        if self.distinct:
            better, worse = self.names if self.nats.value < 0 else self.names[::-1]
            return f"{better} is better than {worse}: chance alone would differ so much with p = {self.p:.2g}."
        if 2.0 ** (1 - self.blocks) >= 1 - LEVEL:
            return (
                f"{self.blocks} blocks are too few to tell any two models apart: p is at least "
                f"{2.0 ** (1 - self.blocks):g}. Give a longer text, or a smaller block."
            )
        return f"The text cannot tell {self.names[0]} and {self.names[1]} apart: p = {self.p:.2g}."

    def as_dict(self) -> dict[str, Any]:
        """Return every figure by name, as data that can be written as JSON."""
        return asdict(self) | {"distinct": self.distinct, "verdict": self.verdict}


def perplexity_interval(stream: Stream, *, block: int = BLOCK, samples: int = SAMPLES, seed: int = 1) -> Interval:
    """Return the perplexity of a text with its 95 % interval, by the block bootstrap (Efron & Tibshirani 1993).

    The text is cut into blocks of `block` consecutive sentences. Each of `samples` resampled texts has as many blocks,
    drawn with replacement, and its perplexity is exp(Σ nll / Σ tokens) over those; the interval goes from the 2.5 % to
    the 97.5 % quantile of these perplexities. It says what to expect of other texts of the same kind, not of training
    with other seeds. Raises DataError for fewer than 2 blocks, a token of probability zero, a perplexity that no number
    can hold, or no scored token; UsageError for a value out of range.
    """
    sums = _block_sums([stream], block)
    with one_thread(), np.errstate(over="ignore", invalid="ignore"):
        nll = _resampled_means(sums, samples, seed)[:, 0]
        return _interval(stream_perplexity(stream).ppl, np.exp(nll), f"the perplexity of {stream.model}")


def compare(a: Stream, b: Stream, *, block: int = BLOCK, samples: int = SAMPLES, seed: int = 1) -> Comparison:
    """Compare two models on a text by a paired test, since what is hard for one model is hard for the other.

    The intervals are those of `perplexity_interval`; for the ratio and the differences the same blocks are drawn for
    both models (Koehn 2004). The p value is that of approximate randomization (Noreen 1989): if the models were alike,
    the difference d_k = Σ nll(a) - Σ nll(b) of each block k could as well have the other sign, so

        p = (1 + #{random signs s: |Σ s_k d_k| >= |Σ d_k|}) / (1 + samples)

    Raises DataError as `require_same` and `perplexity_interval` do, UsageError for a value out of range.
    """
    require_same([a, b])
    sums = _block_sums([a, b], block)
    paired = np.insert(sums, 2, sums[:, 0] - sums[:, 1], axis=1)  # so that equal models differ by exactly 0
    first, second = stream_perplexity(a), stream_perplexity(b)
    with one_thread(), np.errstate(over="ignore", invalid="ignore"):
        nll_a, nll_b, nats = _resampled_means(paired, samples, seed).T
        return Comparison(
            names=(a.model, b.model),
            a=_interval(first.ppl, np.exp(nll_a), f"the perplexity of {a.model}"),
            b=_interval(second.ppl, np.exp(nll_b), f"the perplexity of {b.model}"),
            ratio=_interval(float(np.exp(first.nll - second.nll)), np.exp(nats), "the ratio of the perplexities"),
            difference=_interval(
                first.ppl - second.ppl, np.exp(nll_b) * np.expm1(nats), "the difference of the perplexities"
            ),
            nats=_interval(first.nll - second.nll, nats, "the difference of the cross-entropies"),
            p=_p_value(paired[:, 2], samples, seed),
            blocks=len(sums),
            tokens=first.scored,
            left_out=first.tokens - first.scored,
        )


def _block_sums(streams: list[Stream], block: int) -> np.ndarray:
    """Return (K, streams + 1): Σ nll of each stream and the number of scored tokens, for each block that has some."""
    if block < 1:
        raise UsageError(f"block={block} is too small. Give a number of sentences >= 1.")
    for stream in streams:
        figures = stream_perplexity(stream)  # a DataError where nothing is scored
        impossible = np.flatnonzero(np.isneginf(stream.logp))
        if len(impossible):
            word = stream.vocabulary.decode([stream.ids[impossible[0]]])[0]
            raise DataError(
                f"{stream.model} gives {len(impossible):,} tokens of {stream.text} the probability zero, first token "
                f"{impossible[0] + 1}, {word!r}: its perplexity is infinite on any text that has them, so there is no "
                "interval. Smooth the model, or mix it with another."
            )
        if figures.ppl == math.inf:
            raise DataError(
                f"{stream.model} has a cross-entropy of {figures.nll:.4g} nats a token on {stream.text}, whose "
                "perplexity is larger than any number, so there is no interval. Its weights are damaged, or its "
                "training diverged: train it again with a smaller learning rate."
            )
    first = streams[0]
    ends = first.ids == first.vocabulary.eos
    number = (np.cumsum(ends) - ends) // block  # (n,) the number of the block of each token
    columns = [-np.where(stream.scored, stream.logp, 0.0) for stream in streams]
    sums = np.stack([np.bincount(number, weights=column) for column in (*columns, first.scored)], axis=1)
    sums = sums[sums[:, -1] > 0]
    if len(sums) < 2:
        sentences = max(int(ends.sum()), 1)
        if sentences == 1:
            raise DataError(f"{first.text} is one sentence, and resampling needs at least 2. Give a longer text.")
        smaller = ", or a smaller block (block=1)" if block > 1 else ""
        raise DataError(
            f"{first.text} has {sentences:,} sentences, {len(sums)} block of {block} with scored words, and resampling "
            f"needs at least 2 blocks. Give a longer text{smaller}."
        )
    for place, stream in enumerate(streams):
        highest = float((sums[:, place] / sums[:, -1]).max())
        if not highest <= LARGEST:
            raise DataError(
                f"{stream.model} scores a block of {first.text} at {highest:.4g} nats a token, and a perplexity above "
                f"e^{LARGEST:g} is no number, so there is no interval. Such a model is spoiled: train it again."
            )
    return sums


def _resampled_means(sums: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """Return the cross-entropy of each stream on each resampled text: (samples, streams), nats a token."""
    if samples < 100:
        raise UsageError(f"samples={samples} are too few for a 95 % interval. Give at least 100, better 10000.")
    if seed < 0:
        raise UsageError(f"seed={seed} is not possible. Give a whole number >= 0.")
    K = len(sums)
    means = []
    for rows, rng in _chunks(samples, K, seed):
        drawn = rng.integers(K, size=(rows, K))
        drawn += K * np.arange(rows)[:, None]
        times = np.bincount(drawn.reshape(-1), minlength=rows * K).reshape(rows, K)  # how often each block is drawn
        totals = times.astype(float) @ sums
        means.append(totals[:, :-1] / totals[:, -1:])
    return np.concatenate(means)


def _p_value(differences: np.ndarray, samples: int, seed: int) -> float:
    # Signs that do not change the sum must count as reaching it, in whatever order the terms are added.
    bound = abs(differences.sum()) - 1e-12 * np.abs(differences).sum()
    reached = 0
    for rows, rng in _chunks(samples, len(differences), seed):
        signs = rng.integers(2, size=(rows, len(differences)), dtype=np.int8) * 2.0 - 1.0
        reached += int(np.count_nonzero(np.abs(signs @ differences) >= bound))
    return float((1 + reached) / (1 + samples))


def _chunks(samples: int, blocks: int, seed: int) -> Iterator[tuple[int, np.random.Generator]]:
    """Yield (number of resampled texts to draw together, the generator to draw them with) until there are `samples`."""
    rng = np.random.default_rng(seed)
    step = max(1, CELLS // blocks)
    for start in range(0, samples, step):
        yield min(step, samples - start), rng


def _interval(value: float, resampled: np.ndarray, what: str) -> Interval:
    """Return a figure with its interval. Raises DataError, naming `what` it is, where one of them overflows."""
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    if not np.isfinite([value, low, high]).all():
        raise DataError(
            f"{what} or its interval is larger than any number ({value:.4g}, from {low:.4g} to {high:.4g}), so nothing "
            "can be said of it. A model's weights are damaged, or its training diverged."
        )
    return Interval(value, float(low), float(high))
