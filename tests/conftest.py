"""Fixtures that several test files use."""

import pytest
from small_text import TEXT
from stand_in import installed
from stand_in.kernels import COMPILER

from rnnlm import ops


@pytest.fixture
def plain():
    """Plain array code on both machines: nothing is compiled, no kernel is run on the host."""
    ops.use("numpy")
    ops.use_kernels(False)
    yield
    ops.use_kernels(True)
    ops.use()


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return path


@pytest.fixture
def cupy():
    """The stand-in for the module `cupy`, computed with by plain array code; no GPU is needed or used."""
    with installed() as module:
        yield module


@pytest.fixture
def gpu():
    """The same, computed with by our CUDA kernels, which run on the host."""
    if COMPILER is None:
        pytest.skip("needs g++, which makes CUDA kernels run on the host")
    with installed(kernels=True) as module:
        yield module
