"""The trainer: what it does with windows, epochs, limits and numbers that are not finite."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rnnlm.errors import TrainingError, UsageError
from rnnlm.evaluation import perplexity
from rnnlm.models import ElmanLM, MikolovLM
from rnnlm.optim.schedules import Decision
from rnnlm.text import Corpus
from rnnlm.training import OPTIMIZERS, SGD, Adagrad, Constant, Halving, Run, Schedule, Settings, Trainer
from rnnlm.training.events import Epoch, Update

TEXT = "\n".join(" ".join(f"w{(3 * i + j * j) % 13}" for j in range(2 + i % 5)) for i in range(120))


@pytest.fixture(scope="module")
def corpus():
    return Corpus.from_text(TEXT)


def trained(corpus, *, model=MikolovLM, optimizer=Adagrad, rate=0.1, events=None, valid=None, config=None, **settings):
    lm = model(corpus.vocabulary, **({"hidden": 9, "seed": 2, "dtype": "float64", "classes": 4} | (config or {})))
    trainer = Trainer(lm, optimizer(lm.params, rate), observers=[] if events is None else [events.append], **settings)
    return lm, trainer, trainer.fit(corpus, valid)


def test_ten_losses_of_a_seeded_run(corpus):
    """The first ten windows' mean losses (nats), as computed when gradients were checked against autograd."""
    events = []
    trained(corpus, events=events, streams=4, block=5, horizon=8, max_updates=10)
    losses = [event.nll for event in events if isinstance(event, Update)]
    np.testing.assert_allclose(losses, TEN_LOSSES, rtol=1e-6)


TEN_LOSSES = [
    2.579730980,
    3.291947240,
    2.678249846,
    2.550682948,
    2.603118381,
    2.589271806,
    2.725540373,
    2.523797551,
    2.552039745,
    2.582570417,
]


@pytest.mark.parametrize(("streams", "block"), [(1, 1), (1, 50), (3, 7), (8, 20), (37, 4)])
def test_every_token_is_learnt_from_once(corpus, streams, block):
    events = []
    trained(corpus, events=events, streams=streams, block=block, epochs=1)
    updates = [event for event in events if isinstance(event, Update)]
    assert sum(event.tokens for event in updates) == len(corpus) == updates[-1].done == updates[-1].total


def test_the_epochs_loss_is_the_mean_over_its_tokens(corpus):
    events = []
    trained(corpus, events=events, streams=3, block=7, epochs=1)
    *updates, epoch = events
    assert isinstance(epoch, Epoch)
    mean = sum(event.nll * event.tokens for event in updates) / len(corpus)
    assert epoch.train_nll == pytest.approx(mean, rel=1e-12) == updates[-1].mean_nll


def test_elmans_procedure_of_1990_is_one_step_of_gradient(corpus):
    """block = horizon = 1, one stream: a step after each word, down its own gradient, the earlier state held fixed."""
    lm, _, _ = trained(
        corpus, model=ElmanLM, optimizer=SGD, rate=0.3, streams=1, block=1, max_updates=3, config={"classes": 0}
    )
    W, b = (np.zeros((9, 9)), np.zeros(9))
    again = ElmanLM(corpus.vocabulary, hidden=9, seed=2, dtype="float64", classes=0)
    E, W, b, V, c = (
        again.params[name].value.copy()
        for name in ("embedding.W", "recurrent.0.W", "recurrent.0.b", "output.W", "output.b")
    )
    h, word = np.zeros(9), 0
    for target in corpus.ids[:3]:
        before = h
        h = np.tanh(E[word] + before @ W + b)
        p = np.exp(V @ h + c)
        p /= p.sum()
        p[target] -= 1
        da = (V.T @ p) * (1 - h * h)
        V -= 0.3 * np.outer(p, h)
        c -= 0.3 * p
        W -= 0.3 * np.outer(before, da)
        b -= 0.3 * da
        E[word] -= 0.3 * da
        word = target
    for name, value in zip(("embedding.W", "recurrent.0.W", "output.W"), (E, W, V), strict=True):
        np.testing.assert_allclose(lm.params[name].value, value, rtol=1e-12, err_msg=name)


