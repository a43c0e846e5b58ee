"""Fixtures that several test files use."""

import pytest
from stand_in import installed
from stand_in.kernels import COMPILER


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
