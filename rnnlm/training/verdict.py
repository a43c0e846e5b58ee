"""Whether a language model came out worse than what needs no training, and what to try then."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..evaluation.baselines import Baselines

SHORT = 1000  # updates: a run of fewer may just not have got beyond the words' frequencies, where it began
MARGIN = 0.005  # nats, half a per cent of the perplexity: less is no reason for a warning
UNBOUNDED = ("relu", "clipped_relu", "leaky_relu", "elu")


@dataclass(frozen=True)
class Verdict:
    """A validation figure beside the baselines, all in nats a token. `advice` is what to try, in the best order.

    `unit` is what a token is called, as `Encoding.unit` says.
    """

    nll: float
    unigram: float
    uniform: float
    advice: str
    unit: str = "word"

    @classmethod
    def of(
        cls,
        nll: float,
        text: Baselines,
        settings: Any,
        *,
        lr: float,
        updates: int,
        activation: str | None = None,
        unit: str = "word",
    ) -> Verdict:
        """The verdict on a run with the `settings`, `updates` long, at the rate `lr`."""
        more = "a larger `max_updates`" if settings.max_updates else "more `epochs`"
        slower = f"lr={float(f'{lr / 3:.1g}'):g}"
        too_short = nll < text.uniform and updates < SHORT
        ways = [more, slower] if too_short else [slower, more]
        ways.append("clip=1" if settings.clip is None or settings.clip > 1 else "a smaller `clip`")
        if activation in UNBOUNDED:
            ways.append('activation="tanh"')
        return cls(nll, text.unigram, text.uniform, ", then ".join(ways), unit)

    @property
    def is_hopeless(self) -> bool:
        """Whether equal probabilities for all words are better; so they are where the figure is not a number."""
        return not self.nll < self.uniform + MARGIN

    @property
    def text(self) -> str:
        """The verdict as a warning of one line; empty where the model is better than the unigrams."""
        if self.is_hopeless:
            better, baseline = self.uniform, f"that of equal probabilities for all {self.unit}s"
        elif not self.nll < self.unigram + MARGIN:
            better = self.unigram
            baseline = f"that of the unigram model, which knows only how frequent each {self.unit} is"
        else:
            return ""
        return f"validation perplexity {_ppl(self.nll)} is worse than {_ppl(better)}, {baseline}. Try {self.advice}."

    def as_dict(self) -> dict[str, Any]:
        """The figures by name, and `text`, as JSON has them."""
        return {name: getattr(self, name) for name in ("nll", "unigram", "uniform", "text")}


def _ppl(nll: float) -> str:
    return f"{math.exp(nll):.2f}" if nll < 30 else f"e^{nll:.4g}"
