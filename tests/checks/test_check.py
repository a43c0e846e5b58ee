"""The self-check finds nothing where all is well, and names what was broken on purpose."""

from __future__ import annotations

import inspect
import sys

import numpy as np
import pytest

import rnnlm.layers
import rnnlm.outputs
import rnnlm.recurrent
from rnnlm import ops
from rnnlm.checks import check as selfcheck
from rnnlm.checks.cases import CASES
from rnnlm.checks.check import UNCHECKED, run
from rnnlm.checks.finding import findings
from rnnlm.checks.machines import Machine
from rnnlm.checks.models import recurrent
from rnnlm.errors import UsageError
from rnnlm.models import CLASSIFIERS, KINDS, MODELS
from rnnlm.ops import Reference
from rnnlm.ops.gradients import RowSparse
from rnnlm.ops.no_gpu import NO_CUPY
from rnnlm.ops.numba import NumbaBackend
from rnnlm.outputs import OUTPUTS
from rnnlm.training import OPTIMIZERS

PACKAGES = {
    "layers": rnnlm.layers,
    "losses": rnnlm.layers,
    "recurrent layers": rnnlm.recurrent,
    "output layers": rnnlm.outputs,
}
EACH = [
    pytest.param(section, case, id=f"{case.layer}-{case.variant}") for section, cases in CASES.items() for case in cases
]


@pytest.fixture(autouse=True)
def usual_backend_afterwards():
    yield
    ops.use()


def failures(device="cpu", only=None):
    return [finding for finding in run(device, only=only) if not finding.passed]


@pytest.fixture(scope="module")
def found():
    ops.use()
    return list(run())


def test_nothing_is_wrong_here(found):
    assert [finding for finding in found if not finding.passed] == []
    assert {finding.precision for finding in found} == {"float32", "float64", ""}
    assert all(finding.error is not None for finding in found if finding.section != UNCHECKED)


def test_everything_there_is_is_checked(found):
    """A new layer, kind of model or optimizer without a check fails here: give it a case."""
    names = {section: {finding.what for finding in found if finding.section == section} for section in
             ("models", "optimizers", *PACKAGES)}  # fmt: skip
    assert names["models"] == {*KINDS, *CLASSIFIERS}
    assert names["optimizers"] == set(OPTIMIZERS)
    for package in {*PACKAGES.values()}:
        ours = (getattr(package, name) for name in package.__all__)
        layers = {kind.__name__ for kind in ours if "forward" in dir(kind) and not getattr(kind, "_is_protocol", False)}
        assert layers <= set().union(*(names[section] for section in PACKAGES if PACKAGES[section] is package))
    assert {output.__name__ for output in OUTPUTS} == names["output layers"]
    for kind in MODELS:  # its layers may stand anywhere
        network = recurrent(kind, "float32").recurrent
        assert {type(part).__name__ for part in (network, *getattr(network, "layers", ()))} <= names["recurrent layers"]
    for cases in CASES.values():
        for case in cases:
            assert type(case.make(np.random.default_rng(0), "float32")).__name__ == case.layer


def test_every_judge_has_its_say(found):
    gradients = {(f.what, f.section, f.precision, f.judge) for f in found if f.section in PACKAGES}
    for section, cases in CASES.items():
        for case in cases:
            for judge in ("autograd", "differences", "NumPy"):
                for precision in ("float64", "float32"):
                    assert (case.layer, section, precision, judge) in gradients
    judges = {section: {f.judge for f in found if f.section == section} for section in ("models", "distributions")}
    assert judges["models"] == {"Σ P = 1", "scores", "alone", "file", "NumPy"}
    assert judges["distributions"] == {"Σ P = 1", "scores", "draws", "NumPy"}


def test_float32_is_judged_as_float32(found):
    """Errors are those of rounding: a check in the wrong precision, or of nothing at all, would show."""
    for precision, low, high in (("float64", 1e-16, 1e-11), ("float32", 1e-7, 1e-4)):
        errors = [f.error for f in found if f.precision == precision and f.judge == "autograd" and f.error]
        assert low < max(errors) < high
        assert len(errors) > 30


