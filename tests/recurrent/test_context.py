"""Networks that see the last few words: what exactly they see."""

from __future__ import annotations

import numpy as np
import pytest

from rnnlm.errors import UsageError
from rnnlm.models import MODELS
from rnnlm.ops import ops_for
from rnnlm.recurrent import CausalConvolution
from rnnlm.text.vocabulary import Vocabulary
from rnnlm.training import SGD, Trainer

VOCABULARY = Vocabulary(["</s>", "a", "b", "c", "d", "e"], [12, 30, 9, 5, 3, 2])
MODELS_SEEING = [  # words seen, kind, settings
    (1, "bengio", {"order": 2}),
    (4, "bengio", {}),
    (6, "bengio", {"order": 7, "direct": True, "embedding": 3}),
    (2, "bengio", {"order": 3, "layers": 3}),
    (5, "convolution", {}),
    (3, "convolution", {"layers": 1}),
    (1, "convolution", {"layers": 2, "kernel": 1}),
    (10, "convolution", {"layers": 3, "kernel": 4, "embedding": 3, "activation": "relu"}),
]


def test_the_last_inputs_side_by_side():
    x = np.arange(1.0, 6).reshape(5, 1, 1)
    before = np.array([[-2.0, -1.0]])
    y = ops_for(x).context_forward(x, before, None, 3)
    assert y[:, 0].tolist() == [[-2, -1, 1], [-1, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]]
    keep = np.array([[1.0], [1], [0], [1], [1]])
    y = ops_for(x).context_forward(x, before, keep, 3)
    assert y[:, 0].tolist() == [[-2, -1, 1], [-1, 1, 2], [0, 0, 3], [0, 3, 4], [3, 4, 5]]


@pytest.mark.parametrize(("seen", "kind", "config"), MODELS_SEEING)
def test_a_word_matters_for_as_long_as_it_is_seen_and_no_longer(seen, kind, config):
    model = MODELS[kind](VOCABULARY, hidden=5, classes=0, dtype="float64", **config)
    x = np.random.default_rng(1).integers(0, 6, (15, 1))
    other = x.copy()
    other[2] = (x[2] + 1) % 6
    one, two = (model.distributions(ids, model.start(1))[0][:, 0] for ids in (x, other))
    differ = np.abs(one - two).max(1) > 0
    assert differ.tolist() == [2 <= t < 2 + seen for t in range(15)]
    assert model.look_back == seen - 1


def test_the_horizon_is_the_block_and_what_is_seen_before_it():
    for kind, config, horizon in (("bengio", {"order": 5}, 10), ("convolution", {"layers": 4}, 15), ("rnnlm", {}, 7)):
        model = MODELS[kind](VOCABULARY, hidden=5, **config)
        assert Trainer(model, SGD(model.params, 0.1), block=7).horizon == horizon
        assert Trainer(model, SGD(model.params, 0.1), block=7, horizon=9).horizon == 9


def test_direct_connections_are_the_output_weights_of_the_inputs():
    """With no way through the hidden units the scores are an affine map of the inputs."""
    model = MODELS["bengio"](VOCABULARY, hidden=5, embedding=3, order=4, direct=True, classes=0, dtype="float64")
    p = {name: param.value for name, param in model.params.items()}
    assert p["output.W"].shape == (6, 5 + 3 * 3)
    p["output.W"][:, :5] = 0
    x = np.array([[1], [4], [2], [3]])
    scores = np.concatenate([p["embedding.W"][word] for word in (4, 2, 3)]) @ p["output.W"][:, 5:].T + p["output.b"]
    expected = scores - np.log(np.exp(scores).sum())
    np.testing.assert_allclose(model.distributions(x, model.start(1))[0][-1, 0], expected, rtol=1e-12)


def test_a_residual_connection_needs_as_many_inputs_as_units():
    with pytest.raises(UsageError, match="adds 3 inputs to 5 hidden units"):
        CausalConvolution(3, 5, kernel=2, rng=np.random.default_rng(1), residual=True)


@pytest.mark.parametrize("activation", ["gated", "tanh"])
def test_float32_stays_float32_and_has_the_values_of_float64(activation):
    results = []
    for dtype in ("float32", "float64"):
        layer = CausalConvolution(4, 4, kernel=3, rng=np.random.default_rng(1), activation=activation, dtype=dtype)
        x, dy = (np.random.default_rng(seed).normal(size=(5, 2, 4)).astype(dtype) for seed in (2, 3))
        y, state, tape = layer.forward(x, layer.start(2))
        dx, dstate = layer.backward(dy, state, tape)
        arrays = [y, *state, dx, *dstate, *(param.grad for param in layer.params.values())]
        assert {str(array.dtype) for array in arrays} == {dtype}
        results.append(arrays)
    for single, double in zip(*results, strict=True):
        np.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-5)
