"""The plain array code runs unchanged on an array library that, like CuPy, refuses to be mixed with NumPy.

No GPU is needed or used: a stand-in for the module `cupy` checks every call. What only a real GPU shows is not tested.
"""

from __future__ import annotations

import numpy as np
import pytest
from small_text import TEXT
from stand_in import DeviceArray

from rnnlm import load, ops
from rnnlm.evaluation import perplexity, sample
from rnnlm.layers import (
    Activation,
    Affine,
    BatchNorm,
    Dropout,
    Flatten,
    LayerNorm,
    LocalResponseNorm,
    Sequential,
    Softmax,
    Standardize,
)
from rnnlm.models import MODELS
from rnnlm.text import Corpus
from rnnlm.training import OPTIMIZERS, Trainer

EXACT = {"dtype": "float64"}  # so that nothing but an error shows; rounding may be another on the device


def trained(config, optimizer, clip_by, module=None):
    corpus = Corpus.from_text(TEXT)
    config = dict(config)
    model = MODELS[config.pop("kind")](
        corpus.vocabulary, hidden=6, seed=3, dropout=0.2, input_dropout=0.1, **EXACT, **config
    )
    if module is not None:
        for param in model.params.values():
            param.set(module.asarray(param.value))
    chosen = OPTIMIZERS[optimizer](model.params, 0.05, l2=1e-4)
    settings = {"block": 5, "horizon": 8, "streams": 3, "clip": 0.1, "clip_by": clip_by, "epochs": 2}
    Trainer(model, chosen, **settings).fit(corpus, corpus)
    return model, corpus


CASES = [
    ({"kind": "elman", "classes": 0, "layers": 2}, "adam", "norm"),
    ({"kind": "rnnlm", "classes": 5, "independent": True}, "adagrad", "value"),
    ({"kind": "jordan", "classes": 0, "feedback": "embedding", "activation": "elu"}, "row-adagrad", "norm"),
    ({"kind": "jordan", "classes": 5, "layers": 2, "activation": "relu"}, "rmsprop", "value"),
    ({"kind": "elman", "classes": 5, "activation": "clipped_relu"}, "momentum", "norm"),
    ({"kind": "elman", "classes": 1}, "sgd", "value"),
    ({"kind": "bengio", "classes": 5, "order": 4, "direct": True, "layers": 2}, "adagrad", "norm"),
    ({"kind": "convolution", "classes": 0, "independent": True}, "momentum", "norm"),
]


@pytest.mark.parametrize(("config", "optimizer", "clip_by"), CASES, ids=lambda case: str(case)[:60])
def test_training_scoring_sampling_and_saving_on_the_device(cupy, tmp_path, config, optimizer, clip_by):
    ops.use("numpy")
    there, corpus = trained(config, optimizer, clip_by, cupy)
    here, _ = trained(config, optimizer, clip_by)
    for name, param in there.params.items():
        assert isinstance(param.value, DeviceArray), name
        assert isinstance(param.grad, DeviceArray), name
        np.testing.assert_allclose(param.value.get(), here.params[name].value, rtol=1e-9, atol=1e-12, err_msg=name)
    assert perplexity(there, corpus).nll == pytest.approx(perplexity(here, corpus).nll, rel=1e-9)
    for options in ({}, {"temperature": 0.7, "top_k": 5, "top_p": 0.9}):
        assert sample(there, "w1", 12, seed=4, **options).words == sample(here, "w1", 12, seed=4, **options).words
    assert sample(there, count=3, seed=5)[2].words == sample(here, count=3, seed=5)[2].words
    there.save(tmp_path / "there.rnnlm")
    back = load(tmp_path / "there.rnnlm")  # on the host
    for name, param in there.params.items():
        assert type(back.params[name].value) is np.ndarray
        np.testing.assert_array_equal(back.params[name].value, param.value.get())


def small_layers():
    """A row of layers without memory for images (N, 4, 3, 2)."""
    rng = np.random.default_rng(1)
    image = [Standardize((4, 3, 2), "each"), LocalResponseNorm(), BatchNorm(2), Activation("leaky_relu")]
    return Sequential([*image, Flatten(), Affine(24, 5, rng=rng), LayerNorm(5), Dropout(0.3), Softmax()])


def test_layers_without_memory_on_the_device(cupy):
    ops.use("numpy")
    here, there = small_layers(), small_layers()
    for param in there.params.values():
        param.set(cupy.asarray(param.value))
    x = np.random.default_rng(2).normal(1, 2, (6, 4, 3, 2)).astype(np.float32)
    dy = np.random.default_rng(3).normal(size=(6, 5)).astype(np.float32)
    for inputs, layer in ((x, here), (cupy.asarray(x), there)):
        layer.layers[0].learn(inputs)
    for train in ((1, 0), None):
        y, tape = there.forward(cupy.asarray(x), train=train)
        dx = there.backward(cupy.asarray(dy), tape)
        assert isinstance(y, DeviceArray)
        assert isinstance(dx, DeviceArray)
        wanted, tape = here.forward(x, train=train)
        np.testing.assert_allclose(y.get(), wanted, rtol=1e-5)
        np.testing.assert_allclose(dx.get(), here.backward(dy, tape), rtol=1e-4, atol=1e-6)
    for name, param in there.params.items():
        assert isinstance(param.value, DeviceArray), name
        np.testing.assert_allclose(param.value.get(), here.params[name].value, rtol=1e-5, err_msg=name)
        np.testing.assert_allclose(param.grad.get(), here.params[name].grad, rtol=1e-4, atol=1e-5, err_msg=name)


def test_the_stand_in_refuses_what_cupy_refuses(cupy):
    a, b = cupy.asarray(np.ones(3)), np.ones(3)
    for mix in (lambda: a + b, lambda: b @ a, lambda: a[np.array([0])], lambda: cupy.where(b > 0, a, a)):
        with pytest.raises(TypeError, match="met"):
            mix()
    with pytest.raises(TypeError, match="met"):
        a[:] = b
    assert isinstance(a.sum(), DeviceArray)