def flipped(arrays, name):
    """The arrays with the sign of the largest number of one of them changed."""
    array = arrays[name].copy()
    place = np.unravel_index(np.abs(array).argmax(), array.shape)
    array[place] *= -1
    return {**arrays, name: array}


@pytest.mark.parametrize(("section", "case"), EACH)
def test_one_wrong_sign_in_a_gradient_is_named(monkeypatch, section, case):
    """In each gradient that a layer has, one number: both judges must see it, in both precisions."""
    layer = case.make(np.random.default_rng(0), "float32")
    kind = type(layer)
    backward = kind.backward
    learnt = [name for name in case.params(layer) if name not in case.fixed]
    for name in [*case.inputs, *learnt]:

        def planted(layer, *arguments, name=name):
            result = backward(layer, *arguments)
            if name in case.inputs:
                flat = (result[0], *result[1]) if isinstance(result, tuple) else (result,)
                flat = tuple(flipped(dict(zip(case.inputs, flat, strict=True)), name).values())
                return (flat[0], flat[1:]) if isinstance(result, tuple) else flat[0]
            param = case.params(layer)[name]
            param.grad = flipped({name: param.grad}, name)[name]
            param.touch()
            return result

        monkeypatch.setattr(kind, "backward", planted)
        ours = [f for f in failures(only=[case.layer]) if (f.section, f.variant) == (section, case.variant)]
        seen = {(f.precision, f.judge) for f in ours if f.note == name}
        assert {(p, j) for p in ("float32", "float64") for j in ("autograd", "differences")} <= seen, name


WHERE = {  # operation of the Numba backend -> where a wrong result shows
    "Activation": "activate",
    "Affine": "affine affine_backward weight_gradient",
    "AveragePool2d": "average_pool average_pool_backward",
    "ClassSoftmax": "by_class class_softmax_nll class_softmax_draw outer_product_add outer_product_bias",
    "Convolution2d": "convolve convolve_backward filter_gradient",
    "Dropout": "dropout",
    "Elman": "elman_forward elman_backward",
    "Embedding": "take_rows sum_rows by_id",
    "Jordan": "jordan_forward jordan_backward",
    "MaxPool2d": "max_pool max_pool_backward",
    "Softmax": "softmax_nll softmax_draw",
    "ngram": "children",
    "sgd": "update outer_product_square_sum span_square_sum",
}
OVERRIDES = {
    name
    for name, theirs in inspect.getmembers(Reference, inspect.isfunction)
    if not name.startswith("_") and getattr(NumbaBackend, name) is not theirs
}


def negated(result):
    """The first numbers in a result with the other sign; of ids, others."""
    if isinstance(result, RowSparse):
        return result._replace(rows=-result.rows)
    if isinstance(result, tuple | list):
        parts = [negated(result[0]), *result[1:]]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    return -result if np.asarray(result).dtype.kind == "f" else result[::-1].copy()


@pytest.mark.parametrize(("name", "what"), [(name, what) for what, names in WHERE.items() for name in names.split()])
def test_a_wrong_compiled_operation_is_named(monkeypatch, name, what):
    original = getattr(NumbaBackend, name)

    def planted(self, *arguments):
        result = original(self, *arguments)
        if result is not None:
            return negated(result)
        changed = next(array for array in arguments if isinstance(array, np.ndarray))
        changed *= -1
        return None

    monkeypatch.setattr(NumbaBackend, name, planted)
    assert what in {finding.what for finding in failures(only=[what])}


def test_each_compiled_operation_is_among_them():
    assert {name for names in WHERE.values() for name in names.split()} == OVERRIDES


