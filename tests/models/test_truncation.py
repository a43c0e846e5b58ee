"""How far the losses of a window flow back, without a trainer around it."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest

from rnnlm.errors import UsageError
from rnnlm.models import MODELS
from rnnlm.models.truncated_bptt import Truncation
from rnnlm.text import Vocabulary

WORDS = Vocabulary(["</s>", "a", "b", "c", "d", "e"], [9, 6, 5, 4, 3, 2])
TEXT = np.random.default_rng(4).integers(0, 6, (14, 2), dtype=np.int32)  # (T, B)


def model(kind="elman", **config):
    return MODELS[kind](WORDS, **{"hidden": 4, "classes": 0, "dtype": "float64", "seed": 3, **config})


def gradients(lm):
    found = {name: param.grad.copy() for name, param in lm.params.items()}
    for param in lm.params.values():
        param.zero()
    return found


def after(lm, steps: int, block: int, truncation: Truncation | None = None):
    """The state after so many steps of the text in windows of `block`, and the tapes; `truncation` takes each."""
    state, tapes = lm.start(2), deque()
    for first in range(0, steps, block):
        end = min(first + block, steps)
        _, state, tape = lm.forward(TEXT[first:end], TEXT[first + 1 : end + 1], state)
        tapes.append(tape)
        if truncation is not None:
            for param in lm.params.values():
                param.zero()
            truncation.backward(lm, tapes, 0.5)
    return state, tapes


@pytest.mark.parametrize("kind", ["elman", "jordan", "rnnlm"])
@pytest.mark.parametrize(
    ("block", "horizon", "left"),
    [(3, 3, 0), (3, 4, 1), (3, 7, 2), (3, 9, 3), (3, 12, 4), (4, 4, 0), (4, 10, 3), (2, 11, 5), (1, 1, 0), (1, 5, 4)],
)
def test_the_gradient_is_that_of_one_window_as_long_as_the_horizon(kind, block, horizon, left):
    """Of which the newest steps alone have losses; and only those tapes stay that a later window can reach."""
    lm = model(kind)
    steps = 12
    _, tapes = after(lm, steps, block, Truncation(block, horizon))
    found = gradients(lm)
    first = steps - min(horizon, steps)
    state, _ = after(lm, first, max(first, 1))
    targets = TEXT[first + 1 : steps + 1].copy()
    targets[: steps - first - block] = -1
    _, _, tape = lm.forward(TEXT[first:steps], targets, state)
    lm.backward(tape, 0.5, None, 0)
    expected = gradients(lm)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-13, err_msg=name)
    assert any(np.abs(value).max() > 0.01 for value in expected.values())
    assert [tape.steps for tape in tapes] == [block] * left
    assert all(tape.output is None for tape in tapes)  # no loss is used twice


def test_a_longer_horizon_changes_the_gradient():
    found = []
    for horizon in (3, 6):
        lm = model()
        after(lm, 6, 3, Truncation(3, horizon))
        found.append(gradients(lm)["recurrent.0.W"])
    assert np.abs(found[0] - found[1]).max() > 1e-4


@pytest.mark.parametrize(
    ("kind", "config", "horizon"),
    [("elman", {}, 5), ("bengio", {"order": 4}, 5 + 2), ("convolution", {"layers": 3, "kernel": 2}, 5 + 3)],
)
def test_without_a_horizon_it_is_the_block_and_what_the_model_sees_before_it(kind, config, horizon):
    assert Truncation.of(model(kind, **config), 5) == Truncation(5, horizon) == (5, horizon)
    assert Truncation.of(model(kind, **config), 5, 6) == (5, 6)
    assert Truncation.of(model(kind, **config), 1, 1) == (1, 1)


@pytest.mark.parametrize(
    ("block", "horizon", "message"),
    [
        (0, None, r"^block=0 is too small\. Give block >= 1\.$"),
        (-2, 5, r"^block=-2 is too small"),
        (5, 4, r"^horizon=4 is shorter than block=5, so .* Give horizon >= 5\.$"),
        (5, 0, r"^horizon=0 is shorter than block=5"),
    ],
)
def test_numbers_that_make_no_sense(block, horizon, message):
    with pytest.raises(UsageError, match=message):
        Truncation.of(model(), block, horizon)
