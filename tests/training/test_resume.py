"""A run that was killed and resumed ends in the same weights as one that was not."""

from __future__ import annotations

import os
import signal
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from python_process import python

from rnnlm.errors import DataError, TrainingError
from rnnlm.evaluation import perplexity
from rnnlm.models import load
from rnnlm.training import Settings
from rnnlm.training.checkpoint import Checkpoint
from rnnlm.training.events import Update
from rnnlm.training.run import Run

TEXT = "\n".join(
    " ".join(f"w{(i * i + 3 * j) % 17}" for j in range(1 + i % 9)) for i in range(400)
)  # 17 words, 2,400 tokens: an epoch is a fraction of a second
SMALL = {"hidden": 7, "classes": 4, "streams": 5, "epochs": 3, "block": 6, "seed": 3}
EVERY_UPDATE = 1e-9  # minutes


class Cut(BaseException):
    """Stands for the power cut."""


def run_to(update: int | None, folder: Path, **settings) -> Run:
    """A run that is cut off after `update` updates (None: goes on to its end), with a checkpoint after update - 3."""

    def cut(event):
        if isinstance(event, Update) and update is not None:
            run.trainer.checkpoint.minutes = EVERY_UPDATE if event.updates == update - 3 else None
            if event.updates == update:
                raise Cut

    folder.mkdir(exist_ok=True)
    text = folder / "text.txt"
    text.write_text(TEXT)
    run = Run(Settings.of(text=text, output=folder / "m.rnnlm", **{**SMALL, **settings}), observers=[cut])
    if update is None:
        run.fit()
    else:
        with pytest.raises(Cut):
            run.fit()
    return run


def weights(path: Path) -> dict[str, np.ndarray]:
    return {name: param.value for name, param in load(path, trust=True).params.items()}


def assert_same(a: Path, b: Path) -> None:
    first, second = weights(a), weights(b)
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


