"""Word classes against a transcription of Mikolov's rule, and on Penn Treebank against his program's numbers."""

import math
from collections import Counter

import numpy as np
import pytest
from paths import PTB

from rnnlm.errors import UsageError
from rnnlm.outputs import ClassMap
from rnnlm.text.vocabulary import EOS, Vocabulary

RULES = {"frequency": ClassMap.by_frequency, "sqrt": ClassMap.by_sqrt_frequency}
PTB_TRAIN = PTB / "ptb.train.txt"

every_rule = pytest.mark.parametrize("rule", RULES)


def mikolov(counts, classes, rule):
    """The class of each word, word by word.

    Add the word's share to the running sum, cap that at 1, give the word class a; then if the sum is above (a + 1) / C
    and a < C - 1, a moves on.
    """
    b = sum(counts)
    if rule == "sqrt":
        db = sum(math.sqrt(c / b) for c in counts)
        shares = [math.sqrt(c / b) / db for c in counts]
    else:
        shares = [c / b for c in counts]
    a, running, of = 0, 0.0, []
    for share in shares:
        running = min(running + share, 1.0)
        of.append(a)
        if running > (a + 1) / classes and a < classes - 1:
            a += 1
    return of


def agrees(counts, classes, rule):
    partition = RULES[rule](np.array(counts), classes)
    expected = mikolov(counts, classes, rule)
    assert partition.of.tolist() == expected
    assert len(partition) == expected[-1] + 1
    assert partition.words == len(counts)
    for c in range(len(partition)):
        words = [word for word, of in enumerate(expected) if of == c]
        assert list(range(partition.start[c], partition.start[c + 1])) == words
        assert partition.sizes[c] == expected.count(c)


@every_rule
@pytest.mark.parametrize("classes", [1, 2, 7, 30, 100, 199, 200])
@pytest.mark.parametrize("seed", range(5))
def test_random_counts(rule, classes, seed):
    counts = np.random.default_rng(seed).zipf(1.4, 200).clip(max=10**6)
    agrees([40, *sorted(counts[1:].tolist(), reverse=True)], classes, rule)  # </s> comes first, whatever its count


@every_rule
@pytest.mark.parametrize("classes", [1, 2, 5, 19, 20])
def test_one_huge_word_leaves_the_counter_lagging(rule, classes):
    agrees([7, 10**7, *range(40, 22, -1)], classes, rule)


def test_after_a_huge_word_classes_of_one_word_until_the_counter_has_caught_up():
    assert ClassMap.by_frequency(np.array([60, 10, 10, 10, 5, 5]), 4).of.tolist() == [0, 1, 2, 3, 3, 3]


@every_rule
def test_equal_counts_make_equal_classes(rule):
    agrees([5] * 13, 3, rule)  # 13 words: no sum falls on an edge, where rounding would decide
    assert RULES[rule](np.full(13, 5), 3).sizes.tolist() == [5, 4, 4]


@every_rule
def test_no_counts_at_all_make_classes_of_like_size(rule):
    sizes = RULES[rule](np.zeros(10, dtype=int), 3).sizes
    assert sizes.sum() == 10
    assert sizes.max() - sizes.min() <= 1


@every_rule
@pytest.mark.parametrize("classes", [0, -1, 4])
def test_impossible_numbers_of_classes(rule, classes):
    with pytest.raises(UsageError, match=f"classes={classes} .* 1 <= classes <= 3"):
        RULES[rule](np.array([3, 2, 1]), classes)


@pytest.mark.parametrize("start", [[], [0], [1, 3], [0, 2, 2, 3], [0, 3, 2]])
def test_starts_that_are_no_partition(start):
    with pytest.raises(UsageError, match="no class may be empty"):
        ClassMap(np.array(start))


@pytest.fixture(scope="module")
def ptb():
    """The counts of Penn Treebank's training part, as the vocabulary sorts them."""
    if not PTB_TRAIN.exists():
        pytest.skip(f"Penn Treebank is not at {PTB_TRAIN}: see corpora/, or set RNNLM_PTB to its folder")
    text = PTB_TRAIN.read_text()
    return Vocabulary.from_counts(Counter({EOS: text.count("\n")}) + Counter(text.split())).counts


# Mean output units for a token, C + the size of its class, measured with Mikolov's program.
UNITS = {
    "sqrt": {30: 150, 50: 122, 100: 136, 200: 218, 400: 409, 1000: 1004},
    "frequency": {30: 363, 50: 250, 100: 200, 200: 250, 400: 425, 1000: 1010},
}


@pytest.mark.parametrize(("rule", "classes", "units"), [(r, c, u) for r, row in UNITS.items() for c, u in row.items()])
def test_penn_treebank_costs_what_it_costs_in_mikolovs_program(ptb, rule, classes, units):
    assert len(ptb) == 10_000
    assert ptb.sum() == 929_589
    partition = RULES[rule](ptb, classes)
    assert partition.of.tolist() == mikolov(ptb.tolist(), classes, rule)
    assert round(classes + (ptb * partition.sizes[partition.of]).sum() / ptb.sum()) == units


@pytest.mark.parametrize(("rule", "size"), [("sqrt", 292), ("frequency", 1632)])
def test_largest_class_of_penn_treebank(ptb, rule, size):
    assert RULES[rule](ptb, 100).sizes.max() == size
