"""Each test has a cache of its own."""

import pytest


@pytest.fixture(autouse=True)
def always_own_cache(own_cache):
    """For every test of this folder."""
