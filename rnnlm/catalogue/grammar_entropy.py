"""Length and entropy of a probabilistic context-free grammar, in closed form.

Let M[A, B] be the expected number of B on the right-hand side of A. Take a quantity that adds up over a derivation, and
let c[A] be the expected amount that one rewriting of A adds. The expected total x[A] of a derivation from A satisfies
x = c + M x, so x = (I - M)^-1 c. With the number of words on the right-hand side as quantity, this is the expected
length; with -log2 of the rule's probability, it is the entropy of the derivations. The totals are finite where the
spectral radius of M is below 1, and derivations then end with probability 1.

U. Grenander (1967), Syntax-controlled probabilities, Brown University; Z. Chi (1999), Statistical properties of
probabilistic context-free grammars, Computational Linguistics 25, 131-160.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from ..errors import DataError


class _Rule(Protocol):
    @property
    def symbols(self) -> tuple[str, ...]: ...
    @property
    def probability(self) -> float: ...


Rules = Mapping[str, Sequence[_Rule]]


def mean_matrix(rules: Rules) -> np.ndarray:
    """Return M, (nonterminals, nonterminals): M[A, B] is the expected number of B on the right-hand side of A."""
    index = {left: i for i, left in enumerate(rules)}
    mean = np.zeros((len(rules), len(rules)))
    for left, sides in rules.items():
        for side in sides:
            for symbol in side.symbols:
                if symbol in index:
                    mean[index[left], index[symbol]] += side.probability
    return mean


def _total(rules: Rules, start: str, amount: Callable[[_Rule], float]) -> float:
    cost = np.array([sum(side.probability * amount(side) for side in sides) for sides in rules.values()])
    return float(np.linalg.solve(np.eye(len(rules)) - mean_matrix(rules), cost)[list(rules).index(start)])


def mean_length(rules: Rules, start: str) -> float:
    """Return the expected number of words in a sentence that is derived from `start`."""
    return _total(rules, start, lambda side: sum(symbol not in rules for symbol in side.symbols))


def derivation_entropy(rules: Rules, start: str) -> float:
    """Return the entropy of the derivations in bits: that of the sentences, if no sentence has two derivations."""
    return _total(rules, start, lambda side: -math.log2(side.probability))


def is_finite(rules: Rules) -> bool:
    """Return whether the language is finite: no nonterminal can be derived from itself."""
    return not np.linalg.matrix_power(mean_matrix(rules) > 0, len(rules)).any()


def language(rules: Rules, start: str) -> dict[tuple[str, ...], float]:
    """Return every sentence of a finite language with its probability, summed over the derivations of the sentence."""
    expansions: dict[str, dict[tuple[str, ...], float]] = {}

    def expand(symbol: str) -> dict[tuple[str, ...], float]:
        if symbol not in rules:
            return {(symbol,): 1.0}
        if symbol not in expansions:
            expansion: dict[tuple[str, ...], float] = {}
            for side in rules[symbol]:
                strings: dict[tuple[str, ...], float] = {(): side.probability}
                for part in side.symbols:
                    longer: dict[tuple[str, ...], float] = {}
                    for left, p in strings.items():
                        for right, q in expand(part).items():
                            longer[left + right] = longer.get(left + right, 0.0) + p * q
                    strings = longer
                for string, p in strings.items():
                    expansion[string] = expansion.get(string, 0.0) + p
            expansions[symbol] = expansion
        return expansions[symbol]

    return expand(start)


def string_entropy(sentences: Mapping[tuple[str, ...], float]) -> float:
    """Return the entropy of a distribution over sentences, in bits."""
    return -math.fsum(p * math.log2(p) for p in sentences.values())


def check(rules: Rules, name: str) -> None:
    """Raise DataError for a cycle of nonterminals that rename each other, or sentences that need not end."""
    renames = mean_matrix({a: [side for side in sides if len(side.symbols) == 1] for a, sides in rules.items()})
    if np.linalg.matrix_power(renames > 0, len(rules)).any():
        raise DataError(f"grammar {name}: nonterminals rename each other in a circle; take one of these rules out.")
    radius = float(np.max(np.abs(np.linalg.eigvals(mean_matrix(rules)))))
    if radius >= 1 - 1e-9:
        raise DataError(
            f"grammar {name}: its sentences grow for ever (spectral radius {radius:.3g}; it must be below 1). "
            f"Give the recursive rules less weight."
        )
