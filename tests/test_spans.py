"""Arrays are looked at in pieces, each once and in order, by one thread or several; damage is found in each of them."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from rnnlm import limits, spans
from rnnlm.errors import DataError
from rnnlm.ngram.table import Table
from rnnlm.stored import Stored

SPAN = spans.SPAN


@pytest.mark.parametrize("cores", [1, 2, 16])
@pytest.mark.parametrize("length", [0, 1, 7, 8, 29])
def test_every_place_is_looked_at_once_and_in_order(monkeypatch, length, cores):
    monkeypatch.setattr(limits, "cores", lambda: cores)
    found = spans.over_spans(lambda begin, end: list(range(begin, end)), length, 2, 4)
    assert [place for piece in found for place in piece] == list(range(2, length))
    assert all(1 <= len(piece) <= 4 for piece in found)


def test_long_arrays_have_several_threads_and_short_ones_none(monkeypatch):
    monkeypatch.setattr(limits, "cores", lambda: 2)
    both = threading.Barrier(2, timeout=60)
    spans.over_spans(lambda begin, end: both.wait(), 4, span=1)  # a single thread would wait for ever
    here = threading.current_thread()
    assert spans.over_spans(lambda begin, end: threading.current_thread() is here, 3, span=1) == [True] * 3


def test_an_error_in_a_piece_comes_out():
    with pytest.raises(ZeroDivisionError):
        spans.over_spans(lambda begin, end: 1 // (7 - begin), 12, span=1)


PLACES = [0, SPAN - 1, SPAN, 5 * SPAN + 17]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_found_in_every_piece(place, value):
    numbers = np.zeros(5 * SPAN + 18, np.float32)
    stored = Stored({}, {"W": numbers})
    assert stored.numbers("W", np.float32, [None]) is numbers
    numbers[place] = value
    with pytest.raises(DataError, match="the array W holds a number that is not finite"):
        stored.numbers("W", np.float32, [None])


V = 1000
CHILDREN = 2 * SPAN // V + 1  # of each word


def large_table() -> dict[str, np.ndarray]:
    """The arrays of a table of bigrams that is looked at in several pieces."""
    n = V * CHILDREN
    words = np.concatenate([np.arange(V), np.tile(np.arange(CHILDREN), V)]).astype(np.int32)
    first = (V + CHILDREN * np.arange(V + 1)).astype(np.int32)
    logp, backoff = -np.ones(V + n, np.float32), -np.ones(V, np.float32)
    levels = np.array([0, V, V + n])
    return {
        f"ngram.{k}": a for k, a in dict(levels=levels, words=words, first=first, logp=logp, backoff=backoff).items()
    }


def test_a_large_table_is_read():
    Table.unpack(Stored({}, large_table()), V)


@pytest.mark.parametrize("place", [V + 1, V + SPAN - 1, V + SPAN + 1, V + V * CHILDREN - 1])
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("words", -1, "words holds -1 or"),
        ("words", V, f"words holds 0 or {V}"),
        ("words", 0, "words is not sorted"),
        ("logp", 0.1, "logp holds a number above 0"),
        ("logp", np.nan, "logp holds a number above 0 or NaN"),
    ],
)
def test_damage_is_found_in_every_piece_of_a_table(place, name, value, said):
    arrays = large_table()
    if said == "words is not sorted":
        place += (place - V) % CHILDREN == 0  # the first of a word's children may be any word
    arrays[f"ngram.{name}"][place] = value
    with pytest.raises(DataError, match=f"ngram.{said}"):
        Table.unpack(Stored({}, arrays), V)
