"""A recurrence of the user's own: the built-in Elman written as a step, an LSTM, and everything that can go wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import autograd.numpy as anp
import numpy as np
import own_recurrence
import pytest
from autograd import grad
from gradient_checks import PAIRS, agree, gradients, randomize, values
from paths import OWN_RECURRENCE, TOOLS
from test_model_gradients import DROPOUT, INPUT_DROPOUT, Case, check, elman_step
from test_resume import TEXT, assert_same, run_to

import rnnlm
from rnnlm.checks.formulas import recurrent as ref
from rnnlm.cli import run
from rnnlm.errors import DataError, UsageError
from rnnlm.models import CustomLM, ElmanLM
from rnnlm.recurrent import Custom, Elman, Recurrence
from rnnlm.text import Corpus
from rnnlm.text.vocabulary import Vocabulary
from rnnlm.training import Adagrad, Trainer
from rnnlm.training.events import Update

pytestmark = pytest.mark.filterwarnings("ignore:Output seems independent")  # of the reference, for empty windows

OWN = str(OWN_RECURRENCE)
VOCABULARY = Vocabulary(["</s>", *(f"w{i}" for i in range(1, 20))], np.arange(40, 20, -1))


# The same numbers as the hand-written one -----------------------------------------------------------


class Watched(Adagrad):
    """Keeps the gradient of every update."""

    def __init__(self, params):
        super().__init__(params, 0.1)
        self.record = []

    def step(self):
        self.record.append(gradients(self.params))
        super().step()


@pytest.mark.parametrize("independent", [False, True])
def test_elman_as_a_step_trains_like_the_built_in_one(independent):
    config = {"hidden": 7, "layers": 2, "classes": 5, "dropout": 0.3, "independent": independent, "dtype": "float64"}
    models = [ElmanLM(VOCABULARY, **config), CustomLM(VOCABULARY, recurrence=f"{OWN}:elman", **config)]
    agree(values(models[1].params), values(models[0].params), "start")
    ids = np.random.default_rng(2).integers(0, 20, 400).astype(np.int32)
    found = []
    for model in models:
        events = []
        optimizer = Watched(model.params)
        limits = {"clip": 0.05, "max_updates": 20, "observers": [events.append]}
        Trainer(model, optimizer, block=6, streams=4, **limits).fit(Corpus(ids, VOCABULARY))
        losses = [event.nll for event in events if isinstance(event, Update)]
        found.append((losses, optimizer.record, values(model.params)))
    (losses, records, weights), (own_losses, own_records, own_weights) = found
    assert len(losses) == 20
    np.testing.assert_allclose(own_losses, losses, rtol=1e-9)
    for record, own in [*zip(records, own_records, strict=True), (weights, own_weights)]:
        assert record.keys() == own.keys()
        for name in record:
            np.testing.assert_allclose(own[name], record[name], rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("stop", [0, 3, 5])
@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("given", ["dy", "dstate", "both", "neither"])
def test_the_layer_is_elman_in_every_case_of_backward(stop, mask, given):
    rng = np.random.default_rng(4)
    own = Custom(own_recurrence.elman, 5, rng=np.random.default_rng(1), dtype="float64")
    built_in = Elman(5, rng=np.random.default_rng(1), dtype="float64")
    x, dy = rng.normal(size=(6, 3, 5)), rng.normal(size=(6, 3, 5)) if given in ("dy", "both") else None
    h, dh = (rng.normal(size=(3, 5)),), (rng.normal(size=(3, 5)),) if given in ("dstate", "both") else None
    keep = (rng.random((6, 3)) > 0.4) * 1.0 if mask else None
    results = []
    for layer in (own, built_in):
        y, state, tape = layer.forward(x, h, keep)
        dx, dstate = layer.backward(dy, dh, tape, stop)
        results.append((y, state, dx, dstate, gradients(layer.params)))
    agree(*results)


# Against autograd on the unrolled whole -------------------------------------------------------------


def lstm(p):
    """One stream, one gate at a time: Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000."""
    H = len(p["W"]) // 2
    gate = {name: slice(n * H, n * H + H) for n, name in enumerate("ifog")}

    def a(name, x, h):
        W, b = p["W"][:, gate[name]], p["b"][gate[name]]
        return anp.dot(x, W[:H]) + anp.dot(h, W[H:]) + b

    def step(x, state, masks):
        h, c = state
        i, f, o = (1 / (1 + anp.exp(-a(name, x, h))) for name in "ifo")
        c = f * c + i * anp.tanh(a("g", x, h))
        h = o * anp.tanh(c)
        return ref.dropout(h, *masks), (h, c)

    return step


def clock(p):
    def step(x, state, masks):
        slow, last = state
        y = anp.tanh(x - last / 2 + anp.dot(slow, p["U"]))
        return y, (p["decay"] * slow + anp.dot(y, p["R"]), x)

    return step


@pytest.mark.parametrize("name", ["lstm", "clock"])
@pytest.mark.parametrize(("T", "B", "stop"), [(1, 1, 0), (5, 1, 2), (6, 3, 0), (6, 3, 4)])
@pytest.mark.parametrize("mask", [False, True])
def test_gradients_of_a_window(name, T, B, stop, mask):
    H, rng = 4, np.random.default_rng(T + stop)
    layer = Custom(getattr(own_recurrence, name), H, rng=rng, dtype="float64")
    randomize(layer.params, 3)
    sizes = [len(part[0]) for part in layer.start(1)]
    assert sizes == {"lstm": [4, 4], "clock": [3, 4]}[name]
    x, dy = rng.normal(size=(2, T, B, H))
    state, dstate = (tuple(rng.normal(size=(B, n)) for n in sizes) for _ in range(2))
    keep = (rng.random((T, B)) > 0.4) * 1.0 if mask else None
    formula = {"lstm": lstm, "clock": clock}[name]
    y, after, tape = layer.forward(x, state, keep)
    agree((y, after), ref.unroll(formula(values(layer.params)), x, state, keep))

    dx, before = layer.backward(dy, dstate, tape, stop)
    constant = ref.unroll(formula(values(layer.params)), x[:stop], state, keep)[1] if stop else state

    def scalar(leaves):
        p, x, state = leaves
        y, after = ref.unroll(formula(p), x, state, None if keep is None else keep[stop:])
        return anp.sum(y * dy[stop:]) + sum(anp.sum(a * d) for a, d in zip(after, dstate, strict=True))

    dp, expected, memory = grad(scalar)((values(layer.params), x[stop:], constant))
    agree((gradients(layer.params), dx[stop:], before), (dp, expected, tuple(memory)))
    assert not dx[:stop].any()


CASES = {
    "elman, 2 layers": Case(
        CustomLM,
        {
            "recurrence": f"{OWN}:elman",
            "classes": 3,
            "layers": 2,
            "dropout": DROPOUT,
            "input_dropout": INPUT_DROPOUT,
            "independent": True,
        },
        elman_step("tanh", 2),
    ),
    "lstm": Case(
        CustomLM,
        {"recurrence": f"{OWN}:lstm", "classes": 0, "layers": 1, "dropout": DROPOUT, "independent": True},
        lambda p: lstm(ref.part(p, "recurrent.0.")),
    ),
}


@pytest.mark.parametrize(("block", "horizon"), PAIRS)
@pytest.mark.parametrize("name", CASES)
def test_every_update_of_an_epoch(name, block, horizon):
    check(CASES[name], block, horizon, tokens=6 * block - 1, B=2)


def test_float32_stays_float32_though_the_step_knows_only_float64():
    def step(params, x, state):
        y, state = own_recurrence.lstm_step(params, x.astype(np.float64), state)
        return y, state

    recurrence = Recurrence(own_recurrence.lstm_parameters, step, states=2)
    rng = np.random.default_rng(1)
    x, dy = rng.normal(size=(2, 5, 3, 4)).astype(np.float32)
    results = []
    for layer in (Custom(recurrence, 4, rng=np.random.default_rng(1)), Custom(own_recurrence.lstm, 4, rng=rng)):
        for name, param in layer.params.items():
            param.value[...] = np.random.default_rng(len(name)).normal(0, 0.3, param.value.shape)
        y, state, tape = layer.forward(x, layer.start(3))
        dx, dstate = layer.backward(dy, state, tape)
        arrays = [y, *state, dx, *dstate, *gradients(layer.params).values(), *tape[1]]
        assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
        results.append(arrays)
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


# Files, checkpoints, runs ---------------------------------------------------------------------------


def test_cut_off_and_resumed(tmp_path):
    settings = {"model": f"{OWN}:lstm", "horizon": 9, "dropout": 0.2, "epochs": 1}
    whole = run_to(None, tmp_path / "whole", **settings)
    run_to(50, tmp_path / "cut", **settings)
    assert run_to(None, tmp_path / "cut", resume=True, **settings).trainer.progress.updates == 72
    assert whole.trainer.progress.updates == 72
    assert_same(tmp_path / "whole/m.rnnlm", tmp_path / "cut/m.rnnlm")
    one, two = (rnnlm.load(tmp_path / name / "m.rnnlm", trust=True).log[1:] for name in ("whole", "cut"))
    assert one == two


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to work in, with a text and mine.py."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(OWN, "mine.py")
    Path("text.txt").write_text(TEXT)
    return tmp_path


SMALL = {"hidden": 6, "classes": 4, "streams": 5, "block": 6, "max_updates": 10}
QUICK = "--hidden 6 --classes 4 --streams 10 --block 12"


def trained(name="mine.py:lstm"):
    return rnnlm.train("text.txt", model=name, output="m.rnnlm", **SMALL)


def test_a_model_goes_with_its_source_beside_it(here, monkeypatch):
    Path("deep/down").mkdir(parents=True)
    shutil.move("mine.py", "deep/mine.py")
    text = Path("text.txt")
    before = trained("deep/mine.py:lstm").perplexity(text).nll
    assert rnnlm.load("m.rnnlm", trust=True).config["recurrence"] == "deep/mine.py:lstm"
    monkeypatch.chdir("deep/down")
    from_its_folder = rnnlm.load("../../m.rnnlm", trust=True)  # deep/mine.py
    assert from_its_folder.perplexity(here / text).nll == before
    shutil.move(here / "deep/mine.py", here / "mine.py")
    assert rnnlm.load(here / "m.rnnlm", trust=True).perplexity(here / text).nll == before  # mine.py beside the model
    (here / "mine.py").unlink()
    with pytest.raises(
        DataError, match=r"m\.rnnlm cannot be .*deep/mine\.py:lstm needs the file deep/mine\.py, .*Put it there"
    ):
        rnnlm.load(here / "m.rnnlm", trust=True)


def test_a_changed_source_is_refused_before_it_runs(here):
    trained()
    source = Path("mine.py").read_text()
    for change in ("# a remark\n", "open('ran', 'w')\n"):
        Path("mine.py").write_text(source + change)
        for trust in (True, lambda file: True):
            with pytest.raises(DataError, match=r"mine\.py:lstm has changed since .* not run: mine\.py has SHA"):
                rnnlm.load("m.rnnlm", trust=trust)
    assert not Path("ran").exists()


def test_of_several_files_the_one_that_was_trained_with_is_run(here, monkeypatch):
    trained()
    Path("elsewhere").mkdir()
    Path("elsewhere/mine.py").write_text("raise SystemExit\n")
    monkeypatch.chdir("elsewhere")  # whose mine.py is looked up first
    assert rnnlm.load("../m.rnnlm", trust=True).kind == "custom"


def test_the_command_line_from_a_text_to_a_sample(here, capsys):
    Path("test.txt").write_text(TEXT[:600])
    assert run([*f"train text.txt --model mine.py:lstm {QUICK} --epochs 2 --test test.txt -o m.rnnlm".split()]) == 0
    out = capsys.readouterr()
    assert "test perplexity" in out.out
    assert "custom: " in out.err
    assert "6 hidden units, 4 classes" in out.err
    assert run(["info", "m.rnnlm"]) == 0
    assert "recurrence mine.py:lstm" in capsys.readouterr().out
    assert run(["sample", "m.rnnlm", "-c", "2"]) == 0
    assert run(["ppl", "m.rnnlm", "test.txt"]) == 0
    assert "PPL" in capsys.readouterr().out.upper()
    Path("mine.py").write_text(Path("mine.py").read_text() + "\n")
    assert run(["ppl", "m.rnnlm", "test.txt"]) == 1
    assert "the source of mine.py:lstm has changed since the model was trained" in capsys.readouterr().err
    assert run(["info", "m.rnnlm"]) == 0


def test_several_runs_and_the_last_epochs(here, capsys):
    train = f"train text.txt --model mine.py:elman {QUICK}"
    assert run(f"{train} --epochs 1 --runs 2 --jobs 2 -o r.rnnlm".split()) == 0
    assert [rnnlm.load(f"r.{n}.rnnlm", trust=True).config["seed"] for n in (1, 2)] == [1, 2]
    assert len(rnnlm.load("r.rnnlm", trust=True).config["weights"]) == 2
    assert run(f"{train} --epochs 2 --last 2 -o l.rnnlm".split()) == 0
    assert rnnlm.load("l.average.rnnlm", trust=True).kind == "custom"
    capsys.readouterr()


EXAMPLE = TOOLS / "examples/own_recurrence.py"


def test_the_example_is_short_and_learns(here):
    code = EXAMPLE.read_text().split('"""')[2]
    assert 0 < len([line for line in code.splitlines() if line]) <= 15
    model = rnnlm.train("text.txt", model=f"{EXAMPLE}:leaky", **{**SMALL, "max_updates": 60})
    first, last = (entry["nll"] for entry in (model.log[1], model.log[-2]))
    assert last < first - 0.2  # nats


