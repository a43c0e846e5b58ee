"""Windows of whole sentences: every token once, and each sentence as if it were the whole text."""

from itertools import product

import numpy as np
import pytest

from rnnlm.text import windows
from rnnlm.text.sentences import sentence_windows

TEXTS = {
    "some": [3, 4, 0, 5, 0, 0, 6, 7, 8, 9, 0],
    "no sentence end": [3, 4, 5],
    "words after the last end": [3, 0, 4, -1, 5],
    "only ends": [0, 0, 0],
    "unknown words": [-1, 0, 5, -1, -1, 0],
}


def split(ids):
    return [part for part in np.split(ids, np.flatnonzero(ids == 0) + 1) if len(part)]


@pytest.mark.parametrize(("name", "streams", "steps"), [*product(TEXTS, (1, 2, 3, 9), (1, 2, 100))])
def test_every_token_stands_once_behind_the_token_before_it_in_its_sentence(name, streams, steps):
    ids = np.array(TEXTS[name], np.int32)
    seen = {}
    for x, y, places, _, _ in sentence_windows(ids, streams, steps):
        assert x.shape == y.shape == places.shape
        assert 1 <= len(x) <= steps
        assert 1 <= x.shape[1] <= streams
        assert (y[places < 0] == -1).all()
        for place, a, b in zip(places.ravel(), x.ravel(), y.ravel(), strict=True):
            if place >= 0:
                assert place not in seen
                seen[int(place)] = (int(a), int(b))
    before = np.concatenate([np.append(0, part[:-1]) for part in split(ids)])
    assert [seen[place] for place in sorted(seen)] == list(zip(before.tolist(), ids.tolist(), strict=True))


def test_a_sentence_begins_in_a_first_window_alone():
    parts = list(sentence_windows(np.array([3, 4, 0, 5, 0], np.int32), 2, 2))
    assert [(part.is_first, part.places.tolist()) for part in parts] == [
        (True, [[3, 0], [4, 1]]),
        (False, [[-1, 2]]),
    ]


@pytest.mark.parametrize("steps", [1, 2, 3, 100])
def test_one_stream_has_the_windows_of_each_sentence_alone(steps):
    ids = np.array(TEXTS["some"], np.int32)
    alone = [window for part in split(ids) for window in windows(part, 1, steps)]
    together = list(sentence_windows(ids, 1, steps))
    assert len(alone) == len(together)
    for (x, y, _), part in zip(alone, together, strict=True):
        np.testing.assert_array_equal(part.x, x)
        np.testing.assert_array_equal(part.y, y)
