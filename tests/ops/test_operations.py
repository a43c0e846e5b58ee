"""Every operation of the Numba backend against the plain array code.

The arguments are those of rnnlm/checks/cases/operations.py: both backends must give the same results from them, and
leave the same arrays behind, for an operation that changes what it was only given to read is wrong too.
"""

from __future__ import annotations

import copy

import pytest
from array_checks import REFERENCE, Numbers, agree, shared_kernels

from rnnlm.checks.cases import OPERATIONS
from rnnlm.checks.overrides import overridden
from rnnlm.ops.numba import NumbaBackend

OVERRIDES = {*overridden(NumbaBackend)}
CASES = {name: case for name, case in OPERATIONS.items() if name in OVERRIDES}
# not worth a second thread at any size that occurs
SERIAL = {"by_class", "by_id", "outer_product_bias", "span_square_sum"}
SINGLE = {"convolve", "convolve_backward", "filter_gradient"}  # compiled in float32 only


def test_every_operation_has_a_case():
    assert {*CASES, "update"} == OVERRIDES  # `update` is tested against the optimizers in test_updates.py


@pytest.fixture
def together(monkeypatch):
    return shared_kernels(monkeypatch)


@pytest.fixture(scope="module")
def backend():
    return NumbaBackend(3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "size"), [(name, size) for name, (_, sizes) in CASES.items() for size in sizes], ids=str
)
def test_every_operation_agrees_with_the_plain_array_code(backend, together, name, size, dtype):
    make, sizes = CASES[name]
    for arguments in make(Numbers(dtype), *size):
        given, kept = copy.deepcopy(arguments), copy.deepcopy(arguments)
        ours, theirs = getattr(backend, name)(*given), getattr(REFERENCE, name)(*kept)
        if name.endswith("_nll") and not arguments[-1]:
            ours, theirs = ours[0], theirs[0]  # the rest means nothing without gradient
        if name.endswith("_draw") and dtype == "float32":  # where two words meet, either may be drawn
            same = ours[0] == theirs[0]
            assert (~same).sum() <= 1 + 0.01 * len(same)
            ours, theirs = (tuple(array[same] for array in found) for found in (ours, theirs))
        agree(ours, theirs, dtype)
        agree(given, kept, dtype)
    alone = name in SERIAL or (name in SINGLE and dtype == "float64")
    assert size != sizes[-1] or bool(together) != alone
