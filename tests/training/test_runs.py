"""Several runs side by side, and the last epochs of one: the same models as alone, mixed, and gone on with."""

from __future__ import annotations

import os
import signal
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from rnnlm import ops
from rnnlm.errors import DataError, RnnlmError, UsageError
from rnnlm.models import load
from rnnlm.training.events import Epoch, Update
from rnnlm.training.last_epochs import LastEpochs
from rnnlm.training.messages import Began, Ended, EpochEnded, Message, Note
from rnnlm.training.run import Run
from rnnlm.training.runs import Runs, repeated
from rnnlm.training.settings import Settings

SMALL = {"hidden": 5, "classes": 3, "streams": 5, "epochs": 2, "block": 6, "dropout": 0.2, "seed": 3}
SMALL["backend"] = "numpy"  # a process that imports no Numba starts in half the time
TEXT = "\n".join(" ".join(f"w{(i * i + 3 * j) % 17}" for j in range(1 + i % 9)) for i in range(400))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text(TEXT)
    yield
    ops.use()


def setting(**changes) -> Settings:
    return Settings.of(text="text.txt", **{**SMALL, **changes})


def several(count: int = 2, jobs: int | None = None, command: str = "", **changes) -> Runs:
    return Runs(repeated(setting(**changes), count), "m.rnnlm", jobs=jobs, command=command)


def files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path().glob("m*")}


def weights(path: str | Path) -> dict[str, np.ndarray]:
    return {name: param.value for name, param in load(path).params.items()}


def assert_same(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> None:
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)


def test_the_processes_compute_as_was_chosen_for_this_one():
    ops.use("numpy")
    request = several(backend=None).settings[1].to_json()
    assert (request["backend"], request["precision"], request["threads"]) == ("numpy", None, None)


def test_each_run_is_the_run_alone_and_the_jobs_change_nothing():
    said = []
    runs = several(jobs=2, command="rnnlm train …")
    assert runs.fit(lambda number, message: said.append((number, message))) == "done"
    outcome = runs.conclude()
    first = files()
    assert {name for name in first if name.endswith(".rnnlm")} == {"m.rnnlm", "m.1.rnnlm", "m.2.rnnlm"}
    again = several(jobs=1, command="rnnlm train …")
    again.fit()
    again.conclude()
    assert files() == first

    alone = [Run(setting(seed=seed)) for seed in (3, 4)]
    for run, trained in zip(alone, outcome.runs, strict=True):
        run.fit()
        path = f"m.{trained.number}.rnnlm"
        assert_same(weights(path), {name: param.value for name, param in run.model.params.items()})
        assert trained.seed == run.settings.seed
        assert trained.figures.test_nll == pytest.approx(run.test().nll, rel=1e-12)
        epochs = [entry for entry in run.model.log if entry["kind"] == "epoch"]
        best = min(epochs, key=lambda entry: entry["valid_nll"])
        assert (trained.best_epoch, trained.figures.valid_nll) == (best["epoch"], pytest.approx(best["valid_nll"]))
        assert load(path).log[0] == run.model.log[0] | {"command": "rnnlm train …"}
        assert_said([message for number, message in said if number == trained.number], run)
    assert {number for number, _ in said} == {1, 2}

    # The mixture: P is the mean of the members' P, token by token, by the model in the file as well.
    p = np.mean([np.exp(run.figures.valid.logp) for run in outcome.runs], axis=0)
    assert outcome.mixture.valid_nll == pytest.approx(-np.log(p).mean(), rel=1e-9)
    assert load("m.rnnlm").perplexity(alone[0].data.test).nll == pytest.approx(outcome.mixture.test_nll, rel=1e-6)
    (run,) = load("m.rnnlm").log
    assert run["members"] == ["m.1.rnnlm", "m.2.rnnlm"]
    assert run["data.train"] == alone[0].data.train.sha256
    ppl = [np.exp(run.test().nll) for run in alone]
    assert outcome.spread("test") == pytest.approx((sum(ppl) / 2, abs(ppl[0] - ppl[1]) / np.sqrt(2)), rel=1e-9)


def assert_said(said: list[Message], alone: Run) -> None:
    """What a run tells of itself in another process is what the run alone knows."""
    model = alone.model
    began, *epochs, ended = said
    assert began == Began(
        held_out=alone.data.held_out_note, resume=False, resumed=False, epoch=1, updates=0, kind="rnnlm",
        tokens=len(alone.data.train), words=len(model.vocabulary), tokenizer="words", units="5 logistic units",
        output="3 classes", weights=sum(param.value.size for param in model.params.values()),
        device=alone.device.description,
    )  # fmt: skip
    accuracies = {"train_accuracy": None, "valid_accuracy": None}  # a classifier's
    assert [{"kind": "epoch", **asdict(one.epoch)} for one in epochs] == [
        entry | accuracies for entry in model.log if entry["kind"] == "epoch"
    ]
    assert all(one.seconds > 0 and one.speed > 0 for one in epochs)
    assert ended == Ended("2 epochs done", alone.trainer.progress.best_epoch)


