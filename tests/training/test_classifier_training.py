"""The training of classifiers: updates, epochs, what is counted and what is kept."""

from __future__ import annotations

import numpy as np
import pytest
from autograd import grad
from gradient_checks import agree, values
from labelled_examples import bars, xor

from rnnlm.checks.formulas import losses
from rnnlm.checks.formulas import recurrent as ref
from rnnlm.datasets import Dataset, epoch_order
from rnnlm.datasets.shift import shifted
from rnnlm.errors import DataError, TrainingError, UsageError
from rnnlm.evaluation.confusion import Confusion
from rnnlm.models import ConvNet, FeedForward
from rnnlm.ops import ops_for
from rnnlm.optim.schedules import Schedule
from rnnlm.training import SGD, Adam, ClassifierTrainer, Linear, Momentum
from rnnlm.training.classifier_trainer import evaluate
from rnnlm.training.events import Epoch, Update
from rnnlm.training.loop import ValidationScore


def train(model, data, valid=None, *, optimizer=SGD, rate=0.1, events=None, **settings):
    observers = [] if events is None else [events.append]
    trainer = ClassifierTrainer(model, optimizer(model.params, rate), observers=observers, **settings)
    return trainer, trainer.fit(data, valid)


# What is learnt ------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["cross-entropy", "hinge", "squared"])
def test_xor_is_learnt(loss):
    model = FeedForward((2,), ("other", "same"), layers=[24], activation="tanh", loss=loss)
    train(model, xor(80), optimizer=Adam, rate=0.03, epochs=30, batch=8, schedule=Linear(total=30))
    assert evaluate(model, xor(80)).accuracy == 1
    assert evaluate(model, xor(seed=5)).accuracy == 1


def test_no_hidden_layer_cannot_learn_xor():
    model = FeedForward((2,), ("other", "same"), layers=[])
    train(model, xor(200), optimizer=Adam, rate=0.03, epochs=20)
    assert evaluate(model, xor(200)).accuracy < 0.8


def test_colours_are_learnt():
    """The largest of red, green and blue."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (240, 3)) / 255
    x = x[np.diff(np.sort(x), axis=1)[:, -1] > 0.1]
    data = Dataset.make(x, np.array(["red", "green", "blue"])[x.argmax(1)])
    model = FeedForward((3,), data.labels, layers=[20, 20])
    train(model, data, optimizer=Momentum, rate=0.02, epochs=30, batch=16, schedule=Linear(total=30))
    assert evaluate(model, data).accuracy == 1
    assert model.labels[model.predict(np.array([[233, 63, 127]]) / 255)[0]] == "red"


def test_bars_are_learnt_by_a_convolution():
    model = ConvNet((6, 6, 1), ("lies", "stands"), blocks=["conv 6 3", "batch", "pool 2", "affine 10"])
    data, settings = bars(120), {"epochs": 15, "batch": 10, "shift": 1, "schedule": Linear(total=15)}
    train(model, data, data, optimizer=Momentum, rate=0.02, **settings)
    assert evaluate(model, data).accuracy == 1
    assert evaluate(model, bars(60, seed=9)).accuracy > 0.95


# Updates -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["cross-entropy", "hinge", "squared"])
def test_two_updates_are_two_steps_down_the_gradient(loss):
    """A short batch after a whole one: w ← w - η ∇ Σ loss / B, with this update's dropout, B that of a whole batch."""
    data, labels, B, rate = xor(7), ("other", "same"), 5, 0.3
    config = {"layers": [4], "activation": "tanh", "dropout": 0.4, "loss": loss, "dtype": "float64", "seed": 3}
    model = FeedForward((2,), labels, **config)
    p = values(model.network.params)
    train(model, data, rate=rate, epochs=1, batch=B, seed=11)
    x64 = data.x.astype(np.float64)
    z = (x64 - x64.mean(0)) / (x64 - x64.mean(0)).std()
    order = epoch_order(data.y, seed=11, epoch=1)
    f = {
        "cross-entropy": losses.cross_entropy,
        "hinge": losses.hinge,
        "squared": lambda y, t: losses.squared_error(y, np.eye(2)[t]),
    }[loss]
    for step, chosen in enumerate([order[:5], order[5:]]):
        mask = ops_for(z).dropout_mask((len(chosen), 4), 0.4, (11 * 64, step), np.float64)

        def mean_loss(p, chosen=chosen, mask=mask):
            h = ref.dropout(ref.ACTIVATIONS["tanh"](ref.affine(z[chosen], p["2.W"], p["2.b"])), mask)
            out = ref.affine(h, p["5.W"], p["5.b"])
            return sum(f(row, t) for row, t in zip(out, data.y[chosen], strict=True)) / B

        g = grad(mean_loss)(p)
        p = {name: p[name] - rate * g[name] for name in p}
    agree(values(model.network.params), p)