# What goes wrong ------------------------------------------------------------------------------------

HEAD = """
import autograd.numpy as np
import numpy
from rnnlm import Recurrence

def parameters(rng, hidden):
    return {"W": rng.normal(0, 0.1, (hidden, hidden))}

def step(params, x, state):
    (h,) = state
    h = np.tanh(x + h @ params["W"])
    return h, (h,)
"""

STEPS = {  # a step -> the error
    "lambda p, x, s: 1 / 0": r"mine.py:mine: step raised ZeroDivisionError in line \d+: ",
    "lambda p, x: x": r"step raised TypeError: .* takes 2 positional arguments",
    "lambda p, x, s: x @ p['V']": r"step raised KeyError in line 13: 'V'",
    "lambda p, x, s: x": r"returned an array of shape \(3, 6\) and type float32\. It must return a pair",
    "lambda p, x, s: (x, x)": r"shape \(3, 6\) and type float32 as the state\. It must be a tuple of 1 ",
    "lambda p, x, s: (x, (x, x))": r"returned a tuple of 2 as the state\. .* tuple of 1 ",
    "lambda p, x, s: (x[:, :5], s)": r"\(3, 5\) and type \w+ as y\. It must be an array of numbers of shape \(3, 6\)",
    "lambda p, x, s: (0.5, s)": r"returned a float as y\. It must be an array of numbers of",
    "lambda p, x, s: (x * np.cumprod(s[0], 1), s)": (
        r"step under autograd raised NotImplementedError in line 13: VJP of cumprod "
    ),
    "lambda p, x, s: (numpy.concatenate([s[0], x @ p['W']], 1)[:, :6], s)": (
        r"returned an array of shape \(3, 6\) and type object as y\. .* made with autograd\.numpy"
    ),
    "lambda p, x, s: (x - x.mean(0), s)": r"gives a stream other numbers in a batch of 3",
    "lambda p, x, s: (x * numpy.random.rand(), s)": r"without chance",
}
BAD = {  # what stands at the end of the file -> the error
    **{f"mine = Recurrence(parameters, {step})": error for step, error in STEPS.items()},
    "mine = Recurrence(parameters, step, [4])": r"step raised ValueError in line 11: matmul: ",
    "mine = Recurrence(parameters, lambda p, x, s: (x, (x,)), [4])": (
        r"\(3, 6\) and type \w+ as state array 1\. .* shape \(3, 4\)"
    ),
    "mine = Recurrence(parameters, step, 0)": r"states=0 of a Recurrence is not possible\. Give how many",
    "mine = Recurrence(parameters, step, [6, -1])": r"states=\[6, -1\] of a Recurrence is not possible",
    "mine = Recurrence(parameters, step, lambda: 1)": r"states raised TypeError",
    "mine = Recurrence(parameters, 5)": r"mine\.py failed .* UsageError: step of a Recurrence is 5\. Give a function",
    "mine = Recurrence(lambda rng, hidden: [1], step)": r"parameters returned a list of 1\. It must return a dict",
    "mine = Recurrence(lambda rng, hidden: rng.normal((2, 'a')), step)": r"parameters raised \w+Error in line 13: ",
    "mine = Recurrence(lambda rng, hidden: {'1.W': rng.normal(size=3)}, step)": r"'1\.W' is no name for a parameter",
    "mine = Recurrence(lambda rng, hidden: {'W': 'no'}, step)": r"the parameter W is a str\. It must be an array",
    "mine = Recurrence(lambda rng, hidden: {'W': 0.5}, step)": r"the parameter W is a float\. It must be an array",
    "def bad(p, x, s):\n    s[0][:] = x\n    return x, s\nmine = Recurrence(parameters, bad)": (
        r"step raised ValueError in line 14: assignment destination is read-only\. .*change no array in place"
    ),
    "mine = 5": r"mine\.py has no Recurrence 'mine'\. Give a file that makes one",
    "yours = Recurrence(parameters, step)": r"mine\.py has no Recurrence 'mine'\. Give mine\.py:yours\.",
    "mine = (": r"mine\.py failed when it was run: SyntaxError: '\(' was never closed",
    "import nothing_of_that_name": r"mine\.py failed when it was run: ModuleNotFoundError: No module named",
}


