"""Classifiers as functions: gradients against the formulas, standardization, answers, files and bad values."""

from __future__ import annotations

import math

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import value_and_grad
from gradient_checks import agree, gradients, randomize, values

import rnnlm
from rnnlm.checks.formulas import convolution as images
from rnnlm.checks.formulas import losses, normalization
from rnnlm.checks.formulas import recurrent as ref
from rnnlm.errors import DataError, UsageError
from rnnlm.layers.standardize import HOW
from rnnlm.models import ConvNet, FeedForward, load, load_any, load_classifier
from rnnlm.models.classifier import LOSSES
from rnnlm.ops import ops_for

SEED, STEP, RATE, SCALE = 5, 3, 0.4, 0.7
ABC = ("a", "b", "c")


def one_hot(target):
    return [float(target == k) for k in range(len(ABC))]


FORMULAS = {
    "cross-entropy": losses.cross_entropy,
    "hinge": losses.hinge,
    "squared": lambda y, target: losses.squared_error(y, anp.array(one_hot(target))),
}


def learnt(model, x):
    """Random weights, and the statistics of some inputs."""
    model.standardize.learn(x)
    randomize(model.network.params, 2)
    for name, param in model.params.items():
        if name.endswith("variance"):
            param.value[...] = np.abs(param.value) + 0.5
    return model


def mask(shape, number, train=(SEED, STEP), rate=RATE):
    return ops_for(np.zeros(0)).dropout_mask(shape, rate, (train[0] * 64 + number, train[1]), np.float64)


def total(model, y, outputs_of):
    """Σ loss by the formulas, as a function of all the network's arrays; `outputs_of` maps them to rows."""
    f = FORMULAS[model.config["loss"]]
    return lambda p: sum(f(row, target) for row, target in zip(outputs_of(p), y, strict=True))


def check(model, x, y, outputs_of, train=(SEED, STEP)):
    """The losses and their gradient, twice the backward being twice the gradient."""
    p = values(model.network.params)
    value, expected = value_and_grad(total(model, y, outputs_of))(p)
    moved = [name for name in p if name.endswith(("mean", "variance"))]  # of batches; no gradient touches them
    loss, outputs, tape = model.forward(x, y, train=train)
    np.testing.assert_allclose(outputs, np.array(outputs_of(p)), rtol=1e-9, atol=1e-12)
    agree(float(loss.sum()) * np.ones(1), value * np.ones(1))
    for times in (1, 2):
        model.backward(tape, SCALE)
        found = gradients(model.network.params)
        agree(found, {name: 0 * g if name in moved else times * SCALE * g for name, g in expected.items()})
    assert all(not param.grad.any() for param in model.standardize.params.values())
    assert any(np.abs(g).max() > 1e-3 for g in found.values())


def data(shape, N=4, seed=0):
    x = np.random.default_rng(seed).normal(1, 2, (N, *shape))
    return x, np.array([2, 0, 1, 1, 2, 0])[:N]


# Gradients of whole networks -----------------------------------------------------------------------


@pytest.mark.parametrize("dropout", [0.0, RATE])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ref.ACTIVATIONS)
def test_feedforward(activation, loss, dropout):
    x, y = data((2, 3))
    config = {"layers": [5, 4], "activation": activation, "loss": loss, "dropout": dropout, "standardize": "each"}
    model = learnt(FeedForward((2, 3), ABC, dtype="float64", **config), x)

    def outputs(p):
        h = ((x - x.mean(0)) / x.std(0)).reshape(4, 6)
        places = (2, 5, 8) if dropout else (2, 4, 6)  # flatten, affine, activation(, dropout), affine …
        for number, (place, units) in enumerate(zip(places, (5, 4), strict=False)):
            h = ref.ACTIVATIONS[activation](ref.affine(h, p[f"{place}.W"], p[f"{place}.b"]))
            h = ref.dropout(h, mask((4, units), number) if dropout else None)
        return ref.affine(h, p[f"{places[2]}.W"], p[f"{places[2]}.b"])

    check(model, x, y, outputs)


