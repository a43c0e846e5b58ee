"""How often the host waits for the GPU while a model learns: never, but for the numbers that somebody looks at.

No GPU is needed or used: the stand-in for CuPy counts what would wait, with our kernels and with plain array code.
"""

from __future__ import annotations

import numpy as np
import pytest
from stand_in import record

from rnnlm import ops
from rnnlm.cli import progress
from rnnlm.cli.progress import ClassifierProgressBar, ProgressBar
from rnnlm.datasets import Dataset
from rnnlm.errors import TrainingError
from rnnlm.models import CLASSIFIERS, MODELS
from rnnlm.text import Corpus
from rnnlm.training import OPTIMIZERS, ClassifierTrainer, Trainer
from rnnlm.training.checkpoint import Checkpoint
from rnnlm.training.events import Update

TEXT = "\n".join(" ".join(f"w{(3 * i + j * j) % 23}" for j in range(2 + i % 5)) for i in range(60))
CORPUS = Corpus.from_text(TEXT)
UPDATES = 7
LABELS = ("a", "b", "c", "d")
BLOCKS = ["conv 4 3", "batch", "pool 2", "norm", "conv 4 2 groups 2", "affine 6", "layer"]


@pytest.fixture(params=[True, False], ids=["kernels", "array code"])
def device(cupy, request):
    """The stand-in with our kernels, and without them."""
    ops.use("numpy")
    ops.use_kernels(request.param)
    yield cupy
    ops.use_kernels(True)


def text_trainer(config, optimizer, module=None, **settings):
    config = {"hidden": 5, "seed": 3, "dropout": 0.2, "dtype": "float64", **config}
    model = MODELS[config.pop("kind")](CORPUS.vocabulary, **config)
    return trainer_of(Trainer, model, optimizer, module, {"streams": 1, "block": 2, **settings}), CORPUS


def vector_trainer(kind, shape, config, optimizer, module=None, **settings):
    rng = np.random.default_rng(0)
    data = Dataset(rng.normal(size=(320, *shape)).astype(np.float32), rng.integers(0, 4, 320), LABELS)
    model = CLASSIFIERS[kind](shape, LABELS, dtype="float64", **config)
    return trainer_of(ClassifierTrainer, model, optimizer, module, {"batch": 3, **settings}), data


def trainer_of(kind, model, optimizer, module, settings):
    if module is not None:
        for param in model.params.values():
            param.set(module.asarray(param.value))
    chosen = OPTIMIZERS[optimizer](model.params, 0.05, l2=1e-3, decay=1e-3)
    return kind(model, chosen, epochs=1, **{"max_updates": UPDATES, **settings})


def counted(trainer, data, *observers):
    """Train, and how often the host waited in each window: between one update's end and the next one's."""
    waits = []

    def count(event):
        if isinstance(event, Update):
            waits.append(record.syncs)
            record.clear()

    # The first window begins with what an epoch does once.
    trainer.observers += [*observers, count]
    record.clear()
    trainer.fit(data)
    return waits


def logged(trainer):
    return {entry["updates"]: (entry["nll"], entry["norm"]) for entry in trainer.model.log if "norm" in entry}


NONE, NORM, VALUE = {}, {"clip": 0.1}, {"clip": 0.01, "clip_by": "value"}
CASES = {
    "elman": (text_trainer, {"kind": "elman", "classes": 0, "layers": 2}, "adam", NORM),
    "block BPTT": (text_trainer, {"kind": "elman", "classes": 0}, "sgd", {"horizon": 5, **VALUE}),
    "rnnlm": (text_trainer, {"kind": "rnnlm", "classes": 5, "independent": True}, "adagrad", {"horizon": 4, **NORM}),
    "rnnlm by value": (text_trainer, {"kind": "rnnlm", "classes": 5}, "row-adagrad", VALUE),
    "jordan": (text_trainer, {"kind": "jordan", "classes": 0, "feedback": "embedding"}, "row-adagrad", NORM),
    "jordan with classes": (text_trainer, {"kind": "jordan", "classes": 5, "layers": 2}, "rmsprop", NONE),
    "bengio": (text_trainer, {"kind": "bengio", "classes": 5, "order": 4, "direct": True}, "nesterov", NORM),
    "convolution": (text_trainer, {"kind": "convolution", "classes": 0}, "momentum", NONE),
    "feedforward": (vector_trainer, "feedforward", (7,), {"layers": (6, 5), "dropout": 0.2}, "adam", NORM),
    "hinge": (vector_trainer, "feedforward", (7,), {"loss": "hinge"}, "sgd", NONE),
    "convnet": (vector_trainer, "convnet", (9, 8, 2), {"blocks": BLOCKS, "loss": "squared"}, "momentum", VALUE),
}


@pytest.mark.parametrize("case", CASES)
def test_the_host_waits_once_in_a_window_that_is_logged_and_never_in_another(device, case):
    make, *arguments, settings = CASES[case]
    there, data = make(*arguments, device, **settings)
    waits = counted(there, data)
    assert len(waits) == UPDATES
    assert 0 < len(logged(there)) < UPDATES
    assert waits == [int(update in logged(there)) for update in range(1, 1 + UPDATES)]
    here, data = make(*arguments, **settings)
    here.fit(data)
    assert logged(there).keys() == logged(here).keys()
    for update, numbers in logged(here).items():
        assert logged(there)[update] == pytest.approx(numbers, rel=1e-9), update
    ours, theirs = there.model.log[-1], here.model.log[-1]
    assert ours["train_nll"] == pytest.approx(theirs["train_nll"], rel=1e-12)
    assert ours.get("train_accuracy") == theirs.get("train_accuracy")
    for name, param in there.model.params.items():
        value = here.model.params[name].value
        np.testing.assert_allclose(param.value.get(), value, rtol=1e-7, atol=1e-10, err_msg=name)


