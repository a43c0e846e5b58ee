"""Windows over parallel streams: every token once, with the token before it."""

from itertools import chain, product

import numpy as np
import pytest

from rnnlm.errors import UsageError
from rnnlm.text import window_count, windows


def test_three_streams_of_eight_tokens_by_hand():
    ids = np.array([1, 2, 0, 3, 0, 4, 5, 0], dtype=np.int32)  # streams 1 2 0 | 3 0 4 | 5 0
    first, second = windows(ids, streams=3, steps=2, independent=True)
    assert first[0].tolist() == [[0, 0, 4], [1, 3, 5]]
    assert first[1].tolist() == [[1, 3, 5], [2, 0, 0]]
    assert first[2].tolist() == [[0, 0, 0], [1, 1, 1]]
    assert second[1].tolist() == [[0, 4, -1]]
    assert second[0].tolist() == [[2, 0, 0]]
    assert second[2].tolist() == [[1, 0, 0]]
    assert first[0].dtype == first[1].dtype == np.int32


@pytest.mark.parametrize(
    ("tokens", "streams", "steps"),
    [(n, b, t) for n, b, t in product([1, 2, 7, 10, 31], [1, 2, 3, 7], [1, 2, 5, 100]) if b <= n],
)
def test_every_token_is_scored_once_behind_the_token_before_it(tokens, streams, steps):
    ids = np.arange(100, 100 + tokens, dtype=np.int32)
    pairs, columns = [], [[] for _ in range(streams)]
    seen = list(windows(ids, streams, steps, eos=7))
    assert len(seen) == window_count(tokens, streams, steps)
    for number, (x, y, keep) in enumerate(seen):
        assert keep is None
        assert x.shape == y.shape
        assert x.shape[1] == streams
        assert x.shape[0] == steps or number == len(seen) - 1
        pairs += [(a, b) for a, b in zip(x.ravel().tolist(), y.ravel().tolist(), strict=True) if b >= 0]
        for b in range(streams):
            columns[b] += [v for v in y[:, b].tolist() if v >= 0]
    assert sorted(pairs) == sorted((7 if w == 100 else w - 1, w) for w in ids.tolist())
    assert list(chain(*columns)) == ids.tolist()  # stream after stream is the text
    assert max(map(len, columns)) - min(map(len, columns)) <= 1


def test_unknown_words_are_not_scored_but_keep_their_place():
    ids = np.array([1, -1, 2, 0], dtype=np.int32)
    ((x, y, _),) = windows(ids, 1, 10)
    assert y.ravel().tolist() == [1, -1, 2, 0]
    assert x.ravel().tolist() == [0, 1, -1, 2]


def test_resuming_gives_the_windows_that_were_left():
    ids = np.random.default_rng(0).integers(0, 5, 103).astype(np.int32)
    whole = list(windows(ids, 4, 6, independent=True))
    for start in range(len(whole) + 1):
        rest = list(windows(ids, 4, 6, independent=True, start=start))
        assert len(rest) == len(whole) - start
        for one, other in zip(rest, whole[start:], strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("streams", "steps", "message"),
    [
        (6, 1, "more streams than tokens: streams=6.* 5 tokens"),
        (0, 1, "streams=0"),
        (1, 0, "steps=0"),
        (1, -2, "steps=-2"),
    ],
)
def test_senseless_shapes_are_refused_at_once(streams, steps, message):
    with pytest.raises(UsageError, match=message):
        windows(np.arange(5, dtype=np.int32), streams, steps)
    with pytest.raises(UsageError, match=message):
        window_count(5, streams, steps)


def test_a_window_before_the_first_is_refused():
    with pytest.raises(UsageError, match="start=-1"):
        windows(np.arange(5, dtype=np.int32), 1, 1, start=-1)