@pytest.mark.parametrize(("N", "batch", "sizes"), [
    (12, 4, [4, 4, 4]), (14, 4, [4, 4, 4, 2]), (13, 4, [4, 4, 5]), (9, 8, [9]), (8, 8, [8]), (3, 100, [3]),
    (4, 1, [1, 1, 1, 1]), (5, 2, [2, 3]),
])  # fmt: skip
def test_every_example_is_learnt_from_once_an_epoch(N, batch, sizes):
    """One that would be left over alone joins the batch before it."""
    events, seen, data = [], [], xor(N)

    class Watched(FeedForward):
        def forward(self, x, y, *, train=None):
            seen.extend(zip(x.tolist(), y.tolist(), strict=True))
            return super().forward(x, y, train=train)

    model = Watched((2,), ("other", "same"), layers=[3])
    train(model, data, events=events, epochs=2, batch=batch)
    updates = [event for event in events if isinstance(event, Update)]
    assert [event.tokens for event in updates] == 2 * sizes
    assert [event.done for event in updates] == 2 * np.cumsum(sizes).tolist()
    assert {event.total for event in updates} == {N}
    every = sorted(zip(data.x.tolist(), data.y.tolist(), strict=True))
    assert sorted(seen[:N]) == sorted(seen[N:]) == every
    if N > 4:
        assert seen[:N] != seen[N:]


def test_batch_norm_bears_an_example_left_over():
    blocks = ["affine 4", "batch"]
    model = ConvNet((2,), ("other", "same"), blocks=blocks)
    _, reason = train(model, xor(9), epochs=1, batch=8)
    assert reason == "1 epoch done"
    with pytest.raises(UsageError, match=r"BatchNorm cannot learn from a batch of 1 row.*Give batches of 2 or more"):
        train(ConvNet((2,), ("other", "same"), blocks=blocks), xor(9), epochs=1, batch=1)


def test_balance_shows_each_class_equally_often():
    shown = []

    class Watched(FeedForward):
        def forward(self, x, y, *, train=None):
            shown.append(np.bincount(y, minlength=2).tolist())
            return super().forward(x, y, train=train)

    data = bars(24)  # 16 lie, 8 stand
    for balance, expected in ((False, [[4, 2]] * 4), (True, [[3, 3]] * 4)):
        shown.clear()
        train(Watched((6, 6, 1), data.labels, layers=[2]), data, epochs=1, batch=6, balance=balance)
        assert shown == expected


def test_the_inputs_are_standardized_by_the_training_part_alone():
    data, valid = xor(20), xor(30, seed=7)
    model = FeedForward((2,), data.labels, layers=[3], standardize="each", dtype="float64")
    train(model, data, valid, epochs=1)
    x = data.x.astype(np.float64)
    np.testing.assert_allclose(model.params["standardize.mean"].value, x.mean(0), rtol=1e-12)
    np.testing.assert_allclose(model.params["standardize.scale"].value, x.std(0), rtol=1e-12)


# Shifts --------------------------------------------------------------------------------------------


