"""Order, cutting and look-up of words."""

import hashlib

import pytest

from rnnlm.errors import DataError, UsageError
from rnnlm.text import EOS, UNK, Vocabulary

COUNTS = {"b": 2, EOS: 3, "a": 5, "c": 2, "d": 1}


def test_end_is_first_then_falling_count_ties_as_they_came():
    words = Vocabulary.from_counts(COUNTS)
    assert words.words == [EOS, "a", "b", "c", "d"]
    assert words.counts.tolist() == [3, 5, 2, 2, 1]
    assert (words.eos, words.unk, len(words)) == (0, None, 5)


def test_unk_of_the_text_is_an_ordinary_word():
    words = Vocabulary.from_counts({"a": 1, UNK: 2, EOS: 1, "b": 2})
    assert words.words == [EOS, UNK, "b", "a"]
    assert words.unk == 1


def test_min_count_moves_rare_words_to_unk():
    words = Vocabulary.from_counts(COUNTS, min_count=2)
    assert dict(zip(words.words, words.counts.tolist(), strict=True)) == {EOS: 3, "a": 5, "b": 2, "c": 2, UNK: 1}
    assert words.words[-1] == UNK


def test_max_vocab_counts_every_word_and_keeps_the_sum():
    words = Vocabulary.from_counts({**COUNTS, UNK: 1}, max_vocab=4)
    assert words.words == [EOS, "a", UNK, "b"]  # c, d and the text's own <unk>: 2 + 1 + 1
    assert words.counts.tolist() == [3, 5, 4, 2]


@pytest.mark.parametrize("limit", [5, 6, 100])
def test_a_limit_that_cuts_nothing_adds_no_unk(limit):
    assert Vocabulary.from_counts(COUNTS, max_vocab=limit).unk is None


def test_the_smallest_vocabulary_is_end_and_unk():
    words = Vocabulary.from_counts(COUNTS, max_vocab=2)
    assert (words.words, words.counts.tolist()) == ([EOS, UNK], [3, 10])


@pytest.mark.parametrize("keywords", [{"max_vocab": 1}, {"max_vocab": -3}, {"min_count": 0}])
def test_senseless_limits(keywords):
    ((name, value),) = keywords.items()
    with pytest.raises(UsageError, match=f"{name}={value}.*>= "):
        Vocabulary.from_counts(COUNTS, **keywords)


def test_encode_and_decode():
    plain, cut = Vocabulary.from_counts(COUNTS), Vocabulary.from_counts(COUNTS, min_count=2)
    assert plain.encode(["a", "x", EOS]).tolist() == [1, -1, 0]
    assert cut.encode(["a", "x", EOS]).tolist() == [1, cut.unk, 0]
    assert plain.encode([]).dtype == "int32"
    assert plain.decode([1, -1, 0]) == ["a", UNK, EOS]
    with pytest.raises(DataError, match=r"word id 5.*0 to 4"):
        plain.decode([5])


def test_hash_is_that_of_the_words_in_order():
    first = Vocabulary([EOS, "a", "b"], [1, 1, 1])
    assert first.hash == hashlib.sha256(b"</s>\na\nb").hexdigest()
    assert first.hash == Vocabulary([EOS, "a", "b"], [9, 2, 1]).hash
    assert first.hash != Vocabulary([EOS, "b", "a"], [1, 1, 1]).hash


@pytest.mark.parametrize(
    ("words", "counts", "message"),
    [
        (["a", EOS], [1, 1], "'a'"),
        ([], [], "none"),
        ([EOS, "a", "a"], [1, 1, 1], "'a' comes twice"),
        ([EOS, "a"], [1], "2 words"),
    ],
)
def test_a_vocabulary_that_is_none(words, counts, message):
    with pytest.raises(DataError, match=message):
        Vocabulary(words, counts)