def test_what_differs_stands_with_each_run():
    """The seed of repeated runs; of others what was asked for, also of how long they may be."""
    runs = several(jobs=1)
    runs.fit()
    assert [run.differs for run in runs.conclude().runs] == [{"seed": 3}, {"seed": 4}]
    one = setting(epochs=1)
    runs = Runs([one, replace(one, epochs=2, clip=None, lr=0.05)], "m.rnnlm", jobs=1)
    runs.fit()
    assert [run.differs for run in runs.conclude().runs] == [
        {"epochs": 1, "clip": 5.0, "lr": pytest.approx(0.3)},
        {"epochs": 2, "clip": None, "lr": 0.05},
    ]


def test_without_a_mixture_words_and_texts_may_differ():
    """Each run has its own texts and figures; cut off and resumed, it ends in the same bytes."""
    Path("other.txt").write_text(TEXT.replace("w3", "x3"))
    one = setting()
    settings = [
        one,
        replace(one, text="other.txt", max_vocab=9),
        replace(one, seed=5),
        replace(one, valid="text.txt", test="text.txt"),
    ]
    runs = Runs(settings, "m.rnnlm", jobs=1, mixture=False)
    assert runs.data[2] is runs.data[0]
    assert runs.fit() == "done"
    outcome = runs.conclude()
    assert outcome.mixture is None
    assert (outcome.spread("valid"), outcome.same_texts) == (None, False)
    assert {name for name in files() if name.endswith(".rnnlm")} == {f"m.{number}.rnnlm" for number in (1, 2, 3, 4)}
    for number, trained in enumerate(outcome.runs, 1):
        alone = Run(settings[number - 1])
        alone.fit()
        assert trained.figures.test_nll == pytest.approx(alone.test().nll, rel=1e-12)
        assert_same(weights(f"m.{number}.rnnlm"), {name: p.value for name, p in alone.model.params.items()})
    assert outcome.runs[1].differs == {
        "text": "other.txt", "valid": "default", "test": "default", "max_vocab": 9, "seed": 3,
    }  # fmt: skip

    first = files()
    Path("m.2.rnnlm").unlink()
    Path("m.2.rnnlm.checkpoint").unlink()
    resumed = Runs([replace(one, resume=True) for one in settings], "m.rnnlm", mixture=False)
    assert resumed.ended == {1, 3, 4}
    assert resumed.fit() == "done"
    assert files() == first
    again = resumed.conclude()
    assert [run.figures.valid_nll for run in again.runs] == [run.figures.valid_nll for run in outcome.runs]


def test_same_texts_without_a_mixture_have_a_mean_and_one_run_has_none():
    Path("m.rnnlm").write_bytes(b"somebody else's")  # that name is nobody's output
    runs = Runs(repeated(setting(), 2), "m.rnnlm", jobs=1, mixture=False)
    runs.fit()
    outcome = runs.conclude()
    ppl = np.exp([run.figures.valid_nll for run in outcome.runs])
    assert outcome.spread("valid") == pytest.approx((ppl.mean(), ppl.std(ddof=1)), rel=1e-12)
    assert Path("m.rnnlm").read_bytes() == b"somebody else's"
    single = Runs([setting(output="one.rnnlm")], "none/m.rnnlm", mixture=False)  # nothing is written to that folder
    single.fit()
    outcome = single.conclude()
    assert (len(outcome.runs), outcome.spread("valid"), outcome.runs[0].differs) == (1, None, {})


def test_what_a_process_writes_to_standard_error_is_a_note():
    Path("mine.py").write_text(
        "import sys, rnnlm\nimport autograd.numpy as np\nprint('{', file=sys.stderr)\nprint('{}')\n"
        "cell = rnnlm.Recurrence(lambda rng, n: {'b': np.zeros(n)}, lambda p, x, state: (np.tanh(x + p['b']), state))\n"
    )
    said: list[tuple[int, Message]] = []
    chatty = several(model="mine.py:cell")
    assert chatty.fit(lambda number, message: said.append((number, message))) == "done"
    for number in (1, 2):
        assert {"{", "{}"} <= {message.text for run, message in said if run == number and isinstance(message, Note)}