class Moves:
    """A generator that says how far: down by the first, right by the second."""

    def __init__(self, *moves):
        self.moves = np.array(moves).T[:, :, None]

    def integers(self, low, high, size):
        assert (low, high, size) == (-1, 2, self.moves.shape)
        return self.moves


def test_shifted_by_hand():
    image = np.array([[1, 2, 3], [4, 5, 6]], float)[None, :, :, None]
    found = shifted(np.repeat(image, 4, 0), 1, Moves((0, 0), (1, 0), (0, -1), (-1, 1)))
    assert found.shape == (4, 2, 3, 1)
    assert found[..., 0].tolist() == [
        [[1, 2, 3], [4, 5, 6]],
        [[1, 2, 3], [1, 2, 3]],  # down: the upper edge comes in
        [[2, 3, 3], [5, 6, 6]],  # left: the right edge comes in
        [[4, 4, 5], [4, 4, 5]],  # up and right
    ]


def test_shifted_draws_every_move_equally_often_and_keeps_channels_together():
    x = np.zeros((5000, 7, 9, 2), np.float32)
    x[:, 3, 4] = 1, 2
    found = shifted(x, 2, np.random.default_rng(0))
    np.testing.assert_array_equal(found[..., 1], 2 * found[..., 0])
    counts = found[..., 0].sum(0)
    assert counts.sum() == 5000
    assert (counts[1:6, 2:7] > 0.75 * 200).all()
    assert (counts[1:6, 2:7] < 1.25 * 200).all()
    assert found.dtype == np.float32
    np.testing.assert_array_equal(shifted(x, 0, np.random.default_rng(0)), x)
    np.testing.assert_array_equal(shifted(x, 2, np.random.default_rng(0)), found)


@pytest.mark.parametrize(("shape", "most"), [((4, 9), 1), ((4, 5, 5), 1), ((4, 5, 6, 1), -1), ((4, 5, 6, 1), 5)])
def test_a_shift_that_cannot_be(shape, most):
    with pytest.raises(UsageError, match=rf"shift={most} is not possible for inputs of .*Give images"):
        shifted(np.zeros(shape), most, np.random.default_rng(0))


def test_images_are_moved_anew_in_each_epoch_and_only_to_learn():
    seen = []

    class Watched(ConvNet):
        def forward(self, x, y, *, train=None):
            seen.append(x)
            return super().forward(x, y, train=train)

    x = np.repeat(bars(1).x, 12, 0)  # one image again and again: the order is not seen, only the moves
    data = Dataset.make(x, ["a", "b"] * 6)
    for shift in (0, 1):
        seen.clear()
        model = Watched((6, 6, 1), data.labels, blocks=["pool 2"])
        train(model, data, data, epochs=2, batch=6, shift=shift)
        batches = [[image.tobytes() for image in batch] for batch in seen]
        assert len(batches) == 4
        assert [[image == x[0].tobytes() for image in batch] == [True] * 6 for batch in batches] == [not shift] * 4
        assert all((a == b) == (not shift) for i, a in enumerate(batches) for b in batches[:i])
        np.testing.assert_allclose(model.params["standardize.mean"].value, data.x.mean(0), rtol=1e-5)


# What is counted -----------------------------------------------------------------------------------


