"""`rnnlm train` and `rnnlm.train`: what is printed where, what the options do, and how a run ends and goes on."""

from __future__ import annotations

import json
import re
import signal
import time
import warnings

import numpy as np
import pytest
from python_process import python

import rnnlm
from rnnlm.cli import progress
from rnnlm.cli.progress import ProgressBar
from rnnlm.models import RecurrentLM
from rnnlm.training.events import Sums, Update

QUICK = ("--hidden", 6, "--streams", 4, "--epochs", 2)


def weights(path) -> dict[str, np.ndarray]:
    return {name: param.value for name, param in rnnlm.load(path).params.items()}


def assert_same_weights(one, two) -> None:
    first, second = weights(one), weights(two)
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def test_results_on_standard_output_and_talk_on_standard_error(call, shared, tmp_path):
    called = call("train", shared / "text.txt", *QUICK, "-o", "m.rnnlm")
    assert called.status == 0
    out = called.out.splitlines()
    assert re.fullmatch(r"validation perplexity \d\.\d{4}", out[0])
    numbers = r"test perplexity \d\.\d{4} \(\d\.\d{4} bits/token, \d\.\d{4} bits/character; \d+ tokens\)"
    assert re.fullmatch(numbers, out[1])
    assert re.fullmatch(r"sample: [a-z ]+", out[2])
    assert len(out) == 3
    err = called.err.splitlines()
    assert re.fullmatch(r"held out the last \d+ and \d+ tokens of .*text\.txt for validation and test", err[0])
    assert "12 words (words), 6 logistic units" in err[1]
    assert [line.split()[:2] for line in err[2:4]] == [["epoch", "1"], ["epoch", "2"]]
    assert all(re.search(r"train PPL \d+\.\d+  valid PPL \d+\.\d+ .* words/s", line) for line in err[2:4])
    assert err[4] == "stopped: 2 epochs done; the best epoch is 2"
    assert "  rnnlm ppl m.rnnlm YOUR.txt" in err
    assert "\r" not in called.err  # no live line where nobody watches
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.rnnlm", "m.rnnlm.checkpoint"]


def test_printed_figures_are_those_of_the_model(call, shared):
    called = call("train", shared / "text.txt", *QUICK, "--test", shared / "test.txt", "-o", "m.rnnlm")
    lm = rnnlm.load("m.rnnlm")
    best = [entry for entry in lm.log if entry["kind"] == "epoch"][-1]
    assert f"validation perplexity {np.exp(best['valid_nll']):.4f}\n" in called.out
    assert f"test perplexity {lm.perplexity(shared / 'test.txt').ppl:.4f} (" in called.out
    assert f"sample: {lm.sample(seed=1)}\n" in called.out


def test_json(call, shared):
    called = call("train", shared / "text.txt", *QUICK, "--test", shared / "test.txt", "-o", "m.rnnlm", "--json")
    found, lm = json.loads(called.out), rnnlm.load("m.rnnlm")
    assert found["test"] == lm.perplexity(shared / "test.txt").as_dict()
    assert found["epochs"] == [entry for entry in lm.log if entry["kind"] == "epoch"]
    assert (found["model"], found["stopped"]) == ("m.rnnlm", "2 epochs done")
    assert found["sample"] == str(lm.sample(seed=1))
    assert (found["verdict"]["nll"], found["verdict"]["text"]) == (found["epochs"][-1]["valid_nll"], "")
    assert "epoch  1" in called.err


def test_a_model_worse_than_none_is_said_once_and_recorded(call, shared):
    """On standard error in the words of the command line; in --json, the model file and `rnnlm info` too."""
    called = call("train", shared / "text.txt", *QUICK, "--lr", 30, "-o", "m.rnnlm", "--json")
    warning = [line for line in called.err.splitlines() if "warning" in line]
    verdict = json.loads(called.out)["verdict"]
    assert len(warning) == 1
    assert re.fullmatch(
        r"warning: validation perplexity [e^\d.]+ is worse than 12\.00, that of equal probabilities for all words\. "
        r"Try --lr 10, then more --epochs, then --clip 1\.",
        warning[0],
    )
    assert verdict["nll"] > verdict["uniform"] == pytest.approx(np.log(12))
    assert verdict["text"].endswith("Try lr=10, then more `epochs`, then clip=1.")
    assert f"warning     {verdict['text']}" in call("info", "m.rnnlm").out
    assert json.loads(call("info", "m.rnnlm", "--json").out)["verdict"] == {"kind": "verdict", **verdict}