@pytest.mark.parametrize("train", [None, (SEED, STEP)], ids=["used", "learning"])
def test_convnet_of_every_block(train):
    """In training with the batch's statistics and masks, in use with the running ones and none."""
    x, y = data((5, 6, 2))
    blocks = ["conv 4 3 stride 2 pad 1", "norm", "conv 4 2 pad same groups 2", "batch", "pool 2 stride 1 pad 1",
              "layer", "average 2 stride 1", "dropout 0.4", "affine 6", "batch", "dropout 0.4"]  # fmt: skip
    model = learnt(ConvNet((5, 6, 2), ABC, blocks=blocks, activation="tanh", dtype="float64"), x)
    start = values(model.network.params)

    def batch(x, p, place):
        gain, b = p[f"{place}.gain"], p[f"{place}.b"]
        rows = x.reshape(-1, x.shape[-1])
        if train:
            return normalization.batch_norm(list(rows), gain, b, 1e-5).reshape(x.shape)
        running = start[f"{place}.mean"], start[f"{place}.variance"]
        return normalization.batch_norm_inference(rows, gain, b, *running, 1e-5).reshape(x.shape)

    def dropped(x, number):
        return x * mask(x.shape, number) if train else x

    def outputs(p):
        h = (x - x.mean(0)) / (x - x.mean(0)).std()
        h = anp.tanh(images.convolution(h, p["1.W"], p["1.b"], (2, 2), ((1, 1), (1, 1))))  # (4, 3, 3, 4)
        h = normalization.each(lambda a: normalization.local_response(a, 5, 2.0, 1e-4, 0.75), h)
        h = anp.tanh(images.convolution(h, p["4.W"], p["4.b"], (1, 1), ((0, 1), (0, 1)), groups=2))
        h = batch(h, p, 6)
        h = images.max_pool(h, (2, 2), (1, 1), ((1, 1), (1, 1)))  # (4, 4, 4, 4)
        h = normalization.each(lambda a: normalization.layer_norm(a, p["8.gain"], p["8.b"], 1e-5), h)
        h = dropped(images.average_pool(h, (2, 2), (1, 1), ((0, 0), (0, 0))), 0)  # (4, 3, 3, 4)
        h = anp.tanh(ref.affine(h.reshape(4, 36), p["12.W"], p["12.b"]))
        h = dropped(batch(h, p, 14), 1)
        return ref.affine(h, p["16.W"], p["16.b"])

    names = [type(layer).__name__ for layer in model.network.layers]
    assert names == ["Convolution2d", "Activation", "LocalResponseNorm", "Convolution2d", "Activation", "BatchNorm",
                     "MaxPool2d", "LayerNorm", "AveragePool2d", "Dropout", "Flatten", "Affine", "Activation",
                     "BatchNorm", "Dropout", "Affine"]  # fmt: skip
    check(model, x, y, outputs, train)


def test_a_convolution_that_is_not_first_passes_its_gradient_on():
    """Central differences of the loss over the first layer's weights, for activations with kinks and another loss."""
    x, y = data((4, 4, 1))
    blocks = ["conv 2 3", "conv 3 2", "pool 1", "affine 3"]
    model = learnt(ConvNet((4, 4, 1), ABC, blocks=blocks, loss="hinge", activation="elu", dtype="float64"), x)
    _, _, tape = model.forward(x, y, train=(1, 1))
    model.backward(tape, 1.0)
    rng, h = np.random.default_rng(3), 1e-6
    for name, param in model.network.params.items():
        direction, before = rng.normal(size=param.value.shape), param.value.copy()
        sums = []
        for sign in (1, -1):
            param.value[...] = before + sign * h * direction
            sums.append(model.forward(x, y)[0].sum())
        param.value[...] = before
        expected = (sums[0] - sums[1]) / (2 * h)
        assert (param.grad * direction).sum() == pytest.approx(expected, rel=1e-6, abs=1e-8), name


@pytest.mark.parametrize("standardize", HOW)
def test_in_float32_it_is_the_same_network(standardize):
    x, y = data((5, 5, 1))
    models = [
        ConvNet((5, 5, 1), ABC, blocks=["conv 3 2", "batch", "affine 4"], standardize=standardize, dtype=dtype)
        for dtype in ("float32", "float64")
    ]
    found = []
    for model in models:
        model.standardize.learn(x)
        loss, outputs, tape = model.forward(x, y, train=(1, 1))
        model.backward(tape, 0.25)
        found.append([loss, outputs, *(param.grad for param in model.network.params.values())])
        assert {array.dtype.name for array in found[-1]} == {model.config["dtype"]}
        assert {param.value.dtype.name for param in model.params.values()} == {model.config["dtype"]}
        assert model.outputs(x).dtype == model.config["dtype"]
    for single, double in zip(*found, strict=True):
        np.testing.assert_allclose(single, double, rtol=2e-4, atol=2e-5)


