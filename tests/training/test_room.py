"""A new network that is larger than the machine's memory is refused before anything of it is made."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from rnnlm import limits, train, train_classifier
from rnnlm.cli import run
from rnnlm.errors import OutOfMemory
from rnnlm.layers import WithoutWeights
from rnnlm.models import MODELS, ElmanLM, FeedForward
from rnnlm.text import Vocabulary
from rnnlm.training import memory

TABLE = Path(__file__).parents[1] / "old_files" / "v1" / "table.csv"
WORDS = Vocabulary(["</s>", "a", "b"], [4, 5, 3])


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("a b\nb b a\n" * 30)
    return path


@pytest.fixture
def room(monkeypatch):
    """`room(n)` lets the machine have n bytes."""
    return lambda n: monkeypatch.setattr(limits, "memory", lambda unknown=0.0: float(n))


@pytest.mark.parametrize("hidden", [200_000, 4_000_000_000])
@pytest.mark.parametrize("kind", [kind for kind in MODELS if kind != "custom"])
def test_the_command_says_so_at_once(text, capsys, room, kind, hidden):
    room(1e6)
    assert run(["train", str(text), "--model", kind, "--hidden", str(hidden), "-o", str(text.parent / "m.rnnlm")]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("rnnlm: error: ")
    assert "memory" in err
    assert err.count("\n") == 1
    assert not (text.parent / "m.rnnlm").exists()


def test_the_message(text, room):
    room(1e9)
    with pytest.raises(OutOfMemory) as caught:
        train(text, hidden=20_000, classes=0)
    weights = 3 * 20_000 + 20_000**2 + 20_000 + 3 * 20_000 + 3
    assert str(caught.value) == (
        f"not enough memory on this machine for a network of {weights:,} weights: they take 1,600.6 MB, the largest of "
        "its arrays 4,800.0 MB while it is drawn in float64, and there are 1,000.0 MB in all. What lowers it: fewer "
        "`hidden` units, a smaller `max_vocab`."
    )


def test_a_classifier(room):
    room(1e9)
    with pytest.raises(OutOfMemory, match="What lowers it: smaller `layers` or `blocks`"):
        train_classifier(str(TABLE), model="feedforward", layers="100000,100000")


@pytest.mark.parametrize("hidden", [1, 7])
@pytest.mark.parametrize("kind", MODELS)
def test_a_network_without_weights_has_the_shapes_of_the_one_with_them(kind, hidden):
    keywords = {name: hidden for name in ("hidden", "embedding") if hasattr(MODELS[kind].Options(), name)}
    whole, shapes = (MODELS[kind](WORDS, rng=rng, **keywords) for rng in (None, WithoutWeights()))
    assert {name: param.value.shape for name, param in shapes.params.items()} == {
        name: param.value.shape for name, param in whole.params.items()
    }
    assert not any(param.value.any() for param in shapes.params.values())
    assert all(0 in param.value.strides or param.value.ndim == 0 for param in shapes.params.values())


def test_what_fits_is_not_refused(room):
    lm = ElmanLM(WORDS, hidden=100)
    least = 100 * 100 * (4 + 8)  # the largest array, while it is drawn
    room(least)
    memory.require_room(lm)
    memory.require_room(FeedForward((4,), ["a", "b"], layers=(3,)))
    room(least - 1)
    with pytest.raises(OutOfMemory):
        memory.require_room(lm)


def test_a_system_that_does_not_say_how_much_there_is(monkeypatch):
    monkeypatch.setattr("os.sysconf", lambda name: (_ for _ in ()).throw(ValueError(name)))
    monkeypatch.setattr(limits, "_settings", lambda *names: [])
    monkeypatch.setattr(limits, "_address_space", lambda: math.inf)
    assert limits.memory() == limits.UNKNOWN_MEMORY
    assert limits.memory(math.inf) == np.inf