def test_python_trains_the_same_model(call, shared, tmp_path):
    call("train", shared / "text.txt", *QUICK, "--seed", 5, "-o", "m.rnnlm")
    lm = rnnlm.train(shared / "text.txt", hidden=6, streams=4, epochs=2, seed=5)
    for name, value in weights("m.rnnlm").items():
        np.testing.assert_array_equal(lm.params[name].value, value)
    lm.save(tmp_path / "saved.rnnlm")
    assert rnnlm.load(tmp_path / "saved.rnnlm").perplexity(shared / "test.txt") == lm.perplexity(shared / "test.txt")
    assert rnnlm.load("m.rnnlm").sample("the", 20, seed=1) == lm.sample("the", 20, seed=1)
    other = rnnlm.train(shared / "text.txt", hidden=6, streams=4, epochs=2, seed=6)
    assert not np.array_equal(other.params["output.W"].value, lm.params["output.W"].value)


def test_the_names_of_rnncamp(call, shared):
    """The options of rnncamp's elman.py are aliases (it clips by value): same run, same printed text, same model."""
    given = {"lr": "0.05", "hidden": "7", "seed": "4"}
    common = [part for name, value in given.items() for part in (f"--{name}", value)] + ["--streams", "4"]
    theirs = ["--activate_f", "relu", "--grad_clip", "0.5", "--max_iter", "25", "--seq_length", "6"]
    theirs += ["--sample_n", "5", "--snapshot_t", "10", "--train", shared / "text.txt"]
    ours = ["--activation", "relu", "--clip", "0.5", "--clip-by", "value", "--max-updates", "25", "--block", "6"]
    ours += ["--sample", "5", "--snapshot", "10"]
    one = call("train", *theirs, *common, "-o", "theirs.rnnlm")
    two = call("train", shared / "text.txt", *ours, *common, "-o", "ours.rnnlm")
    assert one.status == two.status == 0
    assert one.out == two.out
    assert_same_weights("theirs.rnnlm", "ours.rnnlm")
    lm = rnnlm.load("theirs.rnnlm")
    record = lm.log[0]
    assert (record["activation"], record["clip"], record["block"], record["lr"]) == ("relu", 0.5, 6, 0.05)
    assert (lm.config["hidden"], lm.config["seed"], lm.config["activation"]) == (7, 4, "relu")
    assert lm.log[-1]["updates"] == 25
    snapshots = [line for line in one.err.splitlines() if line.startswith("update ")]
    assert [line.split(",")[0] for line in snapshots] == ["update 10", "update 20"]
    sample = one.out[one.out.index("sample: ") + 8 :]
    assert len(lm.sample(length=5, seed=4).words) == 5
    assert sample == f"{lm.sample(length=5, seed=4)}\n"


def test_defaults_matter(call, shared):
    """Each alias changes the model: it is not only accepted."""
    call("train", shared / "text.txt", *QUICK, "-o", "plain.rnnlm")
    for number, option in enumerate([("--activate_f", "tanh"), ("--grad_clip", 0.01), ("--seq_length", 5)]):
        call("train", shared / "text.txt", *QUICK, *option, "-o", f"{number}.rnnlm")
        plain, other = weights("plain.rnnlm"), weights(f"{number}.rnnlm")
        assert not np.array_equal(plain["output.W"], other["output.W"]), option


def test_model_file_is_named_after_the_text(call, shared, stdin, tmp_path):
    assert call("train", shared / "text.txt", *QUICK).status == 0
    stdin((shared / "text.txt").read_bytes())
    assert call("train", "-", *QUICK).status == 0
    assert sorted(path.name for path in tmp_path.glob("*.rnnlm")) == ["model.rnnlm", "text.rnnlm"]
    assert_same_weights("model.rnnlm", "text.rnnlm")


def test_command_is_in_the_model_file(call, shared):
    call("train", shared / "text.txt", *QUICK, "-o", "my model.rnnlm")
    expected = f"rnnlm train {shared / 'text.txt'} --hidden 6 --streams 4 --epochs 2 -o 'my model.rnnlm'"
    assert rnnlm.load("my model.rnnlm").log[0]["command"] == expected


def test_a_named_grammar_says_what_a_perfect_model_reaches(call):
    called = call("train", "reber", "--hidden", 3, "--max-updates", 5, "-o", "m.rnnlm")
    assert "a perfect model of this source has perplexity 1.45" in called.out
    assert "held out" not in called.err  # it brings its own parts


