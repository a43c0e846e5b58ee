"""What a run in a process of its own is told, and what it says, as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import rnnlm
from rnnlm.models import load
from rnnlm.training import Settings
from rnnlm.training import worker as training_worker
from rnnlm.training.events import Epoch
from rnnlm.training.messages import Began, Ended, EpochEnded, Failed, Note, from_json, to_json

BEGAN = Began(
    held_out="held out 3", resume=True, resumed=False, epoch=2, updates=5, kind="elman", tokens=7, words=11,
    tokenizer="chars", units="4 tanh units", output="full softmax", weights=13, device="Numba on 1 thread",
)  # fmt: skip
MESSAGES = [
    (BEGAN, "began"),
    (EpochEnded(Epoch(1, 72, 2.5, 2.25, True, False, 0.1, "done"), 1.5, 99.5), "epoch"),
    (EpochEnded(Epoch(3, 4, 2.5, None, False, True, 0.05, "", 0.5, 0.25), 1.5, None), "epoch"),
    (Ended("2 epochs done", 2), "ended"),
    (Failed("UsageError", "hidden=0 is too small. Give hidden >= 1."), "failed"),
    (Note("warning: “ü”"), "note"),
    (Note("", compiling=True), "note"),
]


@pytest.mark.parametrize(("message", "what"), MESSAGES)
def test_a_message_goes_through_json(message, what):
    said = to_json(message)
    assert said["what"] == what
    line = json.loads(json.dumps(said))
    again = from_json(line)
    assert (again, type(again)) == (message, type(message))
    assert line == said  # reading it changes nothing
    assert len(said) == 1 + len(vars(message))


def test_the_numbers_of_an_epoch_stand_in_the_line():
    said = to_json(MESSAGES[1][0])
    assert (said["seconds"], said["speed"], said["epoch"]["valid_nll"], said["epoch"]["best"]) == (
        1.5,
        99.5,
        2.25,
        True,
    )


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ({"what": "sung"}, KeyError), ({}, KeyError), ({"what": "ended", "reason": "x"}, TypeError),
        ({"what": "note", "text": "x", "more": 1}, TypeError), ({"what": "epoch", "seconds": 1.0}, KeyError),
    ],
)  # fmt: skip
def test_what_is_no_message(line, error):
    with pytest.raises(error):
        from_json(line)


# the process at the other end


def worker(folder: Path, line: str) -> tuple[int, list, str]:
    env = os.environ | {"PYTHONPATH": str(Path(rnnlm.__file__).parents[1]), "RNNLM_CACHE": str(folder / "cache")}
    command = [sys.executable, "-m", "rnnlm.training.worker"]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, cwd=folder, env=env, text=True, **pipes) as process:
        process.stdin.write(line)
        process.stdin.flush()  # and not closed, which would end the process
        said = [from_json(json.loads(message)) for message in process.stdout]
        return process.wait(), said, process.stderr.read()


def request(**changes) -> str:
    settings = {"text": "text.txt", "hidden": 4, "streams": 3, "epochs": 2, "backend": "numpy", "classes": 0, **changes}
    said = {**Settings(output="m.rnnlm").to_json(), **settings}
    return json.dumps({"settings": said, "command": "typed by somebody"}) + "\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "text.txt").write_text("\n".join(f"a b{i % 3} c{i % 5}" for i in range(60)))
    return tmp_path


def test_a_worker_trains_what_it_is_handed(folder):
    status, (began, *epochs, ended), errors = worker(folder, request())
    assert (status, errors) == (0, "")
    model = load(folder / "m.rnnlm")
    assert (began.epoch, began.updates, began.units, began.output) == (1, 0, "4 logistic units", "full softmax")
    assert (began.words, began.weights) == (10, sum(param.value.size for param in model.params.values()))
    assert [one.epoch.epoch for one in epochs] == [1, 2]
    assert [one.epoch.valid_nll for one in epochs] == [e["valid_nll"] for e in model.log if e["kind"] == "epoch"]
    assert ended == Ended("2 epochs done", 2)
    assert model.log[0]["command"] == "typed by somebody"
    here = rnnlm.train(folder / "text.txt", hidden=4, streams=3, epochs=2, backend="numpy", classes=0)
    for name, param in here.params.items():
        np.testing.assert_array_equal(param.value, model.params[name].value)
    rnnlm.ops.use()


@pytest.mark.parametrize(
    ("changes", "status", "error", "message"),
    [
        ({"hidden": 0}, 2, "UsageError", "hidden=0 is too small. Give hidden >= 1."),
        ({"order": 3}, 2, "UsageError", "order=3 is for the model bengio, and this is rnnlm. Leave it out."),
        ({"text": "none.txt"}, 1, "DataError", "none.txt does not exist"),
        ({"lr": 1e30, "activation": "relu", "clip": None}, 1, "TrainingError", "Try a tenth of the learning rate"),
    ],
)
def test_a_worker_says_why_it_cannot_go_on(folder, changes, status, error, message):
    found, said, errors = worker(folder, request(**changes))
    assert (found, said[-1].error, errors) == (status, error, "")
    assert message in said[-1].message
    assert not (folder / "m.rnnlm").exists()


def test_a_mistake_of_ours_is_told_with_its_story(folder):
    status, said, errors = worker(
        folder, json.dumps({"settings": {"text": 3, "backend": "numpy"}, "command": ""}) + "\n"
    )
    assert status == 1
    assert said[-1].error == "TypeError"
    assert said[-1].message.startswith("TypeError: ")
    assert "Traceback (most recent call last)" in errors


CHATTY = """
import sys
import autograd.numpy as np
import rnnlm

print('{"a": 1}')
sys.stdout.write("no end of a line ")
print("a warning", file=sys.stderr)
cell = rnnlm.Recurrence(lambda rng, hidden: {"b": np.zeros(hidden)}, lambda p, x, state: (np.tanh(x + p["b"]), state))
"""


def test_what_a_users_file_prints_does_not_stand_between_the_messages(folder):
    (folder / "mine.py").write_text(CHATTY)
    status, said, errors = worker(folder, request(model="mine.py:cell"))
    assert status == 0, errors
    assert [type(message) for message in said] == [Began, EpochEnded, EpochEnded, Ended]
    assert "a warning" in errors
    assert '{"a": 1}' in errors


def test_a_fault_of_the_disk_is_a_line(monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "there")

    said = []
    monkeypatch.setattr(training_worker, "Run", full)
    monkeypatch.setattr(training_worker, "send", said.append)
    monkeypatch.setattr("warnings.showwarning", warnings.showwarning)  # which the worker replaces
    monkeypatch.setattr(rnnlm.ops, "tell_when_compiling", lambda tell: None)
    assert training_worker.run_request(json.loads(request())) == 1
    assert said == [Failed("OSError", "there: No space left on device. Check the disk and the path.")]
