"""N-gram counts and modified Kneser–Ney smoothing with dictionaries of tuples, from the papers: slow and obvious.

A sentence is `<s> w1 … wn </s>`. Word 0 at the beginning of an n-gram, or of a history, is `<s>`, at the end of an
n-gram it is `</s>`; -1 is a word that no n-gram holds. S. F. Chen and J. Goodman, "An empirical study of smoothing
techniques for language modeling", TR-10-98, Harvard, 1998; K. Heafield and others, "Scalable modified Kneser-Ney
language model estimation", ACL 2013 (what the pruned n-grams owned goes to the shorter history).
"""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from functools import cache
from itertools import product

import numpy as np

from rnnlm.models import NgramLM
from rnnlm.text import Corpus, Vocabulary


def ngrams(ids, order):
    """The n-grams of 1 … order words that end at each token."""
    before = (0,)
    for word in map(int, ids):
        if word < 0:
            before = ()
            continue
        for k in range(min(order - 1, len(before)) + 1):
            yield (*before[len(before) - k :], word)
        before = (0,) if word == 0 else (*before, word)


def histories(words, longest):
    """Every history of 0 … longest words, by length: `<s>` stands at its beginning or nowhere."""
    found = [[()]]
    for length in range(1, longest + 1):
        found.append([h for h in product(range(words), repeat=length) if 0 not in h[1:]])
    return found


def probabilities(lm, longest):
    """P(w | h) of a model: {h: (V,)} for every history up to this length."""
    found = {}
    for some in histories(len(lm.vocabulary), longest):
        if not some:
            continue
        x = np.array([h or (-1,) for h in some]).T  # an unknown word leaves no history
        logp, _ = lm.distributions(x, lm.start(len(some)))
        found.update(zip(some, np.exp(logp[-1]), strict=True))
    return found


def corpus(ids, words):
    """The text of these ids with a vocabulary of so many words, none of them `<unk>`."""
    vocabulary = Vocabulary(["</s>", *(f"w{i}" for i in range(1, words))], [1] * words)
    return Corpus(np.array(ids, np.int32), vocabulary, name="small")


def random_text(seed, words, tokens, sentence=6, unknown=0.0, end=True):
    """ids (tokens,) in which frequent words, short sentences (empty ones too) and repetitions are common."""
    rng = np.random.default_rng(seed)
    ids = np.minimum(rng.zipf(1.4, tokens), words - 1)
    ids[rng.random(tokens) < 1 / sentence] = 0
    if tokens > 10:
        ids[3:5] = 0
        ids[-5:] = ids[5:10]
    ids[rng.random(tokens) < unknown] = -1
    ids[-1] = 0 if end else max(1, words - 1)
    return ids.astype(np.int32)


def train(text, words, order, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return NgramLM.train(corpus(text, words), order=order, dtype="float64", **options)


def agree(lm, longest, p):
    """All probabilities are those of p(word, history), and sum to one."""
    found = probabilities(lm, longest)
    expected = np.array([[p(w, h) for w in range(len(lm.vocabulary))] for h in found])
    ours = np.array(list(found.values()))
    np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(ours.sum(1), 1, rtol=1e-12)


def discounts_of(adjusted):
    """(D1, D2, D3+) and whether they are the formula's. The stand-ins are those that the program states."""
    n1, n2, n3, n4 = (sum(1 for a in adjusted if a == i) for i in (1, 2, 3, 4))
    if n1 and n2:
        y = n1 / (n1 + 2 * n2)
        if n3:
            d1, d2, d3 = 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3
            if 0 < d1 <= 1 and 0 < d2 <= 2 and 0 < d3 <= 3:
                return (d1, d2, d3), True
        return (y, y, y), False
    return (0.5, 1.0, 1.5), False


class KneserNey:
    """P(w | h) by interpolated modified Kneser–Ney; n-grams of k words that occur up to prune[k - 1] times are out."""

    def __init__(self, ids, words, order, prune=None):
        self.words, self.order = words, order
        self.counts = Counter(ngrams(ids, order))
        left = defaultdict(set)
        for gram in self.counts:
            if len(gram) > 1:
                left[gram[1:]].add(gram[0])
        whole = {g for g in self.counts if len(g) == order or (len(g) > 1 and g[0] == 0)}
        self.adjusted = {g: n if g in whole else max(1, len(left[g])) for g, n in self.counts.items()}
        by_order = [[a for g, a in self.adjusted.items() if len(g) == k] for k in range(1, order + 1)]
        self.discounts, self.regular = zip(*map(discounts_of, by_order), strict=True)
        self.pruned = {g for g, n in self.counts.items() if prune and n <= prune[len(g) - 1]}
        self.after = defaultdict(list)
        for gram in self.counts:
            self.after[gram[:-1]].append(gram)
        self.p = cache(self._p)

    def _p(self, word, history):
        history = history[max(0, len(history) - self.order + 1) :]
        lower = self.p(word, history[1:]) if history else 1 / self.words
        grams = self.after.get(history, [])
        if not grams:
            return lower
        total = sum(self.adjusted[g] for g in grams)
        discount = {g: self.discounts[len(g) - 1][min(3, self.adjusted[g]) - 1] for g in grams}
        own = {g: (self.adjusted[g] - discount[g]) / total for g in grams}
        rest = sum(discount.values()) / total + sum(own[g] for g in grams if g in self.pruned)
        gram = (*history, word)
        return rest * lower + (own[gram] if gram in own and gram not in self.pruned else 0)