def test_live_line_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(progress, "is_terminal", lambda stream: True)
    with ProgressBar() as live:
        live(Update(1, 1, tokens=20, done=20, total=50, epochs=2, sums=Sums(60.0, 60.0), learning_rate=0.1))
        time.sleep(0.25)  # the line changes five times a second at most
        live(Update(1, 2, tokens=30, done=50, total=50, epochs=2, sums=Sums(30.0, 90.0), learning_rate=0.1))
        live.write("update 2: a text")
    out, err = capsys.readouterr()
    lines = err.split("\r")
    shown = next(line for line in lines if "50%" in line)
    assert re.fullmatch(r"epoch 1/2  50% \|.*\| +[\d.]+k? words/s, loss 1\.800, PPL 6\.0496, \d\d:\d\d left *", shown)
    assert any(line.startswith("update 2: a text\n") for line in lines)
    assert lines[-1].strip() == ""  # and in the end it is wiped away
    assert out == ""


def interrupt_at(update: int, monkeypatch) -> None:
    """Ctrl-C at that update."""
    tell = ProgressBar.__call__

    def press(self, event):
        tell(self, event)
        if isinstance(event, Update) and event.updates == update:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(ProgressBar, "__call__", press)


def test_ctrl_c_saves_and_resume_goes_on(call, shared, tmp_path):
    arguments = ("train", shared / "text.txt", *QUICK, "--dropout", 0.2)
    call(*arguments, "-o", "whole.rnnlm")
    with pytest.MonkeyPatch.context() as patch:
        interrupt_at(7, patch)
        called = call(*arguments, "-o", "m.rnnlm")
    assert called.status == 130
    assert "stopped: interrupted; no epoch is over yet" in called.err
    assert "model so far: m.rnnlm. Go on with the same command and --resume." in called.err
    assert "perplexity" not in called.out
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{name}.rnnlm{end}" for name in ("whole", "m") for end in ("", ".checkpoint")
    }
    assert rnnlm.load("m.rnnlm").sample("the", 3, seed=1).words
    again = call(*arguments, "-o", "m.rnnlm")
    assert again.status == 1
    assert "belongs to a run that was cut off. Go on with it by --resume, or delete it" in again.err
    resumed = call(*arguments, "-o", "m.rnnlm", "--resume")
    assert resumed.status == 0
    assert "resuming at epoch 1, update 7" in resumed.err
    assert_same_weights("m.rnnlm", "whole.rnnlm")
    again = call(*arguments, "-o", "m.rnnlm", "--resume")
    assert (again.status, "this run has ended: 2 epochs done. To go on, give a larger --epochs." in again.err) == (
        0,
        True,
    )
    assert_same_weights("m.rnnlm", "whole.rnnlm")


def test_killed_between_the_last_checkpoint_and_the_model(call, shared):
    """Then --resume has only the model left to write; it does not train another epoch."""

    def killed(self, path):
        raise KeyboardInterrupt

    arguments = ("train", shared / "text.txt", *QUICK)
    call(*arguments, "-o", "whole.rnnlm")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RecurrentLM, "save", killed)
        assert call(*arguments, "-o", "m.rnnlm").status == 130
    resumed = call(*arguments, "-o", "m.rnnlm", "--resume")
    assert "epoch  3" not in resumed.err
    assert_same_weights("m.rnnlm", "whole.rnnlm")
    assert rnnlm.load("m.rnnlm").log[1:] == rnnlm.load("whole.rnnlm").log[1:]


@pytest.mark.parametrize(
    "options",
    [
        ("--model", "elman", "--activation", "relu", "--optimizer", "momentum", "--lr", 1e10, "--clip", "none"),
        ("--activation", "relu", "--optimizer", "adam", "--lr", 1e38, "--clip", "none"),
        ("--optimizer", "sgd", "--lr", 1e30, "--clip", "none"),
    ],
    ids=["elman", "adam", "sgd"],
)
def test_a_run_that_diverges_says_where_and_what_to_try(call, shared, options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        called = call("train", shared / "text.txt", *QUICK, *options, "-o", "m.rnnlm")
    assert called.status == 1
    last = called.err.splitlines()[-1]
    assert last.startswith("rnnlm: error: the ")
    assert re.search(
        r" is (nan|inf|\d\.?\d*e\+\d+) at update \d+ \(epoch 1, learning rate 1e\+\d\d, clip None\)\. Try a tenth", last
    )
    assert called.out == ""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["sample", "--help"]])
def test_help_imports_nothing_heavy(arguments):
    heavy = {"numpy", "numba", "nltk", "safetensors", "matplotlib", "autograd", "scipy", "tqdm"}
    program = (
        f"import sys; from rnnlm.cli import run; status = run({arguments!r}); "
        f"print(sorted({heavy!r} & set(sys.modules)), file=sys.stderr); sys.exit(status)"
    )
    done = python("-c", program)
    assert done.returncode == 0
    assert done.stderr == "[]\n"
    assert done.stdout