def test_the_best_epoch_is_kept_and_a_worse_one_undone(corpus):
    """A schedule that blows the rate up after two epochs: the weights of the best epoch are back at the end."""

    class Explode(Schedule):
        def factor(self, epoch):
            return 30.0 if epoch >= 2 else 1.0

    events = []
    lm, trainer, reason = trained(
        corpus, events=events, valid=corpus, streams=4, block=5, schedule=Explode(patience=2), epochs=9, clip=None
    )
    epochs = [event for event in events if isinstance(event, Epoch)]
    best = min(epochs, key=lambda event: event.valid_nll)
    assert reason == "no better epoch in the last 2"
    assert epochs[-1].epoch == best.epoch + 2
    assert [event.restored for event in epochs[-2:]] == [True, True]
    assert trainer.progress.best_epoch == best.epoch
    assert perplexity(lm, corpus).nll == pytest.approx(best.valid_nll, rel=1e-12)
    assert epochs[-1].valid_nll > best.valid_nll


def test_halving_halves_the_rate_that_is_used(corpus):
    events = []
    schedule = Halving(min_improvement=3.0)  # no epoch gains a factor of 3: the second one starts, the third one ends
    _, _, reason = trained(corpus, events=events, valid=corpus, streams=4, block=5, schedule=schedule, epochs=9)
    epochs = [event for event in events if isinstance(event, Epoch)]
    assert [event.learning_rate for event in epochs] == [0.1, 0.1, 0.05]
    assert "while halving" in reason


def test_the_rate_rises_in_the_warm_up(corpus):
    """SGD, the norm clipped to 1: the first updates move the weights by exactly the risen rate."""
    moved = []

    class Measured(SGD):
        def step(self):
            before = {name: param.value.copy() for name, param in self.params.items()}
            super().step()
            moved.append(sum(((p.value - before[n]) ** 2).sum() for n, p in self.params.items()) ** 0.5)

    _, trainer, _ = trained(
        corpus, optimizer=Measured, rate=0.5, streams=4, block=5, clip=1e-3, warmup=4, max_updates=6
    )
    np.testing.assert_allclose(moved, 0.5e-3 * np.array([0.25, 0.5, 0.75, 1, 1, 1]), rtol=1e-9)
    assert trainer.optimizer.learning_rate == 0.5


def test_limits_end_a_run(corpus):
    events = []
    _, trainer, reason = trained(corpus, events=events, streams=4, block=5, max_updates=11)
    assert (reason, trainer.progress.updates) == ("11 updates done", 11)
    _, trainer, reason = trained(corpus, streams=4, block=5, epochs=2)
    assert (reason, trainer.progress.epoch) == ("2 epochs done", 3)


def test_a_loss_that_is_not_finite_stops_the_run(corpus):
    with pytest.raises(TrainingError, match=r"at update \d+ .*learning rate 1e\+38.*Try"), np.errstate(all="ignore"):
        trained(corpus, optimizer=SGD, rate=1e38, streams=4, block=5, epochs=3, config={"dtype": "float32"})


def test_without_validation_the_training_loss_decides(corpus):
    events = []
    trained(corpus, events=events, streams=4, block=5, epochs=3)
    epochs = [event for event in events if isinstance(event, Epoch)]
    assert [event.valid_nll for event in epochs] == [None] * 3
    assert epochs[2].train_nll < epochs[0].train_nll < math.log(14)
    assert all(event.best for event in epochs)


def test_clipping_bounds_what_an_update_moves(corpus):
    """SGD with rate 1 and the norm clipped to 0.01 moves the weights by at most 0.01 an update."""
    lm, _, _ = trained(corpus, optimizer=SGD, rate=1.0, streams=4, block=5, clip=0.01, max_updates=1)
    start = MikolovLM(corpus.vocabulary, hidden=9, seed=2, dtype="float64", classes=4)
    moved = sum(((lm.params[n].value - start.params[n].value) ** 2).sum() for n in lm.params) ** 0.5
    assert moved == pytest.approx(0.01, rel=1e-9)


