"""The smoothings that nltk.lm has too, fed with the same n-grams: every probability."""

from __future__ import annotations

import nltk.lm
import numpy as np
import pytest
from ngram_reference import agree, ngrams, probabilities, random_text, train
from nltk.lm import smoothing as nltk_smoothing

NLTK_TEXT, NLTK_WORDS = random_text(21, 6, 150), 6


def nltk_model(kind, order, *arguments, **options):
    """nltk's model of our n-grams: ids as strings, one `<s>` (here "0") before a sentence and no other padding."""
    counter = nltk.lm.NgramCounter([[tuple(map(str, gram)) for gram in ngrams(NLTK_TEXT, order)]])
    vocabulary = nltk.lm.Vocabulary([str(w) for w in range(NLTK_WORDS)])
    model = kind(*arguments, order, vocabulary=vocabulary, counter=counter, **options)
    assert len(model.vocab) == NLTK_WORDS + 1  # nltk adds its <UNK>, which ours has not
    return model


def nltk_score(model, word, history):
    """S(word | history); the shorter history where the text lacks this one."""
    history = tuple(map(str, history[max(0, len(history) - model.order + 1) :]))
    return model.unmasked_score(str(word), history or None)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_maximum_likelihood_is_nltks_where_the_history_was_seen(order):
    model = nltk_model(nltk.lm.MLE, order)

    def p(word, history):
        history = history[max(0, len(history) - order + 1) :]
        while history and not model.context_counts(tuple(map(str, history))).N():
            history = history[1:]  # nltk has 0 for every word after a history that was not seen; ours the shorter one
        return nltk_score(model, word, history)

    agree(train(NLTK_TEXT, NLTK_WORDS, order, smoothing="ml"), order, p)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("gamma", [1.0, 0.25])
def test_lidstone_is_nltks(order, gamma):
    kind, arguments = (nltk.lm.Laplace, ()) if gamma == 1 else (nltk.lm.Lidstone, (gamma,))
    model = nltk_model(kind, order, *arguments)
    model.vocab = [str(w) for w in range(NLTK_WORDS)]  # without nltk's <UNK>
    lm = train(NLTK_TEXT, NLTK_WORDS, order, smoothing="lidstone", gamma=gamma)
    found = probabilities(lm, order)
    for history in found:
        if len(history) >= order - 1 or history[:1] == (0,):
            expected = [nltk_score(model, w, history) for w in range(NLTK_WORDS)]
        else:  # nltk would count after the short history; ours has nothing but the uniform distribution below
            expected = 1 / NLTK_WORDS
        np.testing.assert_allclose(found[history], expected, rtol=1e-12, err_msg=str(history))
        assert found[history].sum() == pytest.approx(1, abs=1e-12)


class WittenBell(nltk_smoothing.WittenBell):
    def unigram_score(self, word):
        """Ours: interpolated with 1 / V like every order, where nltk takes the relative frequency."""
        n, types = self.counts.unigrams.N(), len(self.counts.unigrams)
        return (self.counts.unigrams[word] + types / NLTK_WORDS) / (n + types)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_witten_bell_is_nltks(order):
    model = nltk_model(nltk.lm.WittenBellInterpolated, order)
    model.estimator = WittenBell(model.vocab, model.counts)
    agree(train(NLTK_TEXT, NLTK_WORDS, order, smoothing="witten-bell"), order, lambda w, h: nltk_score(model, w, h))


class AbsoluteDiscounting(nltk_smoothing.AbsoluteDiscounting):
    """Ours: D = n1 / (n1 + 2 n2) of each order, where nltk has one for all; unigrams interpolated with 1 / V."""

    def set_order(self, k):
        grams = [n for _, dist in self.counts[k].items() for n in dist.values()] if k > 1 else []
        grams = grams or list(self.counts.unigrams.values())
        n1, n2 = grams.count(1), grams.count(2)
        self.discount = n1 / (n1 + 2 * n2) if n1 and n2 else 0.5

    def alpha_gamma(self, word, context):
        self.set_order(len(context) + 1)
        return super().alpha_gamma(word, context)

    def unigram_score(self, word):
        self.set_order(1)
        counts = self.counts.unigrams
        rest = self.discount * len(counts) / counts.N()
        return max(counts[word] - self.discount, 0) / counts.N() + rest / NLTK_WORDS


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_absolute_discounting_is_nltks(order):
    model = nltk_model(nltk.lm.AbsoluteDiscountingInterpolated, order)
    model.estimator = AbsoluteDiscounting(model.vocab, model.counts)
    agree(train(NLTK_TEXT, NLTK_WORDS, order, smoothing="absolute"), order, lambda w, h: nltk_score(model, w, h))


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("alpha", [0.4, 2.0])
def test_stupid_backoff_is_nltks_divided_by_its_sum(order, alpha):
    model = nltk_model(nltk.lm.StupidBackoff, order, alpha)

    def p(word, history):
        scores = [nltk_score(model, w, history) for w in range(NLTK_WORDS)]
        return scores[word] / sum(scores)

    agree(train(NLTK_TEXT, NLTK_WORDS, order, smoothing="stupid", alpha=alpha), order, p)