def test_accuracy_and_confusion_by_hand():
    """A linear classifier whose outputs are its inputs."""
    model = FeedForward((3,), ("a", "b", "c"), layers=[], standardize="none", dtype="float64")
    model.network.params["2.W"].value[...] = np.eye(3)
    x = [[9, 1, 0], [0, 5, 1], [0, 0, 3], [1, 2, 0], [4, 0, 0], [0, 7, 2]]
    data = Dataset.make(x, ["a", "a", "c", "b", "a", "b"])
    found = evaluate(model, data)
    assert found.counts.tolist() == [[2, 1, 0], [0, 2, 0], [0, 0, 1]]
    assert (found.examples, found.correct, found.accuracy) == (6, 5, 5 / 6)
    assert found.recall.tolist() == [2 / 3, 1, 1]
    assert found.precision.tolist() == [1, 2 / 3, 1]
    by_hand = [
        np.log(np.exp(row).sum()) - row[t] for row, t in zip(np.array(x, float), [0, 0, 2, 1, 0, 1], strict=True)
    ]
    assert found.loss == pytest.approx(np.mean(by_hand), rel=1e-9)
    assert evaluate(model, data, batch=1).counts.tolist() == found.counts.tolist()
    with pytest.raises(DataError, match="has no labels"):
        evaluate(model, Dataset.make(x))
    events = []
    train(model, data, data, events=events, rate=1e-12, epochs=1, batch=2)
    assert (events[-1].train_accuracy, events[-1].valid_accuracy) == (5 / 6, 5 / 6)
    assert events[-1].train_nll == pytest.approx(found.loss, rel=1e-6) == events[-1].valid_nll


def test_confusion_where_a_class_does_not_occur():
    found = Confusion.of(("a", "b", "c"), np.array([0, 0, 1]), np.array([0, 1, 1]), 0.5)
    np.testing.assert_array_equal(found.recall, [0.5, 1, np.nan])
    np.testing.assert_array_equal(found.precision, [1, 0.5, np.nan])
    assert found.as_dict()["confusion"] == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    nothing = Confusion.of(("a", "b"), np.array([], int), np.array([], int), 0.0)
    assert np.isnan(nothing.accuracy)


def test_log_entries():
    model = FeedForward((2,), ("other", "same"), layers=[3])
    _, reason = train(model, xor(30), xor(20, seed=4), epochs=2, batch=10, warmup=2)
    assert [(entry["kind"], entry["epoch"], entry["updates"]) for entry in model.log] == [
        ("update", 1, 1), ("update", 1, 2), ("update", 1, 3), ("epoch", 1, 3),
        ("update", 2, 4), ("update", 2, 5), ("update", 2, 6), ("epoch", 2, 6),
    ]  # fmt: skip
    epochs = [entry for entry in model.log if entry["kind"] == "epoch"]
    assert set(epochs[0]) == {"kind", "epoch", "updates", "train_nll", "valid_nll", "best", "restored",
                              "learning_rate", "stop", "train_accuracy", "valid_accuracy"}  # fmt: skip
    assert epochs[-1]["stop"] == reason == "2 epochs done"
    for update in (entry for entry in model.log if entry["kind"] == "update"):
        assert update["norm"] > 0
    means = [np.mean([e["nll"] for e in model.log if e["kind"] == "update" and e["epoch"] == n]) for n in (1, 2)]
    np.testing.assert_allclose([entry["train_nll"] for entry in epochs], means, rtol=1e-9)  # batches of one size


# What is kept --------------------------------------------------------------------------------------


def test_fewer_wrong_answers_are_better_whatever_the_loss():
    figures = [
        ValidationScore(9e9, 100, 100),
        ValidationScore(0.1, 99, 100),
        ValidationScore(0.2, 99, 100),
        ValidationScore(5e3, 99, 100),
        ValidationScore(1e-9, 98, 100),
        ValidationScore(0.0, 0, 100),
    ]
    assert sorted(figures, key=lambda judged: judged.figure) == figures
    assert len({judged.figure for judged in figures}) == len(figures)
    assert ValidationScore(1e-5, 9999, 10000).figure < ValidationScore(1.1e-5, 9999, 10000).figure
    assert (ValidationScore(3.5).figure, ValidationScore(3.5).accuracy) == (3.5, None)