# Standardization -----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", HOW)
def test_standardization_is_learnt_from_the_inputs_and_stored(how, tmp_path):
    x = np.random.default_rng(0).normal(3, 2, (50, 4)).astype(np.float32)
    x[:, 2] = 7  # never changes
    model = FeedForward((4,), ABC, layers=[], standardize=how, dtype="float64")
    model.standardize.learn(x)
    model.save(tmp_path / "m.rnnlm")
    found = {
        name: param.value
        for name, param in load_classifier(tmp_path / "m.rnnlm").params.items()
        if name.startswith("standardize")
    }
    rows = x.astype(np.float64).tolist()
    mean = [math.fsum(column) / 50 for column in zip(*rows, strict=True)]
    square = [math.fsum((v - m) ** 2 for v in c) / 50 for c, m in zip(zip(*rows, strict=True), mean, strict=True)]
    scale = {"none": [], "mean": [math.sqrt(sum(square) / 4)], "each": [math.sqrt(s) or 1.0 for s in square]}[how]
    if how == "none":
        assert found == {}
    else:
        np.testing.assert_allclose(found["standardize.mean"], mean, rtol=1e-12)
        np.testing.assert_allclose(found["standardize.scale"], scale, rtol=1e-12)
        if how == "each":
            assert found["standardize.scale"][2] == 1
    z = np.array(rows) if how == "none" else (np.array(rows) - mean) / scale
    p = values(model.network.params)
    np.testing.assert_allclose(model.outputs(x), z @ p["2.W"] + p["2.b"], rtol=1e-9)


# Answers -------------------------------------------------------------------------------------------


@pytest.fixture
def convnet():
    x, _ = data((6, 6, 1), N=6)
    blocks = ["conv 3 3", "batch", "dropout 0.5", "affine 8", "dropout 0.5"]
    return learnt(ConvNet((6, 6, 1), ABC, blocks=blocks, dtype="float64"), x), x