def test_an_observer_is_told_of_every_update_and_epoch_in_order(corpus):
    events = []
    trained(corpus, events=events, streams=4, block=50, epochs=2, schedule=Constant())
    kinds = "".join("u" if isinstance(event, Update) else "e" for event in events)
    windows = math.ceil(math.ceil(len(corpus) / 4) / 50)
    assert kinds == ("u" * windows + "e") * 2


@pytest.mark.parametrize(
    ("settings", "fragment"),
    [
        ({"block": 5, "horizon": 4}, "horizon=4 is shorter than block=5"),
        ({"block": 0}, "block=0"),
        ({"streams": 0}, "streams=0"),
        ({"epochs": 0}, "epochs=0"),
        ({"max_updates": 0}, "max_updates=0"),
        ({"clip": -1.0}, "clip=-1.0"),
        ({"clip": math.nan}, "clip=nan"),
        ({"clip_by": "length"}, "clip_by='length'"),
    ],
)
def test_values_out_of_range(corpus, settings, fragment):
    with pytest.raises(UsageError, match=fragment):
        trained(corpus, **settings)


def test_more_streams_than_words(corpus):
    with pytest.raises(UsageError, match=rf"streams={len(corpus) + 1}.*{len(corpus)} tokens"):
        trained(corpus, streams=len(corpus) + 1)


def test_a_schedule_decides_with_what_it_is_told(corpus):
    told = []

    class Listen(Constant):
        def after_epoch(self, epoch, nll):
            told.append((epoch, nll))
            return Decision(1.0, False, "heard enough" if epoch == 2 else "")

    events = []
    _, _, reason = trained(corpus, events=events, valid=corpus, streams=4, block=5, schedule=Listen(), epochs=9)
    assert reason == "heard enough"
    assert told == [(event.epoch, event.valid_nll) for event in events if isinstance(event, Epoch)]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("activation", ["tanh", "logistic", "relu", "clipped_relu", "leaky_relu", "elu"])
def test_default_rates_learn(tmp_path, activation, optimizer):
    """With no rate given, every activation under every optimizer ends below the unigram perplexity of the text."""
    (tmp_path / "text.txt").write_text(TEXT * 20)
    choice = {"model": "elman", "activation": activation, "optimizer": optimizer, "epochs": 6}
    run = Run(Settings.of(text=tmp_path / "text.txt", **choice))
    run.fit()
    share = run.data.train.vocabulary.counts / len(run.data.train)
    unigram = math.exp(-(share * np.log(share)).sum())
    assert perplexity(run.model, run.data.valid).ppl < unigram


def test_gradients_are_exchanged_before_they_are_clipped(corpus):
    """Two processes with the same text: each adds the other's gradient to its own, and the clip sees the sum."""

    def add_the_same(params):
        for param in params.values():
            if param.gradient() is not None:
                param.grad += param.grad.copy()
                param.touch()

    settings = {"streams": 4, "block": 5, "max_updates": 3, "optimizer": SGD}
    together, _, _ = trained(corpus, rate=0.1, exchange=add_the_same, **settings)
    twice, _, _ = trained(corpus, rate=0.2, **settings)
    for name, param in together.params.items():
        np.testing.assert_allclose(param.value, twice.params[name].value, rtol=1e-12, err_msg=name)
    events = []
    trained(corpus, rate=0.1, exchange=add_the_same, clip=1e-3, events=events, **settings)
    alone = []
    trained(corpus, rate=0.1, clip=1e-3, events=alone, **settings)
    norms = [[event.norm for event in heard if isinstance(event, Update)] for heard in (events, alone)]
    assert norms[0][0] == pytest.approx(2 * norms[1][0])
