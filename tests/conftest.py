"""How the tests are shared by several processes, and fixtures that several test files use."""

import json
import os
from pathlib import Path

import pytest
import share_of_cores  # before all that imports NumPy
from small_text import TEXT
from stand_in import installed
from stand_in.kernels import COMPILER

import rnnlm
from rnnlm import ops


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """How many processes `-n auto` means: none but this one for what stands in one file."""
    chosen = [argument.split("::")[0] for argument in config.args]
    return share_of_cores.processes() if len({*chosen}) > 1 or not chosen[0].endswith(".py") else 0


def pytest_configure():
    """RNNLM_INSTALLED=FOLDER, which CI sets: the package that is tested must be the one that is installed there."""
    wanted, found = os.environ.get("RNNLM_INSTALLED"), Path(rnnlm.__file__).resolve()
    if wanted and not found.is_relative_to(Path(wanted).resolve()):
        raise pytest.UsageError(f"the tests found the rnnlm of {found.parent}, and not the one installed in {wanted}")


@pytest.fixture(scope="session", autouse=True)
def config_of_these_tests(tmp_path_factory):
    """A list of trusted sources that is not the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RNNLM_CONFIG", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """`made_once(name, make)`: what `make()` returns, as JSON keeps it, made by the first test process that asks."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder

    def made_once(name, make):
        file = folder / f"{name}.json"
        if not file.exists():
            draft = folder / f"{name}.{os.getpid()}"
            draft.write_text(json.dumps(make()), encoding="utf-8")
            draft.replace(file)
        return json.loads(file.read_text(encoding="utf-8"))

    return made_once


@pytest.fixture
def plain():
    """Plain array code on both machines: nothing is compiled, no kernel is run on the host."""
    ops.use("numpy")
    ops.use_kernels(False)
    yield
    ops.use_kernels(True)
    ops.use()


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """A cache folder of the test's own, which is empty."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("RNNLM_CACHE", str(folder))
    return folder


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
