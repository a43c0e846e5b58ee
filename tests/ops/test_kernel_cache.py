"""Kernels on machines where they cannot be kept on the disk, and under settings of Numba that it cannot use."""

import itertools
import os
import warnings

import numba
import pytest
from python_process import python

from rnnlm import cache_folder
from rnnlm.ops.numba import environment, jit, kernel_cache

pytestmark = pytest.mark.skipif(jit.DISABLED, reason="nothing is compiled")
NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def afresh(monkeypatch):
    """As in a new process."""
    kernel_cache._our_folder.cache_clear()
    monkeypatch.setattr(kernel_cache, "_said", False)
    yield
    kernel_cache._our_folder.cache_clear()


@pytest.fixture
def no_folder_of_numba(monkeypatch):
    """Numba itself finds no folder that it can write."""
    monkeypatch.setattr(numba.core.caching.CacheImpl, "_locator_classes", [numba.core.caching.UserProvidedCacheLocator])
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")


@pytest.fixture
def module(tmp_path):
    """A file with a function, as the kernels are functions in files."""
    path = tmp_path / f"module{next(NUMBERS)}.py"
    path.write_text("def twice(x):\n    return 2 * x\n")
    names = {"__file__": str(path)}
    exec(compile(path.read_text(), path, "exec"), names)
    return names["twice"]


def silent(function, *arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return function(*arguments)


def test_kernels_are_kept_in_our_cache_where_numba_finds_no_folder(no_folder_of_numba, module, own_cache):
    twice = jit.kernel(module)
    assert silent(twice, 4) == 8
    assert [file.suffix for file in sorted((own_cache / "kernels").rglob("*.nb?"))] == [".nbc", ".nbi"]
    assert numba.config.CACHE_DIR == ""  # the user's own functions are not meant
    again = jit.kernel(module)
    assert again(4) == 8
    assert sum(again.stats.cache_hits.values()) == 1
    assert kernel_cache.folder().is_relative_to(own_cache / "kernels")


def test_kernels_are_compiled_where_nothing_can_be_written(no_folder_of_numba, module, monkeypatch):
    monkeypatch.setattr(cache_folder, "_problem", lambda folder: "Permission denied")
    cache_folder.warn_once.cache_clear()
    with pytest.warns(RuntimeWarning, match=r"kernels cannot be kept: .*Permission denied.*NUMBA_CACHE_DIR") as said:
        assert jit.kernel(module)(4) == jit.scalar(module)(4) == 8
    assert len(said) == 1
    assert kernel_cache.folder() is None
    jit.drop_stale(kernel_cache.Path(jit.__file__).parent)


def test_a_disk_that_fills_up(module, monkeypatch, tmp_path):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "numba"))
    monkeypatch.setattr(numba.core.caching.IndexDataCacheFile, "save", full)
    cache_folder.warn_once.cache_clear()
    with pytest.warns(RuntimeWarning, match="kernels cannot be kept: No space left on device") as said:
        assert jit.kernel(module)(4) == jit.exact(module)(4) == 8
    assert len(said) == 1
    number = numba.core.types.int64
    assert jit._c_function(number(number), module, True).ctypes(4) == 8


@pytest.mark.parametrize("ending", [".nbi", ".nbc"])
@pytest.mark.parametrize("damage", [b"", b"x" * 40, None])
def test_damaged_files_are_compiled_again(ending, damage, module, monkeypatch, tmp_path):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "numba"))
    assert jit.kernel(module)(4) == 8
    (file,) = (tmp_path / "numba").rglob(f"*{ending}")
    file.write_bytes(file.read_bytes()[:-9] if damage is None else damage)
    again = jit.kernel(module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert again(4) == 8
    assert sum(again.stats.cache_hits.values()) == 0


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("NUMBA_NUM_THREADS", "0", "at least 1"),
        ("NUMBA_NUM_THREADS", "-1", "at least 1"),
        ("NUMBA_CPU_NAME", "nonsense", "no such processor"),
        ("NUMBA_CPU_FEATURES", "nonsense", r"a list such as \+avx2"),
        ("NUMBA_CPU_FEATURES", "+nonsense", "does not know all"),
    ],
)
def test_settings_that_would_end_the_process_are_left_out(name, value, problem, monkeypatch, capfd):
    monkeypatch.setenv(name, value)
    with pytest.warns(RuntimeWarning, match=rf"{name}='{value.replace('+', '.')}' is ignored: .*{problem}") as said:
        environment.look()
    assert len(said) == 1
    assert name not in os.environ
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [("NUMBA_NUM_THREADS", "3"), ("NUMBA_CPU_NAME", "generic"), ("NUMBA_CPU_FEATURES", "+sse2,-avx2")],
)
def test_settings_that_can_be_used_stay(name, value, monkeypatch):
    if name == "NUMBA_CPU_FEATURES" and os.uname().machine != "x86_64":
        pytest.skip("features of another processor")
    monkeypatch.setenv(name, value)
    silent(environment.look)
    assert os.environ[name] == value


def test_a_locator_that_does_not_exist(monkeypatch, module):
    if not hasattr(numba.config, "CACHE_LOCATOR_CLASSES"):
        pytest.skip("this Numba has no such setting")
    monkeypatch.setattr(numba.config, "CACHE_LOCATOR_CLASSES", "nonsense")
    monkeypatch.setenv("NUMBA_CACHE_LOCATOR_CLASSES", "nonsense")
    with pytest.warns(RuntimeWarning, match="NUMBA_CACHE_LOCATOR_CLASSES='nonsense' is ignored"):
        assert jit.kernel(module)(4) == 8


def test_values_that_numba_cannot_read_are_a_line_each():
    bad = {"NUMBA_NUM_THREADS": "abc", "NUMBA_DISABLE_JIT": "yes", "NUMBA_OPT": "abc", "NUMBA_CPU_NAME": "nonsense"}
    ended = python("-c", "import rnnlm.ops.numba", env=os.environ | bad)
    assert ended.returncode == 0
    lines = [line for line in ended.stderr.splitlines() if "RuntimeWarning" in line]
    assert sorted(line.split("variable ")[1].split("=")[0] for line in lines) == sorted(bad)
    assert "Traceback" not in ended.stderr
    assert "recognized" not in ended.stderr