CUT = {
    "adam-dropout": {"optimizer": "adam", "lr": 0.01, "dropout": 0.3, "input_dropout": 0.1},
    "momentum-horizon": {  # tapes of two older windows
        "optimizer": "momentum",
        "lr": 0.5,
        "horizon": 17,
        "layers": 2,
        "dropout": 0.2,
    },
    "jordan": {"model": "jordan", "horizon": 9, "optimizer": "rmsprop", "lr": 0.01, "independent": True},
    "row-adagrad": {"model": "elman", "classes": 0, "optimizer": "row-adagrad", "clip_by": "value", "clip": 0.01},
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The model file of a run that nothing cut, by the name of its settings; trained once."""

    @cache
    def whole(name: str = "") -> Path:
        folder = tmp_path_factory.mktemp("whole")
        assert run_to(None, folder, **CUT[name] if name else {}).trainer.progress.updates == 3 * 72
        return folder / "m.rnnlm"

    return whole


@pytest.mark.parametrize("name", CUT)
@pytest.mark.parametrize("update", [4, 50, 73, 76, 100])  # an epoch has 72 updates
def test_cut_anywhere_and_resumed(tmp_path, whole, name, update):
    run_to(update, tmp_path / "cut", **CUT[name])
    resumed = run_to(None, tmp_path / "cut", resume=True, **CUT[name])
    assert resumed.trainer.progress.updates == 3 * 72
    assert_same(whole(name), tmp_path / "cut/m.rnnlm")
    one, two = load(whole(name)).log[1:], load(tmp_path / "cut/m.rnnlm").log[1:]
    assert one == two
    assert Checkpoint.read(tmp_path / "cut/m.rnnlm.checkpoint").stopped == "3 epochs done"


def test_two_runs_write_the_same_bytes(tmp_path):
    run_to(None, tmp_path / "run", dropout=0.2)
    first = (tmp_path / "run/m.rnnlm").read_bytes()
    run_to(None, tmp_path / "run", dropout=0.2)
    assert (tmp_path / "run/m.rnnlm").read_bytes() == first


def test_kill_9_and_resume(tmp_path):
    """A real SIGKILL in a real process, in the middle of the run, whatever it is doing then."""
    run_to(None, tmp_path / "whole", dropout=0.2)
    script = f"""
import os, signal, threading
from test_resume import run_to
from pathlib import Path
timer = threading.Timer(float(os.environ["DELAY"]), lambda: os.kill(os.getpid(), signal.SIGKILL))
timer.daemon = True
timer.start()
run_to(None, Path({str(tmp_path / "killed")!r}), dropout=0.2, save_every={EVERY_UPDATE}, resume=os.environ["RESUME"]
== "1")
"""
    killed, resume = 0, "0"
    for delay in (0.15, 0.2, 0.25, 0.3, 60):
        process = python("-c", script, env={**os.environ, "DELAY": str(delay), "RESUME": resume})
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, process.stderr
        killed += 1
        resume = "1" if (tmp_path / "killed/m.rnnlm.checkpoint").exists() else "0"
    assert process.returncode == 0
    assert killed
    assert_same(tmp_path / "whole/m.rnnlm", tmp_path / "killed/m.rnnlm")


def test_cut_before_the_first_checkpoint(tmp_path, whole):
    """There is nothing to go on with, so the run starts again; but never over a model that is there already."""
    run_to(2, tmp_path / "cut")
    run_to(None, tmp_path / "cut", resume=True)
    assert_same(whole(), tmp_path / "cut/m.rnnlm")
    (tmp_path / "cut/m.rnnlm.checkpoint").unlink()
    with pytest.raises(DataError, match=r"no checkpoint .* is there already"):
        run_to(None, tmp_path / "cut", resume=True)


def test_interrupted_at_the_last_allowed_update(tmp_path):
    """Ctrl-C during the last update changes nothing: the run had ended."""
    for name, pressed in (("whole", False), ("pressed", True)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "text.txt").write_text(TEXT)

        def press(event, pressed=pressed):
            if pressed and isinstance(event, Update) and event.updates == 20:
                os.kill(os.getpid(), signal.SIGINT)

        settings = Settings.of(text=folder / "text.txt", output=folder / "m.rnnlm", max_updates=20, **SMALL)
        assert Run(settings, observers=[press]).fit() == "20 updates done"
    assert_same(tmp_path / "whole/m.rnnlm", tmp_path / "pressed/m.rnnlm")


def test_a_lowered_limit_on_resume_does_no_update(tmp_path):
    run_to(90, tmp_path / "run")  # the checkpoint is of update 87
    resumed = run_to(None, tmp_path / "run", resume=True, max_updates=80)
    assert resumed.trainer.progress.updates == 87


def test_a_run_that_diverges_leaves_its_best_epoch(tmp_path):
    def spoil(event):
        if isinstance(event, Update) and event.updates == 150:
            run.model.params["output.W"].value[...] = np.nan

    (tmp_path / "text.txt").write_text(TEXT)
    settings = Settings.of(text=tmp_path / "text.txt", output=tmp_path / "m.rnnlm", **{**SMALL, "epochs": 5})
    run = Run(settings, observers=[spoil])
    with pytest.raises(TrainingError, match=r"nan at update 151 .*The best epoch, 2, is in .*m\.rnnlm"):
        run.fit()
    best = [entry["valid_nll"] for entry in load(tmp_path / "m.rnnlm").log if entry["kind"] == "epoch"][1]
    assert perplexity(load(tmp_path / "m.rnnlm"), run.data.valid).nll == pytest.approx(best, rel=1e-12)
    assert not (tmp_path / "m.rnnlm.checkpoint").exists()


def test_interrupt_saves_and_resume_goes_on(tmp_path, whole):
    """Ctrl-C finishes the update, writes model and checkpoint; the resumed run ends like the whole one."""
    folder = tmp_path / "cut"
    folder.mkdir()
    (folder / "text.txt").write_text(TEXT)

    def press(event):
        if isinstance(event, Update) and event.updates == 90:
            os.kill(os.getpid(), signal.SIGINT)

    run = Run(Settings.of(text=folder / "text.txt", output=folder / "m.rnnlm", **SMALL), observers=[press])
    before = signal.getsignal(signal.SIGINT)
    assert run.fit() == "interrupted"
    assert run.trainer.progress.updates == 90
    assert (folder / "m.rnnlm").exists()
    assert signal.getsignal(signal.SIGINT) is before
    run_to(None, folder, resume=True)
    assert_same(whole(), folder / "m.rnnlm")


def test_resume_with_more_epochs_goes_on(tmp_path):
    steady = {"schedule": "constant", "warmup": 0}  # the others depend on the length of the run
    run_to(90, tmp_path / "run", epochs=2, **steady)
    more = run_to(None, tmp_path / "run", epochs=3, resume=True, **steady)
    run_to(None, tmp_path / "whole", epochs=3, **steady)
    assert more.trainer.progress.epoch == 4
    assert_same(tmp_path / "whole/m.rnnlm", tmp_path / "run/m.rnnlm")


@pytest.mark.parametrize(("name", "value"), [("hidden", 8), ("seed", 4), ("lr", 0.5), ("dropout", 0.1)])
def test_resume_with_other_settings_is_refused(tmp_path, name, value):
    run_to(90, tmp_path / "run")
    with pytest.raises(DataError, match=rf"with {name}="):
        run_to(None, tmp_path / "run", resume=True, **{name: value})


def test_resume_with_another_text_is_refused(tmp_path):
    run_to(90, tmp_path / "run")
    (tmp_path / "run/other.txt").write_text(TEXT.replace("w3", "w5"))
    settings = Settings.of(text=tmp_path / "run/other.txt", output=tmp_path / "run/m.rnnlm", resume=True, **SMALL)
    with pytest.raises(DataError, match=r"another text: its train is"):
        Run(settings)


@pytest.mark.parametrize(("epochs", "updates"), [(2, 144), (1, 144), (3, 216)])
def test_an_ended_run_ends_again_unless_a_limit_was_raised(tmp_path, epochs, updates):
    """Also where it was killed between its last checkpoint and its model file."""
    run_to(None, tmp_path / "run", epochs=2)
    (tmp_path / "run/m.rnnlm").unlink()
    resumed = run_to(None, tmp_path / "run", resume=True, epochs=epochs)
    assert resumed.trainer.progress.updates == updates