def test_killed_and_resumed():
    """SIGKILL for one of two running processes: the other ends, and --resume ends in the same bytes."""
    whole = several(jobs=2, epochs=3)
    whole.fit()
    first = files()
    for path in first:
        Path(path).unlink()

    def kill(number: int, message: Message) -> None:
        if number == 2 and isinstance(message, EpochEnded) and message.epoch.epoch == 2:
            os.kill(children()[-1], signal.SIGKILL)

    runs = several(jobs=1, epochs=3)
    with pytest.raises(RnnlmError, match=r"run 2 failed: killed by signal 9\. What is done is kept; .* with `resume`"):
        runs.fit(kill)
    assert "m.2.rnnlm" not in files()
    assert "m.2.rnnlm.checkpoint" in files()
    kept = Path("m.1.rnnlm").stat().st_mtime_ns
    said = []
    resumed = several(jobs=2, epochs=3, resume=True)
    assert resumed.fit(lambda number, message: said.append((number, message))) == "done"
    assert files() == first
    assert Path("m.1.rnnlm").stat().st_mtime_ns == kept
    assert {number for number, _ in said} == {2}
    began = said[0][1]
    assert (began.resume, began.resumed) == (True, True)
    assert (began.epoch, began.updates) in {(2, 72), (3, 144)}  # whichever checkpoint was written before the signal


def children() -> list[int]:
    task = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    if not task.exists():
        pytest.skip("no /proc to find the process in")
    return [int(pid) for pid in task.read_text().split()]


def test_ctrl_c_stops_all_and_resume_goes_on():
    several(jobs=2, epochs=4).fit()
    first = files()
    for path in first:
        Path(path).unlink()

    begun = set()

    def press(number: int, message: Message) -> None:
        if isinstance(message, EpochEnded) and message.epoch.epoch == 1:
            begun.add(number)
            if begun == {1, 2}:
                signal.raise_signal(signal.SIGINT)

    runs = several(3, jobs=2, epochs=4, save_every=1e-9)  # a checkpoint after each update: slow
    before = signal.getsignal(signal.SIGINT)
    assert runs.fit(press) == "interrupted"
    assert signal.getsignal(signal.SIGINT) is before
    names = {f"m.{number}.rnnlm{end}" for number in (1, 2) for end in ("", ".checkpoint")}
    assert set(files()) == names  # the third was never started
    assert several(jobs=2, epochs=4, resume=True).fit() == "done"
    assert_same(weights("m.1.rnnlm"), weights_of(first["m.1.rnnlm"]))
    assert_same(weights("m.2.rnnlm"), weights_of(first["m.2.rnnlm"]))


def test_ctrl_c_at_the_first_word():
    """The other run has not begun to speak, and maybe not to listen."""
    said = []

    def press(number: int, message: Message) -> None:
        said.append(message)
        if len(said) == 1:
            signal.raise_signal(signal.SIGINT)

    assert several(jobs=2).fit(press) == "interrupted"


def weights_of(content: bytes) -> dict[str, np.ndarray]:
    Path("whole").write_bytes(content)
    return weights("whole")


def test_everything_is_checked_before_the_first_run():
    Path("other.txt").write_text(TEXT.replace("w3", "x3"))
    one = setting()
    cases = [
        ([one, replace(one, optimizer="sdg")], UsageError, r"run 2: optimizer='sdg' is not known\. Did you mean sgd\?"),
        (
            [one, replace(one, text="other.txt")],
            DataError,
            r"run 2 has another vocabulary than run 1, .* or mixture=False",
        ),
        ([one, replace(one, valid="text.txt")], DataError, "run 2 has another (vocabulary|validation text) than run 1"),
        (
            [replace(one, output="a"), replace(one, output="a")],
            UsageError,
            "a would be written twice, as the output of run 1 and as the output of run 2",
        ),
        (
            [one, replace(one, output="m.rnnlm")],
            UsageError,
            r"m\.rnnlm would be written twice, as the mixture and as the output of run 2",
        ),
        ([one, replace(one, text="-")], UsageError, "standard input can be read once"),
        ([one], UsageError, "there is 1 run, which is too few"),
    ]
    for settings, kind, message in cases:
        with pytest.raises(kind, match=message):
            Runs(settings, "m.rnnlm")
    with pytest.raises(UsageError, match=r"text\.txt is the text itself"):
        Runs([one, one], "text.txt")
    with pytest.raises(UsageError, match="jobs=0"):
        Runs([one, one], "m.rnnlm", jobs=0)
    with pytest.raises(UsageError, match="there are no runs"):
        Runs([], "m.rnnlm", mixture=False)
    with pytest.raises(UsageError, match="runs=1 is too few"):
        repeated(one, 1)
    assert not files()


