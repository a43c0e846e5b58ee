"""How many tokens a figure is about, and how many it leaves out: said wherever a perplexity is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .console import bits, ppl

if TYPE_CHECKING:
    from ..evaluation import Perplexity
    from ..text import Corpus


def counts(tokens: int, scored: int, unknown: int, unit: str = "word") -> str:
    """The tokens of a text, and those of them that have no probability: "57 tokens, 2 unknown words left out".

    `unit` is what a token is called, as `Encoding.unit` says.
    """
    left_out = tokens - scored
    if not left_out:
        return _many(tokens, "token") + (f", {_many(unknown, f'unknown {unit}')}" if unknown else "")
    what = _many(left_out, f"unknown {unit}") if left_out == unknown else f"{left_out:,} of them"
    return f"{_many(tokens, 'token')}, {what} left out"


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def counts_of(perplexity: Perplexity) -> str:
    """The counts behind a perplexity."""
    return counts(perplexity.tokens, perplexity.scored, perplexity.unknown, perplexity.unit)


def left_out(tokens: int, scored: int, unknown: int, unit: str = "word") -> str:
    """Behind a figure that leaves tokens out, " (57 tokens, 2 unknown words left out)"; "" behind one of all tokens."""
    return f" ({counts(tokens, scored, unknown, unit)})" if scored < tokens else ""


def left_out_of(perplexity: Perplexity) -> str:
    """What `left_out` says of a perplexity."""
    return left_out(perplexity.tokens, perplexity.scored, perplexity.unknown, perplexity.unit)


def corpus_counts(corpus: Corpus) -> dict[str, Any]:
    """The counts of a text that a model of its encoding scores: `tokens`, `scored`, `unknown`, and the `unit`."""
    scored = len(corpus) - corpus.left_out
    return {"tokens": len(corpus), "scored": scored, "unknown": corpus.unknown, "unit": corpus.encoding.unit}


def perplexity_line(name: str, perplexity: Perplexity) -> str:
    """The perplexity of a part of the text, per what, and of how many tokens."""
    per = f"{bits(perplexity.bits_per_token)} bits/token"
    if perplexity.scored == perplexity.tokens:
        per += f", {bits(perplexity.bits_per_character)} bits/character"
    known = ""
    if perplexity.unknown and perplexity.scored == perplexity.tokens:
        known = f", perplexity {ppl(perplexity.nll_known)} without them"
    return f"{name} perplexity {ppl(perplexity.nll)} ({per}; {counts_of(perplexity)}{known})"
