"""How many cores and how much memory a process may use, from files as Linux writes them for containers."""

import math
import os

import pytest

from rnnlm import limits


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """groups(own, **files): this process's line or lines of /proc/self/cgroup, and files below /sys/fs/cgroup."""

    def make(own, files):
        (tmp_path / "own").write_text(own)
        for name, content in files.items():
            path = tmp_path / "cgroup" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        monkeypatch.setattr(limits, "_OWN", tmp_path / "own")
        monkeypatch.setattr(limits, "_ROOT", tmp_path / "cgroup")

    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    monkeypatch.setattr(limits, "_address_space", lambda: math.inf)
    return make


@pytest.mark.parametrize(
    ("own", "files", "cores", "memory"),
    [
        ("0::/\n", {}, 8, None),
        ("0::/\n", {"cpu.max": "max 100000\n", "memory.max": "max\n"}, 8, None),
        ("0::/\n", {"cpu.max": "150000 100000\n", "memory.max": "1000000\n"}, 2, 1e6),
        (
            "0::/a/b\n",
            {"a/cpu.max": "300000 100000\n", "a/b/cpu.max": "max 100000\n", "a/memory.max": "5000\n"},
            3,
            5e3,
        ),
        ("0::/a\n", {"a/cpu.max": "1000 100000\n"}, 1, None),
        ("0::/a\n", {"a/cpu.max": "nonsense", "a/memory.max": ""}, 8, None),
        ("nonsense\n", {"cpu.max": "1 1"}, 8, None),
        (
            "3:memory:/d\n2:cpu,cpuacct:/d\n",
            {
                "cpu,cpuacct/d/cpu.cfs_quota_us": "200000\n",
                "cpu,cpuacct/d/cpu.cfs_period_us": "100000\n",
                "memory/d/memory.limit_in_bytes": "7000\n",
            },
            2,
            7e3,
        ),
        ("2:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8, None),
    ],
)
def test_limits_of_a_container(own, files, cores, memory, groups):
    groups(own, files)
    assert limits.cores() == cores
    machine = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    assert limits.memory() == (memory or machine)


def test_a_system_without_such_files(tmp_path, groups, monkeypatch):
    groups("", {})
    monkeypatch.setattr(limits, "_OWN", tmp_path / "missing")
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.delattr(os, "sysconf")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert (limits.cores(), limits.memory()) == (1, limits.UNKNOWN_MEMORY)


def test_the_limit_of_the_address_space(monkeypatch):
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda which: (5_000_000, resource.RLIM_INFINITY))
    assert limits.memory() == 5_000_000
    monkeypatch.setattr(resource, "getrlimit", lambda which: (resource.RLIM_INFINITY,) * 2)
    assert limits._address_space() == math.inf
