"""The grid of `rnnlm/ops`: one file an operation, one column a backend, the same signatures and the same names."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import rnnlm.ops
from rnnlm.checks.overrides import overridden
from rnnlm.ops import Reference
from rnnlm.ops.cuda import CudaBackend
from rnnlm.ops.numba import NumbaBackend

BACKENDS = {"numba": NumbaBackend, "cuda": CudaBackend}
OPS = Path(rnnlm.ops.__file__).parent
SOURCES = sorted(file.stem for file in (OPS / "cuda").glob("*.cu"))


def written_in(kind, name):
    """The module in which a backend's operation is written."""
    return next(vars(parent)[name] for parent in kind.__mro__ if name in vars(parent)).__module__


@pytest.mark.parametrize("column", BACKENDS)
def test_an_override_has_the_signature_of_the_reference(column):
    names = overridden(BACKENDS[column])
    assert len(names) > 25
    for name in names:
        ours, theirs = (inspect.signature(getattr(kind, name)).parameters for kind in (BACKENDS[column], Reference))
        assert [(p.name, p.kind, p.default) for p in ours.values()] == [
            (p.name, p.kind, p.default) for p in theirs.values()
        ], name


@pytest.mark.parametrize("column", BACKENDS)
def test_an_override_stands_in_the_file_of_the_references_name(column):
    for name in overridden(BACKENDS[column]):
        where = written_in(Reference, name).removeprefix("rnnlm.ops.reference.")
        assert written_in(BACKENDS[column], name) == f"rnnlm.ops.{column}.{where}", name


@pytest.mark.parametrize("column", BACKENDS)
def test_no_part_of_a_backend_hides_a_method_of_another(column):
    """A backend is made of several classes; only what `Reference` has may be there twice."""
    parts = [kind for kind in BACKENDS[column].__mro__ if kind.__module__.startswith(f"rnnlm.ops.{column}.")]
    assert len(parts) > 10
    owners = {name: [kind.__name__ for kind in parts if name in vars(kind)] for kind in parts for name in vars(kind)}
    twice = {name: where for name, where in owners.items() if len(where) > 1 and not name.startswith("__")}
    assert {name: where for name, where in twice.items() if not hasattr(Reference, name)} == {}


def launched(module):
    """The names of sources that a module of the CUDA backend writes down."""
    tree = ast.parse((OPS / "cuda" / f"{module}.py").read_text(encoding="utf-8"))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in SOURCES}


def test_every_source_is_launched_by_the_file_whose_name_it_begins_with():
    modules = [file.stem for file in (OPS / "cuda").glob("*.py") if file.stem != "__init__"]
    found = {name: module for module in modules for name in launched(module)}
    split = {f"{name}_split" for name in found if f"{name}_split" in SOURCES}  # the name is put together at the launch
    assert {*found} | split == {*SOURCES}
    for name, module in found.items():
        assert name.startswith(f"{module}_"), f"{module}.py launches {name}.cu"


@pytest.mark.parametrize("file", sorted((OPS / "cuda").glob("*.cuh")), ids=lambda file: file.name)
def test_a_header_of_one_operation_has_its_name(file):
    """Headers that sources of several operations include are named for what is in them."""
    users, ours = {file.name}, set()
    while users != ours:  # and what includes a header that includes it
        ours = set(users)
        for other in (OPS / "cuda").glob("*.cu*"):
            if set(re.findall(r'#include "(\w+\.cuh)"', other.read_text(encoding="utf-8"))) & ours:
                users.add(other.name)
    modules = [path.stem for path in (OPS / "reference").glob("*.py")]
    operations = {
        next(module for module in sorted(modules, key=len, reverse=True) if name.startswith(f"{module}_"))
        for name in (user.removesuffix(".cu") for user in users if user.endswith(".cu"))
    }
    if len(operations) == 1:
        assert file.stem.startswith(operations.pop())