def test_what_cannot_run_is_a_finding_and_not_the_end(monkeypatch):
    def broken(self, x, *, train=None):
        raise ArithmeticError("no such luck")

    monkeypatch.setattr(rnnlm.layers.Flatten, "forward", broken)
    wrong = failures(only=["Flatten", "Affine"])
    assert {(f.what, f.note) for f in wrong} == {("Flatten", "ArithmeticError: no such luck")}
    assert [f.precision for f in wrong] == ["float64", "float32"]


def test_another_precision_than_that_of_the_input_is_wrong(monkeypatch):
    forward = rnnlm.layers.LayerNorm.forward

    def widened(self, x, *, train=None):
        y, tape = forward(self, x)
        return y.astype(np.float64), tape

    monkeypatch.setattr(rnnlm.layers.LayerNorm, "forward", widened)
    assert [(f.precision, f.note) for f in failures(only=["LayerNorm"])] == [
        ("float32", "TypeError: output 1 is float64, and it should be float32")
    ]


@pytest.mark.parametrize("chosen", [("numpy", None), ("numba", 2)])
def test_the_choice_of_the_backend_is_as_before(chosen):
    before = ops.use(*chosen)
    for finding in run(only=["Affine"]):
        assert ops.backend() is before
        assert finding.machine in (chosen[0], "")


def test_on_numpy_nothing_is_compared_with_itself():
    ops.use("numpy")
    found = list(run(only=["Affine", "sgd"]))
    assert {f.judge for f in found} == {"autograd", "differences", ""}
    assert next(f"{f.what}, {f.note}" for f in found if f.section == UNCHECKED) == "Numba, the backend is numpy"


def test_arrays_of_the_device(cupy):
    found = [
        finding
        for check in selfcheck.checks()
        for precision in selfcheck.PRECISIONS
        if check.on_gpu
        for finding in findings(check, Machine("cupy"), precision)
    ]
    assert [finding for finding in found if not finding.passed] == []
    assert {f.judge for f in found} == {
        "autograd",
        "differences",
        "NumPy",
        "Σ P = 1",
        "scores",
        "draws",
        "alone",
        "file",
    }
    assert {f.what for f in found} >= {*MODELS, *CLASSIFIERS, *OPTIMIZERS, "CTC", "BatchNorm", "ClassSoftmax"}


def test_on_a_gpu_the_host_is_checked_too(cupy):
    found = list(run("gpu", only=["Affine", "Custom", "ngram"]))
    assert [finding for finding in found if not finding.passed] == []
    assert {finding.what for finding in found if finding.machine == "numba"} == {"Affine", "Custom", "ngram"}
    assert {finding.what for finding in found if finding.machine == "cupy"} == {"Affine"}
    (left,) = (finding for finding in found if finding.section == UNCHECKED)
    assert (left.what, left.note) == ("on the GPU Custom, ngram", "these work on NumPy arrays only")


def test_a_gpu_that_fails_is_an_error_that_says_why(monkeypatch, cupy):
    def refuse(*_):
        raise RuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected")

    monkeypatch.setattr(cupy, "asarray", refuse)
    with pytest.raises(UsageError, match='device="gpu" needs a GPU that CuPy can use: RuntimeError: cudaErrorNoDevice'):
        run("gpu")


def test_rounded_products_are_no_errors_to_report(cupy):
    ops.use_precision("bf16")
    with pytest.raises(UsageError, match=r'precision bf16 rounds products on purpose, .* Give precision="float32"'):
        run("gpu", only=["Affine"])


def test_without_cupy_the_gpu_is_left_out_or_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert list(run(only=[]))[-1].note == f"it {NO_CUPY}"
    with pytest.raises(UsageError, match='device="gpu" needs CuPy, which is not installed: pip install'):
        run("gpu")
    monkeypatch.setattr(selfcheck, "has_cupy", lambda: True)
    assert list(run(only=[]))[-1].note == "give device=gpu"


def test_another_device_is_refused():
    with pytest.raises(UsageError, match="device 'tpu' is not known"):
        run("tpu")