@pytest.mark.parametrize("source", BAD, ids=range(len(BAD)))
def test_errors_in_a_users_file_are_one_line(here, source, capsys):
    Path("mine.py").write_text(HEAD + source + "\n")
    with pytest.raises((UsageError, DataError), match=BAD[source]) as caught:
        trained("mine.py:mine")
    assert "\n" not in str(caught.value)
    assert not Path("m.rnnlm").exists()


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        ("--model nobody", 2, "model 'nobody' is not known. Give one of elman, jordan, "),
        (
            "--model mine.py",
            2,
            "mine.py is a file that may hold several recurrences. Give mine.py:elman, mine.py:lstm,",
        ),
        ("--model none.py:mine", 1, "the recurrence none.py:mine needs the file none.py, and there is no "),
        (
            "--model mine.py:elman --activation relu",
            2,
            "--activation 'relu' is for the model elman, jordan, rnnlm, bengio or convolution, and "
            "this is mine.py:elman. Leave it out.",
        ),
        ("--model mine.py:elman -o mine.py", 2, "the output mine.py is the recurrence itself, which it would replace"),
    ],
)
def test_bad_options(here, capsys, options, status, message):
    assert run(f"train text.txt {QUICK} {options}".split()) == status
    assert capsys.readouterr().err.startswith(f"rnnlm: error: {message}")


def test_a_name_that_is_no_file():
    with pytest.raises(UsageError, match=r"'gru' is not of the form path/to/file\.py:NAME"):
        CustomLM(VOCABULARY, recurrence="gru")
