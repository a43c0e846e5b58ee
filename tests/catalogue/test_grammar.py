"""Artificial languages: their entropy against computations that share nothing with ours."""

import math
from collections import Counter
from itertools import product

import numpy as np
import pytest

from rnnlm.catalogue.grammar import Grammar
from rnnlm.catalogue.grammar_entropy import derivation_entropy, language
from rnnlm.errors import DataError, UsageError
from rnnlm.text import Corpus

NAMES = ["elman-letters", "elman-1990", "elman-1991", "reber"]


@pytest.fixture(scope="module")
def samples():
    return {name: Grammar.load(name).generate(4000, seed=11) for name in NAMES}


def test_letters_have_three_to_the_third():
    grammar = Grammar.load("elman-letters")
    assert grammar.mean_length() == pytest.approx(3)
    assert grammar.entropy() == pytest.approx(math.log2(3))
    assert grammar.perplexity() == pytest.approx(3 ** (1 / 3))


def test_sentences_of_1990_by_counting():
    # Sizes of the categories in the 16 templates, written down from the paper's tables, not from our file.
    hum, anim, inanim, agress, frag, food = 4, 3, 3, 3, 2, 3
    eat, percept, destroy, intran, tran, agpat = 1, 2, 2, 3, 3, 2
    templates = [
        *[(hum, eat, food), (hum, percept, inanim), (hum, destroy, frag), (hum, intran), (hum, tran, hum)],
        *[(hum, agpat, inanim), (hum, agpat), (anim, eat, food), (anim, tran, anim), (anim, agpat, inanim)],
        *[(anim, agpat), (inanim, agpat), (agress, destroy, frag), (agress, eat, hum), (agress, eat, anim)],
        (agress, eat, food),
    ]
    grammar = Grammar.load("elman-1990")
    bits = math.log2(16) + sum(math.log2(math.prod(sizes)) for sizes in templates) / 16
    assert len(grammar.words) == 29
    assert grammar.mean_length() == pytest.approx(sum(map(len, templates)) / 16)
    assert grammar.entropy() == pytest.approx(bits)
    assert grammar.perplexity() == pytest.approx(2 ** (bits / 2.75))
    sentences = language(grammar.rules, grammar.start)
    assert len(sentences) == sum(map(math.prod, templates))
    assert math.fsum(sentences.values()) == pytest.approx(1)


def dangling_suffixes(code):
    """Sardinas and Patterson (1953): the code can be told apart if no dangling suffix is a code word."""

    def rests(left, right):
        return {b[len(a) :] for a, b in product(left, right) if len(b) > len(a) and b[: len(a)] == a}

    seen, now = set(), rests(code, code)
    while now:
        seen |= now
        now = (rests(code, now) | rests(now, code)) - seen
    return seen


@pytest.mark.parametrize("name", ["elman-letters", "elman-1990"])
def test_run_together_sentences_can_be_told_apart(name):
    grammar = Grammar.load(name)
    code = set(language(grammar.rules, grammar.start))
    assert not dangling_suffixes(code) & code
    assert dangling_suffixes({("a",), ("a", "b"), ("b",)}) & {("a",), ("a", "b"), ("b",)}  # and the test can fail


def test_sentences_of_1991_end_with_their_only_period(samples):
    for sentence in samples["elman-1991"]:
        assert sentence.index(".") == len(sentence) - 1


def test_sentences_of_1991_agree(samples):
    plural_nouns, singular_nouns = {"boys", "girls", "cats", "dogs"}, {"boy", "girl", "cat", "dog", "John", "Mary"}
    plural_verbs = {"chase", "feed", "see", "hear", "walk", "live"}
    must_have, cannot_have = {"chase", "feed", "chases", "feeds"}, {"walk", "live", "walks", "lives"}

    def noun_phrase(words):  # a reader by recursive descent, one word ahead
        noun = words.pop(0)
        assert noun in plural_nouns | singular_nouns
        plural = noun in plural_nouns
        if words[0] == "who":
            assert noun not in ("John", "Mary")
            words.pop(0)
            if words[0] in plural_nouns | singular_nouns:
                inner = noun_phrase(words)
                verb = words.pop(0)
                assert (verb in plural_verbs) == inner
                assert verb not in cannot_have
            else:
                verb_phrase(words, plural)
        return plural

    def verb_phrase(words, plural):
        verb = words.pop(0)
        assert (verb in plural_verbs) == plural
        has_object = words[0] in plural_nouns | singular_nouns
        assert has_object or verb not in must_have
        assert not (has_object and verb in cannot_have)
        if has_object:
            noun_phrase(words)

    for sentence in samples["elman-1991"]:
        words = list(sentence)
        verb_phrase(words, noun_phrase(words))
        assert words == ["."]


