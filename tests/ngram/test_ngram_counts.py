"""The counts of n-grams, in memory and on disk, against dictionaries of tuples."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from ngram_reference import ngrams, random_text

from rnnlm.errors import UsageError
from rnnlm.ngram.columns import Columns
from rnnlm.ngram.counts import count
from rnnlm.ngram.runs import merge, sorted_run

TEXTS = {
    "ordinary": (random_text(1, 9, 300), 9),
    "unknown words": (random_text(2, 7, 200, unknown=0.1), 7),
    "no end": (random_text(3, 5, 60, end=False), 5),
    "unknown first": ([-1, 1, 2, 0, -1, -1, 0, 1, -1], 3),
    "empty lines": ([0, 0, 1, 0, 0, 0, 2, 1, 0], 3),
    "short sentences": ([1, 0, 2, 0, 1, 0, 1, 2, 0, 0], 3),
    "one word": ([1, 1, 1, 0, 1, 1, 1, 1], 2),
    "only ends": ([0, 0, 0], 1),
    "one token": ([3], 5),
    "one end": ([0], 1),
    "one unknown": ([-1], 3),
    "unseen words": ([2, 2, 0, 2, 5, 0], 30),
}


@pytest.fixture(params=TEXTS)
def text(request):
    ids, words = TEXTS[request.param]
    return np.array(ids, np.int32), words


def as_dictionary(counts):
    """{n-gram: (count, n-gram of its suffix)}, each found by the way down from its word."""
    grams = [(w,) for w in range(counts.levels[1])]
    for node in range(counts.levels[-2]):
        grams += [
            (*grams[node], int(counts.words[child])) for child in range(counts.first[node], counts.first[node + 1])
        ]
    return {gram: (int(counts.counts[i]), grams[int(counts.suffix[i])]) for i, gram in enumerate(grams)}


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5, 6])
def test_every_ngram_is_counted(text, order):
    ids, words = text
    counts = count(ids, words, order)
    expected = {(w,): 0 for w in range(words)} | Counter(ngrams(ids, order))
    assert {gram: n for gram, (n, _) in as_dictionary(counts).items()} == expected
    sizes = [sum(len(gram) == k for gram in expected) for k in range(1, order + 1)]
    assert np.diff(counts.levels).tolist() == sizes
    assert counts.vocabulary == words


@pytest.mark.parametrize("order", [2, 3, 6])
def test_the_trie_is_one(text, order):
    ids, words = text
    counts = count(ids, words, order)
    assert counts.words[:words].tolist() == list(range(words))
    assert len(counts.first) == counts.levels[-2] + 1
    assert (counts.first[0], counts.first[-1]) == (words, counts.levels[-1])
    assert (np.diff(counts.first) >= 0).all()
    for a, b in zip(counts.first[:-1], counts.first[1:], strict=True):
        assert (np.diff(counts.words[a:b]) > 0).all()
    for gram, (_, suffix) in as_dictionary(counts).items():
        assert suffix == (gram[1:] or (0,))


@pytest.mark.parametrize("order", [2, 4])
def test_ngrams_at_the_start_of_a_sentence_come_first(text, order):
    counts = count(*text, order)
    grams = list(as_dictionary(counts))
    assert counts.at_start(1) == slice(0, 0)
    for k in range(2, order + 1):
        starts, level = counts.at_start(k), counts.level(k)
        assert starts.start == level.start
        assert [gram[0] == 0 for gram in grams[level]] == [i < starts.stop for i in range(level.start, level.stop)]


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_blocks_are_all_contexts_with_their_ngrams(text, size):
    counts = count(*text, 3)
    for k in (1, 2, 3):
        at = counts.level(k).start
        for contexts, grams, of in counts.blocks(k, size):
            assert grams.start == at
            assert len(of) == grams.stop - grams.start
            assert len(of) <= size or contexts.stop - contexts.start == 1 or k == 1
            at = grams.stop
            if k > 1:
                below = np.arange(contexts.start, contexts.stop)[of]
                assert (counts.first[below] <= np.arange(grams.start, grams.stop)).all()
                assert (counts.first[below + 1] > np.arange(grams.start, grams.stop)).all()
        assert at == counts.level(k).stop


@pytest.mark.parametrize("chunk", [1, 3, 7, 50])
@pytest.mark.parametrize("place", ["memory", "disk"])
def test_merged_runs_are_the_same_arrays(text, chunk, place, tmp_path):
    ids, words = text[0][: 30 * chunk], text[1]  # not so many runs that it takes long
    whole = count(ids, words, 4)
    merged = count(ids, words, 4, chunk=chunk, columns=Columns(tmp_path if place == "disk" else None))
    assert merged.levels == whole.levels
    for name in ("words", "first", "counts", "suffix"):
        ours, theirs = getattr(merged, name), getattr(whole, name)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs, name)
    if place == "disk":
        assert len(list(tmp_path.iterdir())) == 4  # the runs and all that lay between are gone


@pytest.mark.parametrize("largest", [10, 2**40, 2**62])  # beyond 2^63 / chunk keys are not packed with their places
def test_a_run_is_the_sorted_keys(largest):
    rng = np.random.default_rng(1)
    keys = rng.choice(np.append(rng.integers(0, largest, 20, endpoint=True), [-1, largest]), 100)
    witness = (keys % 1000).astype(np.int32)
    run = sorted_run(keys.copy(), witness, Columns())
    ours = {int(k): (int(n), int(w)) for k, n, w in zip(*(column.array() for column in run[:3]), strict=True)}
    assert ours == {k: (n, k % 1000) for k, n in Counter(keys[keys >= 0].tolist()).items()}
    assert (np.diff(run.keys.array()) > 0).all()
    place = run.place.array()
    np.testing.assert_array_equal(np.where(place < 0, -1, run.keys.array()[place]), keys)


@pytest.mark.parametrize("block", [1, 5, 1000])
def test_runs_merge_to_all_their_keys(block):
    rng = np.random.default_rng(2)
    parts = [rng.integers(-1, 40, n) for n in (50, 1, 30, 7)] + [np.full(3, -1)]
    runs = [sorted_run(part, part * 2, Columns()) for part in parts]
    found = []
    numbers = merge(runs, Columns(), block, lambda *columns: found.append(columns))
    keys, counts, witness = (np.concatenate(column) for column in zip(*found, strict=True))
    everything = np.concatenate(parts)
    expected = np.unique(everything[everything >= 0], return_counts=True)
    np.testing.assert_array_equal(keys, expected[0])
    np.testing.assert_array_equal(counts, expected[1])
    np.testing.assert_array_equal(witness, 2 * keys)
    for run, number in zip(runs, numbers, strict=True):
        np.testing.assert_array_equal(keys[number.array()], run.keys.array())


def test_no_order():
    with pytest.raises(UsageError, match=r"^order=0 is not possible\. Give the number of words.*1 or more\.$"):
        count(np.array([1, 0]), 2, 0)
