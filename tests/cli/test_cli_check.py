"""`rnnlm check`: its table, its exit status, and what it says where something is wrong."""

from __future__ import annotations

import json
import re
import sys

import pytest

from rnnlm import ops
from rnnlm.checks import check as selfcheck
from rnnlm.layers import Affine


@pytest.fixture
def few(monkeypatch):
    """The check with a few of its parts only, so that it takes no time."""
    names = {"Affine", "Flatten", "Softmax", "ngram", "sgd"}
    every = selfcheck.checks()
    monkeypatch.setattr(selfcheck, "checks", lambda: [check for check in every if check.what in names])
    yield
    ops.use()


@pytest.fixture
def broken(monkeypatch, few):
    """An Affine whose input's gradient has the wrong sign."""
    backward = Affine.backward
    monkeypatch.setattr(Affine, "backward", lambda layer, dy, tape: -backward(layer, dy, tape))


def test_all_is_well(call, few):
    called = call("check")
    lines = called.out.splitlines()
    assert (called.status, called.err) == (0, "")
    assert lines[0].startswith("rnnlm ")
    assert lines[0].endswith(f", backend {ops.backend().description}")
    assert [line.split("  ")[0] for line in lines if line.endswith("ok")] == ["Affine", "Flatten", *["Softmax"] * 3,
                                                                             "ngram", "sgd"]  # fmt: skip
    assert re.fullmatch(r"layers on numba +autograd +differences +NumPy", lines[3])
    error = r"(?:0|\de-\d\d)"  # 0 where the library's matrix product rounds as ours does
    assert re.fullmatch(rf"Affine +{error} {error} +{error} {error} +\S+ \S+  ok", lines[4])
    assert "not checked: the GPU, " in called.out
    assert re.fullmatch(r"all \d\d+ checks passed in \d+ s", lines[-1])


def test_a_wrong_sign_is_named_and_the_status_is_1(call, broken):
    called = call("check", "--backend", "numpy")
    lines = called.out.splitlines()
    assert (called.status, called.err) == (1, "")
    assert [line.split()[0] for line in lines if line.endswith(" FAILED")] == ["Affine"]
    assert [line.split()[0] for line in lines if line.endswith(" ok")] == [
        "Flatten",
        "Softmax",
        "Softmax",
        "Softmax",
        "ngram",
    ]
    report = [line for line in lines if line.startswith("FAILED ")]
    assert [line.split(":")[0] for line in report] == [
        f"FAILED Affine{variant} on numpy in {precision}"
        for variant in ("", " (no bias)")
        for precision in ("float64", "float32")
    ]
    assert report[0].split(": ")[1].startswith("autograd, error 2.0e+00 at x, allowed 1e-10; differences, error ")
    assert report[3].endswith(" at x, allowed 1e-04")
    assert "not checked: Numba, the backend is numpy" in lines
    assert re.fullmatch(r"8 of \d\d checks FAILED in \d+ s. Please report all of this output.", lines[-1])


def test_for_machines(call, few, broken):
    called = call("check", "--json", "--threads", 1)
    found = json.loads(called.out)
    assert (called.status, called.err) == (1, "")
    assert (found["passed"], found["failed"], found["backend"]) == (False, 8, "Numba on 1 thread")
    wrong = [entry for entry in found["findings"] if entry["error"] and entry["error"] > entry["allowed"]]
    assert len(wrong) == 8
    assert found["checked"] == len(found["findings"]) - 1
    assert found["findings"][-1]["section"] == "not checked"
    assert wrong[0] == {
        "section": "layers",
        "what": "Affine",
        "variant": "",
        "machine": "numba",
        "precision": "float64",
        "judge": "autograd",
        "error": pytest.approx(2),
        "allowed": 1e-10,
        "note": "x",
    }


def test_an_accident_is_reported_in_words(call, few, monkeypatch):
    def accident(layer, x, *, train=None):
        raise RuntimeError("out\nof order")

    monkeypatch.setattr(Affine, "forward", accident)
    called = call("check", "--backend", "numpy")
    assert called.status == 1
    assert "FAILED Affine on numpy in float64: RuntimeError: out of order\n" in called.out
    assert re.search(r"^Affine +- +- +FAILED$", called.out, re.M)


def test_colours(call, few, broken, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    called = call("check", "--backend", "numpy")
    assert re.search(r"^\x1b\[1m\x1b\[31mAffine .*FAILED\x1b\[0m$", called.out, re.M)
    assert re.search(r"^Flatten .*\x1b\[32mok\x1b\[0m$", called.out, re.M)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--device", "tpu"], "device 'tpu' is not known. Give one of cpu, gpu, or gpu:1 for the second GPU."),
        (["--backend", "fortran"], "backend 'fortran' is not known."),
        (["--threads", "0"], "--threads 0 is too few."),
        (["Affine"], "unexpected extra argument"),
    ],
)
def test_bad_input(call, arguments, part):
    called = call("check", *arguments)
    assert (called.status, called.out) == (2, "")
    assert called.err.startswith("rnnlm: error: ")
    assert part in called.err


def test_no_gpu(call, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    called = call("check", "--device", "gpu")
    assert (called.status, called.out) == (2, "")
    assert called.err == (
        'rnnlm: error: --device gpu needs CuPy, which is not installed: pip install "rnnlm-kit[cuda12]" (or cuda13).\n'
    )