def test_reber_by_its_automaton(samples):
    # Mean choices and letters left from each state, solved by hand: 6 choices and 8 letters for the inner string.
    grammar = Grammar.load("reber")
    assert grammar.entropy() == pytest.approx(7)
    assert grammar.mean_length() == pytest.approx(12)
    assert grammar.perplexity() == pytest.approx(2 ** (7 / 13))
    edges = {1: "T2P3", 2: "S2X4", 3: "T3V5", 4: "X3S6", 5: "P4V6", 6: "E7"}
    for string in samples["reber"]:
        assert string[0] == "B"
        assert string[-1] == "E"
        assert string[1] == string[-2]
        state, choices = 1, 1
        assert string[2] == "B"
        for letter in string[3:-2]:
            arcs = dict(zip(edges[state][::2], map(int, edges[state][1::2]), strict=True))
            choices += len(arcs) == 2
            state = arcs[letter]
        assert state == 7
        assert grammar.logprob(string) == pytest.approx(-choices * math.log(2))


@pytest.mark.parametrize("name", NAMES)
def test_entropy_and_length_are_the_means_over_samples(name, samples):
    grammar, sentences = Grammar.load(name), samples[name]
    lengths = np.array([len(sentence) for sentence in sentences])
    assert abs(lengths.mean() - grammar.mean_length()) < 4 * lengths.std() / len(lengths) ** 0.5 + 1e-9
    # The inside algorithm adds up all derivations of a sentence: were the grammar ambiguous, this mean would be lower.
    chosen = {tuple(s): n for s, n in Counter(map(tuple, sentences)).items()}
    bits = np.array([-grammar.logprob(s) / math.log(2) for s, n in chosen.items() for _ in range(n)])
    assert abs(bits.mean() - grammar.entropy()) < 4 * bits.std() / len(bits) ** 0.5 + 1e-9


def test_no_sampled_sentence_of_1991_has_two_derivations(samples):
    grammar = Grammar.load("elman-1991")

    def derivations(sentence):  # counted by a chart that knows nothing of probabilities
        n = len(sentence)
        chart = {}

        def spans(symbols, i):
            if not symbols:
                return Counter({i: 1})
            key = (symbols, i)
            if key not in chart:
                found = Counter()
                head, rest = symbols[0], symbols[1:]
                if head in grammar.rules:
                    for rule in grammar.rules[head]:
                        for j, ways in spans(rule.symbols, i).items():
                            for k, more in spans(rest, j).items():
                                found[k] += ways * more
                elif i < n and sentence[i] == head:
                    found = spans(rest, i + 1)
                chart[key] = found
            return chart[key]

        return spans((grammar.start,), 0)[n]

    assert {derivations(sentence) for sentence in samples["elman-1991"][:1500]} == {1}


def test_the_two_ways_to_an_entropy_agree_for_a_finite_language():
    grammar = Grammar.load("elman-1990")
    assert derivation_entropy(grammar.rules, grammar.start) == pytest.approx(grammar.entropy())


def test_equal_strings_are_one_sentence():
    grammar = Grammar({"S": {"A b": 1, "a B": 1}, "A": {"a": 1}, "B": {"b": 1, "c": 1}}, "S")
    assert grammar.logprob(["a", "b"]) == pytest.approx(math.log(0.75))
    assert grammar.entropy() == pytest.approx(-(0.75 * math.log2(0.75) + 0.25 * math.log2(0.25)))
    assert grammar.logprob(["b", "a"]) == -math.inf
    assert grammar.logprob([]) == -math.inf


def test_a_recursive_grammar_in_closed_form():
    # a^n with probability 2^-n: 2 bits, 2 words, and 2^(2/3) a token with </s>.
    grammar = Grammar({"S": {"a": 3, "a S": 3}}, "S", unambiguous="linear")
    assert (grammar.entropy(), grammar.mean_length()) == (pytest.approx(2), pytest.approx(2))
    assert grammar.perplexity() == pytest.approx(2 ** (2 / 3))
    assert grammar.logprob(["a"] * 5) == pytest.approx(-5 * math.log(2))


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"T": {"a": 1}}, "start 'S'"),
        ({"S": {"": 1}}, "needs a symbol"),
        ({"S": {"a": 0}}, "weight 0"),
        ({"S": {"a": float("nan")}}, "weight nan"),
        ({"S": {"T": 1, "a": 1}, "T": {"S": 1}}, "circle"),
        ({"S": {"S S": 1, "a": 1}}, "grow for ever"),
        ({"S": {"a S": 1}}, "grow for ever"),
    ],
)
def test_grammars_that_are_none(rules, message):
    with pytest.raises(DataError, match=message):
        Grammar(rules, "S")


def test_an_infinite_language_must_say_why_it_is_unambiguous():
    with pytest.raises(DataError, match="unambiguous"):
        Grammar({"S": {"a": 1, "a S": 1}}, "S").entropy()


def test_unknown_grammar():
    with pytest.raises(UsageError, match=r"'rebel'.*reber"):
        Grammar.load("rebel")


def test_the_same_seed_gives_the_same_text():
    grammar = Grammar.load("reber")
    assert grammar.text(50, 1) == grammar.text(50, 1) != grammar.text(50, 2)
    assert Corpus.from_text(grammar.text(50, 1)).sentences == 50
    letters = Grammar.load("elman-letters")
    assert letters.text(50, 1).count("\n") == 1
    assert letters.generate(0, 1) == []
    with pytest.raises(UsageError, match="sentences=-1"):
        letters.generate(-1, 1)