def test_the_losses_in_single_precision_are_summed_in_double(cupy):
    """2²⁴ + 1 is no number of float32."""
    nll = cupy.asarray(np.array([2.0**24, 1.0], np.float32))
    assert float(ops.ops_for(nll).total(nll)) == 2**24 + 1


def test_numbers_come_in_one_transfer(cupy):
    one, two = cupy.asarray(np.float32(1.5)), cupy.asarray(np.float64(2.5))
    record.clear()
    assert ops.ops_for(one).numbers(one, 7, two) == [1.5, 7.0, 2.5]
    assert record.syncs == 1
    assert ops.backend().numbers(1, np.float32(0.5)) == [1.0, 0.5]


def test_an_observer_that_asks_for_everything_waits_once_an_update(device):
    asked = []

    def ask(event):
        if isinstance(event, Update):
            asked.append((event.nll, event.mean_nll, event.norm))

    there, data = text_trainer({"kind": "elman"}, "sgd", device, clip=0.1)
    assert counted(there, data, ask) == [1] * UPDATES
    here, data = text_trainer({"kind": "elman"}, "sgd", clip=0.1)
    here.observers.append(ask)
    here.fit(data)
    assert asked[:UPDATES] == [pytest.approx(numbers, rel=1e-9) for numbers in asked[UPDATES:]]


@pytest.mark.parametrize(("every", "most"), [(1e9, 0), (0.0, 1)])
@pytest.mark.parametrize(("live", "make"), [(ProgressBar, "rnnlm"), (ClassifierProgressBar, "feedforward")])
def test_the_live_line_asks_only_when_it_is_drawn(cupy, monkeypatch, capsys, live, make, every, most):
    monkeypatch.setattr(progress, "is_terminal", lambda stream: True)
    monkeypatch.setattr(progress, "EVERY", every)
    make, *arguments, settings = CASES[make]
    trainer, data = make(*arguments, cupy, **settings)
    with live() as shown:
        waits = counted(trainer, data, shown)
    assert all(n == (1 if update in logged(trainer) else most) for update, n in enumerate(waits, 1))


def spoil(model, update):
    """An observer that makes a weight no number after so many updates."""

    def change(event):
        if isinstance(event, Update) and event.updates == update:
            next(iter(model.params.values())).value[...] = np.nan

    return change


def test_a_loss_that_is_no_number_is_noticed_at_the_next_look(cupy):
    trainer, data = text_trainer({"kind": "elman"}, "sgd", cupy)
    trainer.observers.append(spoil(trainer.model, 3))
    with pytest.raises(TrainingError, match=r"the loss is nan at update 6 .*Try a tenth"):
        trainer.fit(data)
    assert logged(trainer).keys() == {3}


def test_a_loss_that_was_no_number_for_one_update_is_noticed_too(cupy, monkeypatch):
    """The loss of the logged update itself is fine."""
    trainer, data = text_trainer({"kind": "elman"}, "sgd", cupy)
    learn = trainer._forward_backward

    def once(batch):
        learnt = learn(batch)
        return learnt._replace(loss=learnt.loss * np.nan) if trainer.progress.updates == 3 else learnt

    monkeypatch.setattr(trainer, "_forward_backward", once)
    with pytest.raises(TrainingError, match="the loss is nan at update 6 "):
        trainer.fit(data)


@pytest.mark.parametrize(("first", "told"), [(1, "the loss is nan"), (3, "the gradient norm is inf")])
def test_a_gradient_without_a_length_is_noticed_at_the_next_look(cupy, first, told):
    """By its length where that is looked at, otherwise by what it made of the weights."""
    trainer, data = text_trainer({"kind": "elman"}, "sgd", cupy, clip=0.1)
    W, backward = trainer.model.params["output.W"], trainer.model.backward

    def explode(*arguments):
        if trainer.progress.updates + 1 >= first:  # the update that is being made
            W.add(cupy.full(W.value.shape, np.inf))
        return backward(*arguments)

    trainer.model.backward = explode
    with pytest.raises(TrainingError, match=f"{told} at update 3 "), np.errstate(invalid="ignore"):
        trainer.fit(data)


def test_an_epoch_ends_with_a_look(cupy):
    trainer, data = text_trainer({"kind": "elman"}, "sgd", cupy, max_updates=5)
    trainer.observers.append(spoil(trainer.model, 4))
    with pytest.raises(TrainingError, match="the loss is nan at update 5 "):
        trainer.fit(data)


@pytest.mark.parametrize("clip", [None, 0.1])
def test_a_checkpoint_never_holds_weights_that_are_no_numbers(cupy, monkeypatch, tmp_path, clip):
    """Spoiled by update 4, after a loss that was fine, and a checkpoint is due at once."""
    checkpoint = Checkpoint(tmp_path / "m.checkpoint", {})
    trainer, data = text_trainer({"kind": "elman"}, "sgd", cupy, clip=clip, checkpoint=checkpoint)
    trainer.observers.append(spoil(trainer.model, 4))
    monkeypatch.setattr(Checkpoint, "due", lambda self: trainer.progress.updates in (2, 4))
    with pytest.raises(TrainingError, match=r"the sum of a parameter's weights is nan at update 4 "):
        trainer.fit(data)
    saved = Checkpoint.read(checkpoint.path)
    assert saved.stored.header["progress"]["updates"] == 2
    assert saved.stored.header["progress"]["nll"] > 0
    assert all(np.isfinite(array).all() for array in saved.stored.arrays.values())
