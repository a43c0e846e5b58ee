"""The start of a run: rate and warm-up by default, as recorded, and as used."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from small_text import SMALL, TEXT

from rnnlm import storage
from rnnlm.errors import DataError
from rnnlm.evaluation.baselines import baselines
from rnnlm.models import ElmanLM, FeedForwardLM, load
from rnnlm.text import Corpus
from rnnlm.training import Run, Settings, learning_rate
from rnnlm.training.events import Epoch, Update
from rnnlm.training.learning_rate import LearningRate, earlier_learning_rate, learning_rate_of

CORPUS = Corpus.from_text(TEXT)


def chosen(updates=10_000, *, model=ElmanLM, optimizer="adagrad", lr=None, warmup=None, of=learning_rate_of, **options):
    settings = SimpleNamespace(optimizer=optimizer, lr=lr, warmup=warmup)
    return of(settings, model(CORPUS.encoding, **options), updates)


@pytest.mark.parametrize(
    ("activation", "rate", "warmup"),
    [("tanh", 0.1, 400), ("logistic", 0.3, 10), ("relu", 0.02, 144), ("elu", 0.03, 324), ("leaky_relu", 0.02, 144)],
)
def test_the_warm_up_lasts_until_a_step_fits_into_the_recurrent_matrix(activation, rate, warmup):
    """(m η H)² updates for 200 units, m = 1 for tanh, 3 without bounds, and ten for a logistic unit."""
    assert chosen(50, hidden=200, activation=activation) == (pytest.approx(rate), warmup)


def test_the_warm_up_depends_on_optimizer_size_and_rate():
    assert chosen(hidden=200) == (0.1, 400)
    assert chosen(hidden=100).warmup == 300  # the tenth of the run that is allowed is longer than 100
    assert chosen(50, hidden=100).warmup == 100
    assert chosen(50, hidden=200, lr=0.05) == (0.05, 100)
    assert chosen(50, hidden=200, lr=0.4) == (0.4, 400)  # a rate that was typed makes it no longer
    assert chosen(50, hidden=200, warmup=7) == (0.1, 7)
    assert chosen(50, hidden=200, optimizer="adam") == (0.005, 10)
    assert chosen(50, hidden=200, optimizer="sgd") == (0.5, 100)
    assert chosen(50, hidden=200, model=FeedForwardLM) == (0.1, 10)  # no matrix that is applied again and again


def test_a_wide_layer_takes_a_smaller_rate():
    assert chosen(hidden=400) == (0.05, 400)
    assert chosen(hidden=800, optimizer="adam").lr == 0.00125
    assert chosen(hidden=400, of=earlier_learning_rate) == (0.1, 300)


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
@pytest.mark.parametrize("updates", [10, 50])
def test_a_short_run_with_defaults_stays_near_the_unigrams(tmp_path, activation, updates):
    """With a warm-up of a tenth of the run, ten updates of either end worse than equal probabilities."""
    (tmp_path / "text.txt").write_text(TEXT * 60)
    run = Run(Settings.of(text=tmp_path / "text.txt", model="elman", activation=activation, max_updates=updates))
    run.fit()
    assert run.model.log[-1]["valid_nll"] < 1.05 * baselines(run.data.valid).unigram


def small_run(folder, observers=(), **settings):
    (folder / "text.txt").write_text(TEXT)
    return Run(Settings.of(text=folder / "text.txt", **{**SMALL, **settings}), observers=observers)


def test_the_rate_of_events_and_log_is_the_one_that_was_used(tmp_path):
    """During the warm-up too, which here goes on into the second epoch; the schedule's factor is in it."""
    events, used = [], []
    run = small_run(tmp_path, [events.append], lr=0.2, warmup=15, epochs=2)
    step = run.trainer.optimizer.step

    def note_and_step():
        used.append(run.trainer.optimizer.learning_rate)
        step()

    run.trainer.optimizer.step = note_and_step
    run.fit()
    updates = [event for event in events if isinstance(event, Update)]
    n = len(updates) // 2
    assert used[:4] == pytest.approx([0.2 / 15, 0.4 / 15, 0.6 / 15, 0.8 / 15])
    assert [event.learning_rate for event in updates] == used
    assert [entry["learning_rate"] for entry in run.model.log if entry["kind"] == "update"] == used
    epochs = [event.learning_rate for event in events if isinstance(event, Epoch)]
    assert epochs == [used[n - 1], used[-1]] == pytest.approx([0.2 * min(1, n / 15), 0.1 * min(1, 2 * n / 15)])


def test_the_record_holds_the_learning_rate_and_a_resumed_run_keeps_it(tmp_path, monkeypatch):
    """Also where a later version would choose another."""
    path = tmp_path / "m.rnnlm"
    whole = small_run(tmp_path, warmup=None, epochs=3)
    assert whole.model.log[0]["learning_rate"] == {"lr": pytest.approx(0.3), "warmup": 10}
    whole.fit()

    def cut(event):
        if isinstance(event, Epoch):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small_run(tmp_path, [cut], warmup=None, epochs=3, output=path, save_every=1e-9).fit()
    monkeypatch.setattr("rnnlm.training.run.learning_rate_of", lambda *_: LearningRate(7.0, 1000))
    resumed = small_run(tmp_path, warmup=None, epochs=3, output=path, resume=True)
    assert resumed.learning_rate == (pytest.approx(0.3), 10)
    resumed.fit()
    for name, param in load(path).params.items():
        np.testing.assert_array_equal(param.value, whole.model.params[name].value)


@pytest.mark.parametrize("nonsense", [3, {"lr": "x", "warmup": 3}, {"lr": math.inf, "warmup": 3}, {"lr": 0.1}])
def test_a_checkpoint_with_a_damaged_learning_rate_is_refused(tmp_path, nonsense):
    storage.write(tmp_path / "c", "checkpoint", {"run": {"learning_rate": nonsense}}, {})
    from rnnlm.training.checkpoint import Checkpoint

    with pytest.raises(DataError, match="c is damaged: the learning_rate of its run"):
        learning_rate.recorded(Checkpoint.read(tmp_path / "c"))