def test_answers_have_no_dropout_and_take_the_running_statistics(convnet):
    model, x = convnet
    before = values(model.params)
    p = values(model.network.params)
    h = (x - before["standardize.mean"]) / before["standardize.scale"]
    h = np.maximum(images.convolution(h, p["1.W"], p["1.b"], (1, 1), ((0, 0), (0, 0))), 0)
    running = p["3.gain"], p["3.b"], p["3.mean"], p["3.variance"]
    h = normalization.batch_norm_inference(h, *running, 1e-5).reshape(6, -1)
    expected = np.maximum(h @ p["6.W"] + p["6.b"], 0) @ p["9.W"] + p["9.b"]
    np.testing.assert_allclose(model.outputs(x), expected, rtol=1e-9)
    np.testing.assert_array_equal(model.predict(x), expected.argmax(1))
    P = np.exp(expected) / np.exp(expected).sum(1, keepdims=True)
    np.testing.assert_allclose(model.probabilities(x), P, rtol=1e-9)
    agree(values(model.params), before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_probabilities_sum_to_one_also_of_huge_outputs(dtype):
    model = FeedForward((3,), ABC, layers=[4], dtype=dtype)
    for factor in (1, 1e3, 1e5):
        P = model.probabilities(factor * data((3,))[0])
        assert P.shape == (4, 3)
        assert P.dtype == dtype
        assert (P >= 0).all()
        np.testing.assert_allclose(P.sum(1), 1, rtol=1e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("batch", [1, 4, 5, 6, 1000])
def test_answers_do_not_depend_on_the_batch(convnet, batch):
    model, x = convnet
    np.testing.assert_allclose(model.outputs(x, batch), model.outputs(x), rtol=1e-12)
    np.testing.assert_allclose(model.probabilities(x, batch), model.probabilities(x), rtol=1e-12)
    assert model.predict(x, batch).tolist() == model.predict(x).tolist()


def test_answers_to_no_inputs_at_all(convnet):
    assert convnet[0].outputs(convnet[1][:0]).shape == (0, 3)


def test_training_moves_the_running_statistics_by_the_batchs_own(convnet):
    model, x = convnet
    before = values(model.network.params)
    model.forward(x, np.array([0, 1, 2, 0, 1, 2]), train=(1, 1))
    h = (x - model.params["standardize.mean"].value) / model.params["standardize.scale"].value
    a = images.convolution(h, before["1.W"], before["1.b"], (1, 1), ((0, 0), (0, 0)))
    rows = np.maximum(a, 0).reshape(-1, 3)
    mean = 0.9 * before["3.mean"] + 0.1 * rows.mean(0)
    variance = 0.9 * before["3.variance"] + 0.1 * rows.var(0, ddof=1)
    np.testing.assert_allclose(model.network.params["3.mean"].value, mean, rtol=1e-10)
    np.testing.assert_allclose(model.network.params["3.variance"].value, variance, rtol=1e-10)


# Files ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("how", HOW)
def test_save_and_load_change_no_bit(tmp_path, dtype, how):
    blocks = ["conv 3 3", "batch", "layer", "dropout 0.5", "affine 8"]
    config = {"standardize": how, "dtype": dtype, "seed": 3}
    x, _ = data((6, 6, 1), N=6)
    labels = ("grün", 'a, "b"', "日本")
    for model in (
        ConvNet((6, 6, 1), labels, blocks=blocks, activation="elu", **config),
        FeedForward((6, 6, 1), labels, layers=(7, 5), dropout=0.3, loss="hinge", **config),
    ):
        learnt(model, x)
        model.log.append({"kind": "run", "command": "x"})
        model.save(tmp_path / "m.rnnlm")
        again = rnnlm.load_classifier(tmp_path / "m.rnnlm")
        assert type(again) is type(model)
        assert (again.shape, again.labels, again.config, again.log) == (model.shape, labels, model.config, model.log)
        first, second = values(model.params), values(again.params)
        assert first.keys() == second.keys()
        for name in first:
            assert first[name].dtype == second[name].dtype == dtype
            np.testing.assert_array_equal(first[name], second[name])
        np.testing.assert_array_equal(again.outputs(x), model.outputs(x))
        again.save(tmp_path / "again.rnnlm")
        assert (tmp_path / "again.rnnlm").read_bytes() == (tmp_path / "m.rnnlm").read_bytes()


def test_a_loaded_classifier_can_learn_on(tmp_path):
    x, y = data((3,))
    model = FeedForward((3,), ABC, layers=[4], dtype="float64")
    model.save(tmp_path / "m.rnnlm")
    found = []
    for one in (model, load_classifier(tmp_path / "m.rnnlm")):
        _, _, tape = one.forward(x, y, train=(1, 1))
        one.backward(tape, 1.0)
        found.append(gradients(one.network.params))
    agree(*found)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A classifier and a language model."""
    folder = tmp_path_factory.mktemp("files")
    FeedForward((3,), ABC, layers=[2]).save(folder / "c.rnnlm")
    (folder / "text.txt").write_text("a b\n" * 30)
    rnnlm.train(folder / "text.txt", hidden=2, streams=2, max_updates=1, output=folder / "lm.rnnlm")
    return folder


def test_each_kind_of_model_has_its_own_door(files):
    with pytest.raises(DataError, match=r"c\.rnnlm holds a classifier \(feedforward\).*`rnnlm classify`.*load_classif"):
        load(files / "c.rnnlm")
    with pytest.raises(DataError, match=r"lm\.rnnlm holds a language model \(rnnlm\).*rnnlm\.load\."):
        load_classifier(files / "lm.rnnlm")
    assert (load_any(files / "c.rnnlm").kind, load_any(files / "lm.rnnlm").kind) == ("feedforward", "rnnlm")
    with pytest.raises(DataError, match=r"nothing\.rnnlm cannot be read"):
        load_classifier(files / "nothing.rnnlm")
    with pytest.raises(DataError, match=r"text\.txt is not a model"):
        load_classifier(files / "text.txt")


@pytest.mark.parametrize(
    "arguments", ["ppl c.rnnlm text.txt", "ppl lm.rnnlm c.rnnlm text.txt", "sample c.rnnlm", "score c.rnnlm text.txt",
                  "cache c.rnnlm -o o.rnnlm", "ensemble lm.rnnlm c.rnnlm --weights 1,1 -o o.rnnlm",
                  "compare c.rnnlm lm.rnnlm text.txt"]
)  # fmt: skip
def test_commands_for_language_models_refuse_a_classifier(files, arguments, capsys, monkeypatch):
    from rnnlm.cli import run

    monkeypatch.chdir(files)
    assert run(arguments.split()) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("rnnlm: error: c.rnnlm holds a classifier (feedforward), not a language model. Use it with ")
    assert not (files / "o.rnnlm").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("drop", r"its settings ask for weights of the shape \(3, 2\) in float32, and the file has none"),
        ("shape", r"its settings ask for weights of the shape \(3, 2\) in float32, and the file has none"),
        ("config", "the entry config.depth is not known"),
    ],
)
def test_a_file_that_does_not_fit_its_header_is_refused(files, tmp_path, change, said):
    from rnnlm import storage

    header, arrays = storage.read(files / "c.rnnlm", "model")
    if change == "drop":
        del arrays["network.2.W"]
    elif change == "shape":
        arrays["network.2.W"] = np.zeros((9, 9), np.float32)
    else:
        header["config"]["depth"] = 3
    storage.write(tmp_path / "m.rnnlm", "model", header, arrays)
    with pytest.raises(DataError, match=rf"m\.rnnlm.*: .*{said}"):
        load_classifier(tmp_path / "m.rnnlm")


# Bad values ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [FeedForward, ConvNet])
@pytest.mark.parametrize(
    ("change", "error", "fragment"),
    [
        ({"shape": ()}, UsageError, r"shape=\(\) is no shape"),
        ({"shape": (3, 0, 1)}, UsageError, r"shape=\(3, 0, 1\) is no shape"),
        ({"labels": ()}, DataError, "only the class none"),
        ({"labels": ("a",)}, DataError, "only the class a, so there is nothing to tell apart"),
        ({"labels": ("a", "b", "a")}, DataError, "the label 'a' stands for two classes"),
        ({"loss": "ctc"}, UsageError, "loss='ctc' is not known. Give one of cross-entropy, hinge, squared"),
        ({"activation": "sine"}, UsageError, "activation='sine' is not known"),
        ({"standardize": "all"}, UsageError, "standardization 'all' is not known. Give one of none, mean, each"),
        ({"seed": -1}, UsageError, "seed=-1 is too small. Give seed >= 0"),
        ({"dtype": "float16"}, UsageError, "dtype='float16' is not known"),
    ],
)
def test_bad_values(kind, change, error, fragment):
    given = {"shape": (16, 16, 1), "labels": ABC, **change}
    with pytest.raises(error, match=fragment):
        kind(given.pop("shape"), given.pop("labels"), **given)


@pytest.mark.parametrize(
    ("config", "fragment"),
    [
        ({"layers": [5, 0]}, "a layer of 0 units is not possible"),
        ({"layers": [-1]}, "a layer of -1 units"),
        ({"dropout": 1.0}, "dropout=1.0 is not possible. Give 0 <= dropout < 1"),
        ({"dropout": -0.1}, "dropout=-0.1 is not possible. Give 0 <= dropout < 1"),
        ({"dropout": 2, "layers": []}, "dropout=2 is not possible. Give 0 <= dropout < 1"),
    ],
)
def test_bad_values_of_feedforward(config, fragment):
    with pytest.raises(UsageError, match=fragment):
        FeedForward((3,), ABC, **config)


def test_bad_inputs():
    model = FeedForward((2, 3), ABC, loss="hinge")
    for call in (model.outputs, model.predict, lambda x: model.forward(x, np.zeros(len(x), int))):
        with pytest.raises(UsageError, match=r"inputs of the shape \(6,\) do not fit, .* takes \(2, 3\)\. Give"):
            call(np.zeros((4, 6)))
    with pytest.raises(UsageError, match="batch=0 is too small"):
        model.outputs(np.zeros((4, 2, 3)), batch=0)
    with pytest.raises(UsageError, match=r"trained with the loss hinge has no probabilities\. Take its outputs"):
        model.probabilities(np.zeros((4, 2, 3)))
    with pytest.raises(UsageError, match=r"the target 3 of row 0 is no class"):
        model.forward(np.zeros((1, 2, 3)), np.array([3]))
