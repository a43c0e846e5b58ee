"""The choice of the backend, its threads, and whole training runs on each: the same weights, whatever the machine."""

from __future__ import annotations

import os

import numpy as np
import pytest
from array_checks import shared_kernels
from python_process import python

from rnnlm import ops
from rnnlm.errors import UsageError
from rnnlm.models import MODELS, load
from rnnlm.ops import backends
from rnnlm.text import Corpus
from rnnlm.training import OPTIMIZERS, Run, Settings, Trainer
from rnnlm.training.events import Update


@pytest.fixture(autouse=True)
def usual_backend_afterwards():
    yield
    ops.use()


# the same weights on every backend

TEXT = "\n".join(" ".join(f"w{(3 * i + j * j) % 23}" for j in range(2 + i % 5)) for i in range(40))
TINY = {
    "rnnlm": ("adagrad", {"kind": "rnnlm", "classes": 5, "dropout": 0.2}),
    "elman": ("adam", {"kind": "elman", "classes": 0, "layers": 2, "independent": True, "input_dropout": 0.1}),
    "jordan": ("row-adagrad", {"kind": "jordan", "classes": 4, "layers": 2, "activation": "elu"}),
    "jordan-tied": ("rmsprop", {"kind": "jordan", "classes": 0, "feedback": "embedding", "independent": True}),
    "elman-relu": ("momentum", {"kind": "elman", "classes": 7, "activation": "clipped_relu"}),
}


def tiny(name):
    """The weights of a model after ten updates, in which the gradient flows through more than one window."""
    optimizer, config = TINY[name]
    corpus, config = Corpus.from_text(TEXT), dict(config)
    model = MODELS[config.pop("kind")](corpus.vocabulary, hidden=5, seed=3, dtype="float64", **config)
    chosen = OPTIMIZERS[optimizer](model.params, 0.05, l2=1e-4)
    Trainer(model, chosen, block=4, horizon=9, streams=3, clip=0.1, max_updates=10).fit(corpus)
    return {f"{name}/{key}": param.value for key, param in model.params.items()}


def script(code, **environment):
    """What a Python process prints that runs `code`."""
    found = python("-c", code, env={**os.environ, **environment})
    assert found.returncode == 0, found.stderr
    return found.stdout


def test_every_backend_trains_the_same_model(tmp_path):
    """NumPy, the compiled kernels, and the kernels as the plain Python that they are without the compiler."""
    code = f"""
import numpy as np
from rnnlm import ops
from rnnlm.ops.numba.jit import DISABLED
from test_backends import TINY, tiny
assert DISABLED
ops.use("numba", 2)
np.savez({str(tmp_path / "plain.npz")!r}, **{{name: value for kind in TINY for name, value in tiny(kind).items()}})
"""
    script(code, NUMBA_DISABLE_JIT="1")
    plain, compared = np.load(tmp_path / "plain.npz"), 0
    for kind in TINY:
        ops.use("numpy")
        reference = tiny(kind)
        ops.use("numba", 2)
        for name, value in tiny(kind).items():
            np.testing.assert_allclose(value, reference[name], 1e-9, 1e-11, err_msg=name)
            np.testing.assert_allclose(plain[name], value, 1e-9, 1e-11, err_msg=name)
            compared += 1
    assert compared == len(plain.files)


# the same bits on any number of threads

WORDS = np.random.default_rng(1).zipf(1.2, 5000) % 1100
LARGE = {"hidden": 131, "streams": 40, "block": 20, "max_updates": 7, "dropout": 0.2, "seed": 3, "schedule": "constant"}
SHARED = {"take_rows", "dropout", "weight_gradient_rows"}  # kernels that every one of them shares out
KINDS = {
    "rnnlm": (
        {"model": "rnnlm", "classes": 9, "horizon": 31, "optimizer": "adagrad", "clip": 0.1},
        {
            "elman_forward",
            "elman_backward",
            "class_softmax_nll",
            "outer_product_squares",
            "update_outer_product",
            "update_dense",
        },
    ),
    "elman": (
        {"model": "elman", "classes": 0, "layers": 2, "independent": True, "optimizer": "adam"},
        {"elman_forward", "elman_backward", "softmax_nll", "affine_rows", "update_dense"},
    ),
    "jordan": (
        {"model": "jordan", "classes": 20, "layers": 2, "optimizer": "row-adagrad"},
        {"jordan_forward", "jordan_backward", "class_softmax_nll", "update_outer_product"},
    ),
}


