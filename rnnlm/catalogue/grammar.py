"""Artificial languages: probabilistic context-free grammars whose best possible perplexity is known."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from ..errors import DataError, UsageError, unknown_name
from . import grammar_entropy
from .data import corpora_folder, read_toml


class Rule(NamedTuple):
    """One right-hand side of a nonterminal, and its probability."""

    symbols: tuple[str, ...]
    probability: float


class Grammar:
    """A probabilistic context-free grammar: every nonterminal has weighted right-hand sides of one or more symbols.

    `rules`   nonterminal -> list of `Rule`; a symbol without rules is a word
    `stream`  sentences run together in one long line, as Elman fed them to his networks; else one sentence a line
    `unambiguous`  why no sentence has two derivations; an entropy of an infinite language rests on it

    Weights are divided by their sum. Raises DataError for a grammar without a start, with an empty right-hand side,
    with a weight that is not above 0, with nonterminals that only rename each other in a circle, or whose sentences
    do not end with probability 1.
    """

    def __init__(
        self,
        rules: Mapping[str, Mapping[str, float]],
        start: str,
        *,
        name: str = "grammar",
        title: str = "",
        reference: str = "",
        stream: bool = False,
        unambiguous: str = "",
    ) -> None:
        self.name, self.title, self.reference = name, title, reference
        self.start, self.stream, self.unambiguous = start, stream, unambiguous
        if start not in rules:
            raise DataError(f"grammar {name}: the start {start!r} has no rules; it has {', '.join(rules)}.")
        self.rules: dict[str, list[Rule]] = {}
        for left, sides in rules.items():
            total = sum(sides.values())
            for side, weight in sides.items():
                if not side.split() or not (math.isfinite(weight) and weight > 0):
                    raise DataError(
                        f"grammar {name}: {left} -> {side!r} with weight {weight}; "
                        f"a right-hand side needs a symbol and a weight above 0."
                    )
            self.rules[left] = [Rule(tuple(side.split()), weight / total) for side, weight in sides.items()]
        grammar_entropy.check(self.rules, name)

    @classmethod
    def load(cls, name: str) -> Grammar:
        """Read corpora/grammars/NAME.toml. Raises UsageError for an unknown name, listing the known."""
        folder = corpora_folder() / "grammars"
        known = sorted(path.stem for path in folder.glob("*.toml"))
        if name not in known:
            raise UsageError(unknown_name(f"the grammar {name!r}", name, known))
        data = read_toml(folder / f"{name}.toml")
        rules, start = data.pop("rules"), data.pop("start")
        return cls(rules, start, name=name, **data)

    @cached_property
    def words(self) -> list[str]:
        """The words of the language, in the order of the rules."""
        symbols = (symbol for sides in self.rules.values() for side in sides for symbol in side.symbols)
        return list(dict.fromkeys(symbol for symbol in symbols if symbol not in self.rules))

    def generate(self, sentences: int, seed: int) -> list[list[str]]:
        """Return random sentences, each a list of words; the same seed gives the same sentences."""
        if sentences < 0:
            raise UsageError(f"sentences={sentences}; give 0 or more.")
        rng = np.random.default_rng(seed)
        bounds = {left: list(accumulate(side.probability for side in sides)) for left, sides in self.rules.items()}
        return [self._sentence(rng, bounds) for _ in range(sentences)]

    def _sentence(self, rng: np.random.Generator, bounds: dict[str, list[float]]) -> list[str]:
        words: list[str] = []
        waiting = [self.start]  # the leftmost symbol lies on top
        while waiting:
            symbol = waiting.pop()
            sides = self.rules.get(symbol)
            if sides is None:
                words.append(symbol)
            else:
                # The last bound may be a hair below 1.
                chosen = min(bisect(bounds[symbol], rng.random()), len(sides) - 1) if len(sides) > 1 else 0
                waiting.extend(reversed(sides[chosen].symbols))
        return words

    def text(self, sentences: int, seed: int) -> str:
        """Return random sentences as a text for the tokenizer `words`: one a line, or all in one line for a stream."""
        lines = [" ".join(sentence) for sentence in self.generate(sentences, seed)]
        return (" " if self.stream else "\n").join(lines) + "\n" if lines else ""

    def logprob(self, tokens: Sequence[str]) -> float:
        """Return the natural logarithm of a sentence's probability, summed over its derivations; -inf if it has none.

        `tokens` is one sentence without `</s>`. This is the inside algorithm (Baker 1979), cubic in the length.
        """

        @cache
        def inside(symbols: tuple[str, ...], start: int, stop: int) -> float:
            if len(symbols) > 1:
                left, rest = symbols[:1], symbols[1:]
                cuts = range(start + 1, stop - len(rest) + 1)
                return math.fsum(p * inside(rest, cut, stop) for cut in cuts if (p := inside(left, start, cut)))
            sides = self.rules.get(symbols[0])
            if sides is None:
                return float(stop == start + 1 and tokens[start] == symbols[0])
            return math.fsum(side.probability * inside(side.symbols, start, stop) for side in sides)

        probability = inside((self.start,), 0, len(tokens)) if tokens else 0.0
        return math.log(probability) if probability else -math.inf

    def mean_length(self) -> float:
        """Return the expected number of words in a sentence, without `</s>`."""
        return grammar_entropy.mean_length(self.rules, self.start)

    def entropy(self) -> float:
        """Return the entropy of the sentences in bits a sentence.

        A finite language is enumerated, and derivations of the same sentence are added up. The entropy of an infinite
        one is that of its derivations. Raises DataError where that could be too high, the grammar not being marked
        unambiguous.
        """
        if grammar_entropy.is_finite(self.rules):
            return grammar_entropy.string_entropy(grammar_entropy.language(self.rules, self.start))
        if not self.unambiguous:
            raise DataError(f"grammar {self.name} does not say why it is unambiguous, so its entropy is not known.")
        return grammar_entropy.derivation_entropy(self.rules, self.start)

    def perplexity(self) -> float:
        """Return the perplexity per token of a model that knows the grammar: no model can do better on average.

        2^(bits a sentence / tokens a sentence); a sentence on a line of its own has its `</s>` as a token. For a stream
        the grammar file says why the sentences can be told apart; were that not so, this would be too high.
        """
        return 2.0 ** (self.entropy() / (self.mean_length() + (not self.stream)))
