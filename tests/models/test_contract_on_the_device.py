"""The contract of language models again, with their arrays on the device: the tests are those of test_contract.py.

The device is the stand-in for CuPy: its arrays never meet NumPy's, and never become them by themselves. Once with plain
array code, and for what has kernels of its own with these.
"""

from __future__ import annotations

import numpy as np
import pytest
from stand_in import DeviceArray
from test_contract import MAKERS

from rnnlm.ops.device import CPU, Device, put
from rnnlm.testing import LANGUAGE_MODEL_CHECKS
from rnnlm.testing.language_model import check_saving_changes_nothing, check_words_are_drawn_as_often_as_p_says

# Saved and loaded again is in test_devices.py: what is loaded is on the host, so it scores with other last digits. A
# kernel on the stand-in takes too long for 20,000 draws; test_cuda_outputs.py counts fewer.
CHECKS = [
    check
    for check in LANGUAGE_MODEL_CHECKS
    if check not in (check_saving_changes_nothing, check_words_are_drawn_as_often_as_p_says)
]

PLAIN = ["elman-classes=0", "rnnlm-classes=7", "jordan-classes=7", "bengio-classes=0", "convolution-classes=7"]
PLAIN += ["mixture-linear", "mixture-geometric", "cache-mixture", "continuous-cache"]
WITH_KERNELS = ["elman-classes=0", "rnnlm-classes=7", "jordan-classes=0", "bengio-classes=7", "convolution-classes=0"]


class OnTheDevice:
    """A model on the device for a caller on the host: states go there and come back, and so do results."""

    def __init__(self, model):
        self._model = model.to("gpu")
        self._on_gpu = [isinstance(array, DeviceArray) for array in model.start(1)]

    def __getattr__(self, name):
        return getattr(self._model, name)

    def _there(self, state):
        gpu = Device("gpu")
        return tuple(put(part, gpu) if there else part for part, there in zip(state, self._on_gpu, strict=True))

    def start(self, batch=1):
        return here(self._model.start(batch))

    def score(self, x, y, state, keep=None):
        return here(self._model.score(x, y, self._there(state), keep))

    def next(self, x, state):
        return here(self._model.next(x, self._there(state)))

    def draw(self, x, state, rng):
        return here(self._model.draw(x, self._there(state), rng))

    def pack(self):
        header, arrays = self._model.pack()
        return header, {name: put(array, CPU) for name, array in arrays.items()}


def here(value):
    """Results on the host."""
    return tuple(map(here, value)) if isinstance(value, tuple) else put(value, CPU)


def weights(model):
    """The learnt arrays of a model and of those that it stands on."""
    yield from (param.value for param in getattr(model, "params", {}).values())
    for part in model.submodels:
        yield from weights(part)


@pytest.fixture(
    params=[*(("cupy", name) for name in PLAIN), *(("gpu", name) for name in WITH_KERNELS)], ids=lambda p: "-".join(p)
)
def lm(request):
    backend, name = request.param
    request.getfixturevalue(backend)
    return OnTheDevice(MAKERS[name]())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_contract(lm, check):
    check(lm, rtol=1e-10)


def test_the_arrays_are_on_the_device(lm):
    values = list(weights(lm._model))
    assert values
    assert all(isinstance(value, DeviceArray) for value in values)
    logp, _ = lm._model.score(np.ones((2, 1), int), np.ones((2, 1), int), lm._model.start(1))
    assert isinstance(logp, DeviceArray) == hasattr(lm._model, "params")  # what mixes and caches brings them home