@pytest.mark.parametrize(("figures", "best"), [
    ([(0.9, 7), (0.5, 6), (0.8, 8), (0.1, 7)], 3),  # fewer wrong answers, at a larger loss
    ([(0.9, 7), (0.5, 7), (0.6, 7)], 2),  # as many: the smaller loss
    ([(0.5, 7), (0.5, 7)], 1),  # equal: the first
    ([(300.0, 8), (0.5, 7)], 1),
])  # fmt: skip
def test_the_best_epochs_weights_are_kept_running_statistics_too(figures, best):
    states = []

    class Told(ClassifierTrainer):
        def _validate(self, valid):
            states.append(values(self.model.params))
            return ValidationScore(*figures[self.progress.epoch - 1], 10)

    data = bars(12)
    model = ConvNet((6, 6, 1), data.labels, blocks=["conv 2 3", "batch", "affine 3"])
    trainer = Told(model, SGD(model.params, 0.1), epochs=len(figures), batch=6)
    trainer.fit(data, data)
    assert trainer.progress.best_epoch == best
    kept = values(model.params)
    for name in ("standardize.mean", "network.1.W", "network.3.mean", "network.3.variance", "network.3.gain"):
        np.testing.assert_array_equal(kept[name], states[best - 1][name])
    if best < len(figures):
        assert not np.array_equal(kept["network.3.mean"], states[-1]["network.3.mean"])
    assert [entry["epoch"] for entry in model.log if entry["kind"] == "epoch" and entry["best"]][-1] == best


def test_without_validation_the_training_figures_decide():
    model = FeedForward((2,), ("other", "same"), layers=[3])
    trainer, _ = train(model, xor(30), epochs=4)
    epochs = [entry for entry in model.log if entry["kind"] == "epoch"]
    assert {entry["valid_nll"] for entry in epochs} == {entry["valid_accuracy"] for entry in epochs} == {None}
    best = min(epochs, key=lambda entry: (-entry["train_accuracy"], entry["train_nll"]))
    assert trainer.progress.best_epoch == best["epoch"]


def test_a_worse_epoch_is_undone_by_a_schedule_that_says_so():
    class Explode(Schedule):
        def factor(self, epoch):
            return 50.0 if epoch == 2 else 1.0

    events, data = [], bars(24)
    model = ConvNet((6, 6, 1), data.labels, blocks=["conv 2 3", "batch", "affine 3"], dtype="float64")
    train(model, data, data, events=events, rate=0.05, epochs=9, batch=6, clip=1.0, schedule=Explode(patience=1))
    epochs = [event for event in events if isinstance(event, Epoch)]
    best = [event for event in epochs if event.best][-1]
    assert epochs[-1].restored
    found = evaluate(model, data)
    assert (found.accuracy, found.loss) == pytest.approx((best.valid_accuracy, best.valid_nll), rel=1e-12)


# Divergence ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["cross-entropy", "hinge", "squared"])
def test_a_run_that_diverges_says_where_and_what_to_try(loss):
    model = FeedForward((2,), ("other", "same"), layers=[4], loss=loss)
    with (
        np.errstate(all="ignore"),
        pytest.raises(TrainingError, match=r"is (nan|inf|[\d.]+e\+\d+) at update \d+ \(epoch \d+, .*Try a tenth of"),
    ):
        train(model, xor(), rate=1e12, epochs=50, batch=4)


def test_a_hinge_loss_of_many_classes_is_no_divergence():
    """It starts at K - 1 or more: no entropy."""
    rng = np.random.default_rng(0)
    K = 900
    data = Dataset.make(rng.normal(size=(K, 4)), [str(k) for k in range(K)])
    model = FeedForward((4,), data.labels, layers=[], loss="hinge")
    assert evaluate(model, data).loss > 800
    assert train(model, data, rate=1e-6, epochs=1, batch=300)[1] == "1 epoch done"


@pytest.mark.parametrize(("setting", "value"), [("batch", 0), ("epochs", 0), ("max_updates", 0)])
def test_counts_below_one(setting, value):
    model = FeedForward((2,), ("other", "same"))
    with pytest.raises(UsageError, match=rf"{setting}=0 is too small"):
        ClassifierTrainer(model, SGD(model.params, 0.1), **{setting: value})