def test_a_run_that_has_ended_is_kept_only_with_its_settings():
    Run(setting(output="m.1.rnnlm")).fit()
    with pytest.raises(
        DataError, match=r"run 1: m\.1\.rnnlm\.checkpoint was written .* hidden=5, this one has hidden=6"
    ):
        several(hidden=6, resume=True)
    Path("m.1.rnnlm.checkpoint").unlink()
    with pytest.raises(DataError, match=r"run 1: m\.1\.rnnlm was written .* hidden=5, this one has hidden=6"):
        several(hidden=6, resume=True)


def last(count: int = 3, observers=(), **changes) -> LastEpochs:
    return LastEpochs(Run(setting(output="m.rnnlm", epochs=5, **changes), observers=observers), count)


def test_last_epochs():
    """The average is the mean of the weights, the mixture that of the probabilities; both are evaluated and written."""
    every = {}

    def copy(event):
        if isinstance(event, Epoch):
            every[event.epoch] = {name: param.value.copy() for name, param in kept.run.model.params.items()}

    kept = last(observers=[copy])
    kept.run.fit()
    assert set(files()) == {"m.rnnlm", "m.rnnlm.checkpoint", *(f"m.epoch-{epoch}.rnnlm" for epoch in (3, 4, 5))}
    best, average, mixture = kept.conclude(keep=True)
    mean = weights("m.average.rnnlm")
    for name, value in mean.items():
        expected = np.mean([every[epoch][name] for epoch in (3, 4, 5)], axis=0)
        np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-7)
    models = [load(f"m.epoch-{epoch}.rnnlm") for epoch in (3, 4, 5)]
    for epoch, model in zip((3, 4, 5), models, strict=True):
        assert_same({name: param.value for name, param in model.params.items()}, every[epoch])
    data = kept.run.data
    assert best.test_nll == pytest.approx(kept.run.test().nll, rel=1e-12)
    assert average.test_nll == pytest.approx(load("m.average.rnnlm").perplexity(data.test).nll, rel=1e-12)
    assert mixture.valid_nll == pytest.approx(load("m.checkpoints.rnnlm").perplexity(data.valid).nll, rel=1e-6)
    assert (average.name, mixture.path) == ("average of epochs 3, 4, 5", Path("m.checkpoints.rnnlm"))
    assert kept.conclude()[1].valid_nll == average.valid_nll
    assert set(files()) == {"m.rnnlm", "m.rnnlm.checkpoint", "m.average.rnnlm", "m.checkpoints.rnnlm"}


def test_last_epochs_of_a_run_that_was_cut_off():
    whole = last()
    whole.run.fit()
    whole.conclude()
    first = files()
    for path in first:
        Path(path).unlink()

    def press(event):
        if isinstance(event, Update) and event.epoch == 4:
            signal.raise_signal(signal.SIGINT)

    cut = last(observers=[press])
    assert cut.run.fit() == "interrupted"
    assert {f"m.epoch-{epoch}.rnnlm" for epoch in (1, 2, 3)} < set(files())
    resumed = last(resume=True)
    resumed.run.fit()
    resumed.conclude()
    assert files() == first


def test_epochs_that_were_thrown_away_do_not_count():
    """As the schedules `halving`, `step` and `constant` do after an epoch that was worse."""
    kept = last(count=2)
    for epoch, restored in enumerate((False, False, True, False, True), 1):
        event = Epoch(epoch, 72 * epoch, 2.0, 2.0, not restored, restored, 0.1, "")
        kept.run.model.log.append({"kind": "epoch", **asdict(event)})
        kept(event)
    assert {path.name for path in Path().glob("m.epoch-*")} == {"m.epoch-2.rnnlm", "m.epoch-4.rnnlm"}
    assert kept.conclude()[1].name == "average of epochs 2, 4"


def test_last_needs_two_epochs_and_an_output():
    with pytest.raises(UsageError, match="last=1 is too few"):
        last(count=1)
    with pytest.raises(UsageError, match="last needs an output"):
        LastEpochs(Run(setting()), 2)
    one = LastEpochs(Run(setting(output="m.rnnlm", epochs=1)), 2)
    one.run.fit()
    assert one.conclude(keep=True) == []
    assert Path("m.epoch-1.rnnlm").exists()
    assert one.conclude() == []
    assert not list(Path().glob("m.epoch-*"))
