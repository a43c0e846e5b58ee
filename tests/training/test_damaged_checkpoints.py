"""Checkpoints with a correct checksum and a content that no run writes: one line that names it."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pytest
from altered import altered, array, element, entry, packed, without
from test_old_files import CUT, FOLDER

from rnnlm.cli import run
from rnnlm.curves import read_log
from rnnlm.errors import DataError

NAN = float("nan")
NAME = "jordan_cut.rnnlm.checkpoint"  # it has tapes, a state, Adam's memory, the best weights and a schedule
ALTERATIONS = [
    (entry("more", 1), "the entry more is not known"),
    (entry("run", [1]), "the entry run is"),
    (entry("run.hidden", [[6]]), "the entry run.hidden is"),
    (entry("run.optimizer", ["adam"]), "the entry run.optimizer is"),
    (entry("model.config.hidden", 10**9), "weights of the shape"),
    (entry("model.config.layers", 10**9), "weights of the shape"),
    (entry("model.kind", "mixture"), "mixture|the entry model"),
    (element("model/output.W", (0, 0), NAN), "the array model/output.W holds a number that is not finite"),
    (array("model/class_start", [0, 5, 5, 12]), "class_start must rise"),
    (packed("model/log", [{"kind": "epoch"}]), "of the kind epoch, has no epoch"),
    (entry("optimizer.steps", -1), "the entry optimizer.steps is -1"),
    (entry("optimizer.learning_rate", "1"), "the entry optimizer.learning_rate is"),
    (entry("optimizer.more", 1), "the entry optimizer.more is not known"),
    (without("optimizer/output.W/mean"), "the array optimizer/output.W/mean is missing"),
    (array("optimizer/output.W/mean", lambda a: a[:-1]), "the array optimizer/output.W/mean has the shape"),
    (element("optimizer/output.W/squares", (1, 1), -1.0), "the array optimizer/output.W/squares holds -1.0"),
    (element("optimizer/output.b/mean", 2, NAN), "the array optimizer/output.b/mean holds"),
    (entry("schedule.halving", 1), "the entry schedule.halving is 1"),
    (entry("schedule.best", "x"), "the entry schedule.best is"),
    (entry("schedule.after_epoch", 1), "the entry schedule.after_epoch is not known"),
    (entry("progress.epoch", 0), "the entry progress.epoch is 0"),
    (entry("progress.epoch", 2.0), "the entry progress.epoch is 2.0"),
    (entry("progress.window", 10**9), "the entry progress.window is 1000000000"),
    (entry("progress.window", -1), "the entry progress.window is -1"),
    (entry("progress.updates", None), "the entry progress.updates is null"),
    (entry("progress.nll", "a"), "the entry progress.nll is"),
    (entry("progress.stopped", 1), "the entry progress.stopped is 1"),
    (entry("progress.best_epoch", 9), "the entry progress.best_epoch is 9"),
    (entry("progress.best_epoch", 0), "the array best/.* is not known"),
    (without("best/output.W"), "the array best/output.W is missing"),
    (array("best/output.b", lambda a: a.astype(np.float32)), "the array best/output.b holds float32"),
    (entry("state", []), "the entry state is"),
    (entry("state", {"value": None}), "the entry tapes is not empty"),
    (entry("state", ["tuple", {"array": 5}]), "the entry state.0 is"),
    (entry("state", ["tuple", {"array": "model/output.b"}]), "the array model/output.b has the shape"),
    (array("state.0", lambda a: a[:2]), "the array state.0 has the shape"),
    (element("state.0", (0, 0), NAN), "the array state.0 holds a number that is not finite"),
    (entry("tapes", [1]), "the entry tapes has windows of .0. steps"),
    (entry("tapes", [["tuple", {"value": 10**9}]]), "the entry tapes has windows"),
    (entry("tapes", [["tuple", {"value": 8}]]), "the entry tapes.0 is"),
    (element("tapes/0.1", (0, 0), 12), "the array tapes/0.1 holds 12"),
    (element("tapes/0.1", (0, 0), -2), "the array tapes/0.1 holds -2"),
    (array("tapes/0.3.1", lambda a: a[:, :, :2]), "the array tapes/0.3.1 has the shape"),
]


@pytest.fixture
def folder(tmp_path, monkeypatch, plain):
    """The files of the run that was cut off."""
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path / "cache"))
    for name in ("text.txt", "valid.txt", NAME):
        shutil.copy(FOLDER / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("alteration", "said"), ALTERATIONS, ids=[said for _, said in ALTERATIONS])
def test_an_altered_checkpoint_is_refused(folder, capsys, alteration, said):
    path = altered(FOLDER / NAME, folder / NAME, "checkpoint", alteration)
    before = path.read_bytes()
    status = run([*CUT["jordan_cut"], "--resume"])
    last = capsys.readouterr().err.splitlines()[-1]
    assert status == 1, last
    assert last.startswith("rnnlm: error: jordan_cut.rnnlm.checkpoint ")
    assert re.search(said, last), last
    assert path.read_bytes() == before


def test_plot_reads_the_log_of_a_checkpoint_as_strictly(folder):
    path = altered(
        FOLDER / NAME, folder / NAME, "checkpoint", packed("model/log", [{"kind": "update", "updates": "1"}])
    )
    with pytest.raises(DataError, match=r"updates in entry 0 of the training log is \"1\""):
        read_log(path)
