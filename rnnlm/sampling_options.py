"""The options of `rnnlm.sample` and of the command `rnnlm sample`."""

from __future__ import annotations

from dataclasses import dataclass

from .options import option

MAX_SENTENCE = 100  # words at which a sample without a length stops if no sentence end comes


@dataclass(frozen=True, kw_only=True)
class SamplingOptions:
    """How words are drawn from a model; `rnnlm.sample` says what each option does."""

    temperature: float = option(
        1.0, "P^(1/temperature); 0 takes the likeliest word.", metavar="X", least=0, names=("-t",)
    )
    top_k: int | None = option(None, "Only the K likeliest words.", metavar="K", least=1)
    top_p: float | None = option(None, "Only the fewest words with probability P in all.", metavar="P", above=0, most=1)
    seed: int | None = option(None, "Same seed, same texts.", metavar="N", least=0)
    burn_in: bool | None = option(
        None, "First draw a sentence and throw it away.", usual="without a prompt", fallback=True
    )
    unknown: bool = option(False, "Let <unk> be drawn.")