class Cut(BaseException):
    """Stands for the power cut."""


def weights(folder, kind, threads, cut=None, resume=False):
    """The weights of a run, or None of one that is cut off at an update; its last checkpoint is of the one before."""

    def stop(event):
        if isinstance(event, Update) and event.updates == cut:
            raise Cut

    folder.mkdir(exist_ok=True)
    text = " ".join(f"w{word}" for word in WORDS)
    (folder / "text.txt").write_text(text.replace("w7 ", "w7\n"))
    ops.use("numba", threads)
    files = {"text": folder / "text.txt", "output": folder / "m.rnnlm", "save_every": 1e-9, "resume": resume}
    run = Run(Settings.of(**{**LARGE, **KINDS[kind][0], **files}), observers=[stop])
    assert run.resumed == resume
    if cut:
        with pytest.raises(Cut):
            run.fit()
        return None
    assert run.fit() == "7 updates done"
    return {name: param.value for name, param in load(folder / "m.rnnlm").params.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_any_number_of_threads_gives_the_same_bits(tmp_path, monkeypatch, kind):
    together = shared_kernels(monkeypatch)
    one = weights(tmp_path / "1", kind, 1)
    assert not together
    others = [weights(tmp_path / "2", kind, 2)]
    assert {*together} >= SHARED | KINDS[kind][1]
    others += [weights(tmp_path / folder, kind, 3) for folder in ("3", "again")]
    for before, after in ((1, 3), (3, 2)):
        folder = tmp_path / f"{before}-{after}"
        weights(folder, kind, before, cut=5)
        others.append(weights(folder, kind, after, resume=True))
    for other in others:
        assert other.keys() == one.keys()
        for name, value in one.items():
            np.testing.assert_array_equal(other[name], value, err_msg=name)


# the choice


@pytest.mark.parametrize(
    ("backend", "threads", "fragment"),
    [
        ("fortran", None, "backend 'fortran' is not known.*numpy, numba"),
        (None, 0, "threads=0"),
        ("numba", -1, "threads=-1"),
        ("numpy", 0, "threads=0"),
        ("numpy", 2, "numpy runs on one thread, not on 2"),
    ],
)
def test_choices_that_there_are_not(backend, threads, fragment):
    chosen = ops.use("numba", 2)
    with pytest.raises(UsageError, match=fragment):
        ops.use(backend, threads)
    assert ops.backend() is chosen


def test_the_choice_is_for_all_numpy_arrays():
    for backend, threads in (("numpy", None), ("numpy", 1), ("numba", 1), ("numba", 3)):
        chosen = ops.use(backend, threads)
        assert (chosen.name, chosen.threads) == (backend, threads or 1)
        assert ops.backend() is ops.ops_for(np.ones(2)) is chosen
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert (ops.use().name, ops.use("numba").threads) == ("numba", cores)


def test_without_numba_everything_works(tmp_path):
    code = """
import sys
sys.modules["numba"] = None
from rnnlm import ops
from rnnlm.errors import UsageError
from rnnlm.evaluation import perplexity, sample
from rnnlm.models import ElmanLM
from rnnlm.text import Corpus
from rnnlm.training import Adagrad, Trainer
assert ops.backend().name == ops.use().name == ops.use(None, 2).name == "numpy"
corpus = Corpus.from_text("a b a b\\na b a b\\n" * 50)
model = ElmanLM(corpus.vocabulary, hidden=5, classes=2)
Trainer(model, Adagrad(model.params, 0.5), streams=2, epochs=5).fit(corpus, corpus)
assert perplexity(model, corpus).ppl < 1.5
assert len(sample(model, "a", 7, seed=1).words) == 7
try:
    ops.use("numba")
except UsageError as error:
    print(error)
"""
    told = script(code)
    assert "needs Numba" in told
    assert 'backend="numpy"' in told


def test_more_threads_than_cores(monkeypatch):
    monkeypatch.setattr(backends, "cores", lambda: 2)
    backends.warn_once.cache_clear()
    with pytest.warns(RuntimeWarning, match="threads=3 is more than this process may use, 2: ") as said:
        ops.use(threads=3)
    assert len(said) == 1
    with pytest.raises(UsageError, match=r"threads=1000000 is too many\. Give a whole number <= 1024\."):
        ops.use(threads=1_000_000)
    ops.use()
