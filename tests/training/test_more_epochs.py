"""Training on: more epochs for a run that has ended, and a finished model on another text."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from test_resume import assert_same, run_to, weights

from rnnlm import train
from rnnlm.cli import run as command_line
from rnnlm.errors import DataError, UsageError
from rnnlm.models import CacheLM, load
from rnnlm.optim import Linear
from rnnlm.training import Settings
from rnnlm.training.run import Run

STEADY = {"schedule": "constant", "warmup": 0}  # whose rate does not depend on the length of the run


def rates(path: Path) -> list[float]:
    return [entry["learning_rate"] for entry in load(path).log if entry["kind"] == "epoch"]


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_more_epochs_end_in_the_weights_of_one_longer_run(tmp_path, dropout):
    run_to(None, tmp_path / "run", epochs=2, dropout=dropout, **STEADY)
    more = run_to(None, tmp_path / "run", epochs=4, dropout=dropout, resume=True, **STEADY)
    run_to(None, tmp_path / "whole", epochs=4, dropout=dropout, **STEADY)
    assert (more.trainer.progress.epoch, more.trainer.progress.updates) == (5, 4 * 72)
    assert_same(tmp_path / "whole/m.rnnlm", tmp_path / "run/m.rnnlm")


def test_a_falling_rate_goes_on_as_in_a_run_of_the_new_length(tmp_path):
    run_to(None, tmp_path / "run", epochs=3)
    run_to(None, tmp_path / "run", epochs=5, resume=True)
    assert rates(tmp_path / "run/m.rnnlm") == pytest.approx([0.3, 0.2, 0.1, 0.12, 0.06], rel=1e-12)
    best = [entry["valid_nll"] for entry in load(tmp_path / "run/m.rnnlm").log if entry["kind"] == "epoch"]
    assert min(best) < min(best[:3])


@pytest.mark.parametrize("epoch", [1, 3, 6, 9])
@pytest.mark.parametrize(("before", "after"), [(5, 8), (8, 5), (5, 5)])
def test_the_factor_of_a_new_length_is_the_ratio_of_the_rates(epoch, before, after):
    def rate(total: int) -> float:
        schedule, rate = Linear(total=total), 1.0
        for number in range(1, epoch):
            rate *= schedule.factor(number)
        return rate

    resumed = Linear(total=after)
    resumed.restore(Linear(total=before).state())
    assert rate(before) * resumed.factor_of_new_length(epoch) == pytest.approx(rate(after), rel=1e-12)


def test_a_resumed_run_of_the_same_length_keeps_its_rate_bit_for_bit():
    resumed = Linear(total=7)
    resumed.restore(Linear(total=7).state())
    assert resumed.factor_of_new_length(5) == 1.0
    resumed.restore({"best": 1.0, "waited": 0})  # the checkpoint of a version that did not note the length
    assert resumed.factor_of_new_length(5) == 1.0


def test_a_new_run_replaces_one_that_has_ended(tmp_path):
    run_to(None, tmp_path / "run", epochs=1)
    run_to(20, tmp_path / "run", epochs=1, seed=9)  # cut off: the checkpoint is that of the new run
    resumed = run_to(None, tmp_path / "run", epochs=1, seed=9, resume=True)
    assert resumed.resumed
    run_to(None, tmp_path / "whole", epochs=1, seed=9)
    assert_same(tmp_path / "whole/m.rnnlm", tmp_path / "run/m.rnnlm")


@pytest.fixture
def start(tmp_path) -> Path:
    run_to(None, tmp_path / "start", epochs=2)
    return tmp_path / "start/m.rnnlm"


def other_text(folder: Path) -> Path:
    """The words of `TEXT` in other sentences, and one new word in 30."""
    path = folder / "other.txt"
    path.write_text(
        "\n".join(" ".join(f"w{(i + j) % 17}" for j in range(5)) + " new" * (i % 6 == 0) for i in range(200))
    )
    return path


def test_a_model_is_trained_on_with_its_network_and_its_words(tmp_path, start):
    run = Run(
        Settings.of(text=other_text(tmp_path), from_model=start, epochs=2, output=tmp_path / "fine.rnnlm", streams=5)
    )
    before = {name: param.value.copy() for name, param in run.model.params.items()}
    first = weights(start)
    assert all(np.array_equal(first[name], value) for name, value in before.items())
    untuned = load(start).perplexity(run.data.valid).nll
    run.fit()
    fine, old = load(tmp_path / "fine.rnnlm"), load(start)
    assert (fine.config["hidden"], fine.config["dropout"]) == (7, 0.4)
    assert fine.encoding.hash == old.encoding.hash
    assert fine.perplexity(run.data.valid).nll < 0.8 * untuned
    assert run.data.train.unknown > 20
    assert f"{run.data.train.unknown} of {len(run.data.train):,} training tokens are words" in run.data.held_out_note
    came_from, record = fine.log[:2]
    assert came_from["sha256"] == hashlib.sha256(start.read_bytes()).hexdigest() == record["data.from_model"]
    assert came_from["log"] == old.log
    assert record["hidden"] == 7


def test_the_same_words_give_the_gradients_of_a_run_without_unknown_words(tmp_path, start):
    """A word that the model lacks is neither read nor scored: it contributes no gradient to any row."""
    text = tmp_path / "unknown.txt"
    text.write_text("\n".join(["new new"] * 60))
    model = train(text, from_model=start, epochs=1, streams=2, dropout=0)
    old = load(start)
    used = {old.vocabulary.eos}
    changed = np.flatnonzero((model.params["embedding.W"].value != old.params["embedding.W"].value).any(axis=1))
    assert set(changed.tolist()) <= used


def test_a_fine_tuning_that_was_killed_ends_in_the_same_weights(tmp_path, start):
    for folder in ("whole", "cut"):
        (tmp_path / folder).mkdir()
    run_to(None, tmp_path / "whole", from_model=start, hidden=200, classes=None)
    run_to(100, tmp_path / "cut", from_model=start, hidden=200, classes=None)
    run_to(None, tmp_path / "cut", from_model=start, hidden=200, classes=None, resume=True)
    assert_same(tmp_path / "whole/m.rnnlm", tmp_path / "cut/m.rnnlm")
    with pytest.raises(
        DataError, match=r"another model: its `from_model` is [0-9a-f]{12}…, now it is None\. Resume with the model of"
    ):
        run_to(None, tmp_path / "cut", resume=True)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"hidden": 8}, r"hidden=8 cannot be chosen: .*m\.rnnlm has hidden=7\. Leave it out"),
        ({"model": "elman"}, "model='elman' cannot be chosen: .* has model='rnnlm'"),
        ({"tokens": "chars"}, "tokens='chars' cannot be chosen"),
        ({"max_vocab": 5}, "max_vocab=5 cannot be chosen: .* has a vocabulary already"),
    ],
)
def test_what_belongs_to_the_model_cannot_be_chosen(tmp_path, start, settings, words):
    with pytest.raises(UsageError, match=words):
        Run(Settings.of(text=other_text(tmp_path), from_model=start, **settings))


def test_only_a_single_network_is_trained_on(tmp_path, start):
    CacheLM(load(start)).save(tmp_path / "cache.rnnlm")
    with pytest.raises(DataError, match=r"kind cache, .* the file of the network itself"):
        Run(Settings.of(text=other_text(tmp_path), from_model=tmp_path / "cache.rnnlm"))


def test_the_model_is_not_replaced(tmp_path, start):
    with pytest.raises(UsageError, match="is the model that it starts from itself"):
        Run(Settings.of(text=other_text(tmp_path), from_model=start, output=start))


def test_info_names_the_model_that_it_came_from(tmp_path, start, capsys):
    train(other_text(tmp_path), from_model=start, epochs=1, streams=4, output=tmp_path / "fine.rnnlm")
    assert command_line(["info", str(tmp_path / "fine.rnnlm")]) == 0
    out = capsys.readouterr().out
    digest = hashlib.sha256(start.read_bytes()).hexdigest()[:12]
    assert f"started from  {start}, sha256 {digest}" in out
    assert f"trained on    {tmp_path / 'other.txt'}, " in out
