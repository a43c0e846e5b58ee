"""The tools for the first hour on a machine with a GPU, run on the stand-in: they end, and they see what is wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest
from paths import TOOLS
from stand_in import record

from rnnlm.ops import PRECISIONS, precision, use_precision
from rnnlm.ops.cuda import CudaBackend


@pytest.fixture(autouse=True)
def tools_on_the_path(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    yield
    use_precision(PRECISIONS[0])


@pytest.fixture
def check(gpu):
    import gpu_check
    import gpu_check_training

    def run(capsys, *arguments):
        """The exit status, and the findings by (section, what, judge), of a run with few and small arguments."""
        sizes = gpu_check_training.Sizes(hidden=6, words=23, streams=3, steps=4, windows=2)
        status = gpu_check.main(["--quick", "--seed", "3", "--json", *arguments], most=200, sizes=sizes)
        found = json.loads(capsys.readouterr().out)
        return status, {(f["section"], f["what"], f["judge"], f["precision"]): f for f in found["findings"]}

    return run


def test_the_check_passes_and_says_what_it_saw(check, capsys):
    only = ("take_rows", "softmax_nll", "softmax_draw", "clip_norm", "counts")
    status, found = check(capsys, *(part for name in only for part in ("--only", name)))
    assert status == 0
    assert all(finding["passed"] for finding in found.values())
    assert {what for section, what, _, _ in found if section == "operations"} == {*only[:-1]}
    assert found["operations", "take_rows", "float32", "float32"]["error"] == 0
    single, plain = (found["operations", "softmax_nll", judge, "float32"]["error"] for judge in ("float32", "NumPy"))
    assert 0 < single < max(4 * plain, 3e-5)
    assert 0 < found["operations", "softmax_nll", "float64", "float64"]["error"] < 1e-14
    waits = [finding["error"] for (_, _, judge, _), finding in found.items() if judge == "waits"]
    launches = [finding["error"] for (_, _, judge, _), finding in found.items() if judge == "launches"]
    assert waits == [0, 0, 0]
    assert all(3 <= count <= 40 for count in launches)


def test_training_is_compared_with_the_host(check, capsys):
    status, found = check(capsys, "--only", "rnnlm")
    assert status == 0
    assert {judge for _, _, judge, _ in found} == {"losses", "other bits", "files"}
    assert len({what for _, what, _, _ in found}) == 2  # the full softmax and classes


@pytest.mark.parametrize(
    ("change", "judge"),
    [
        (lambda found: found * np.float32(1.001), "float32"),
        (lambda found: found * float("nan"), "float32"),
        (lambda found: found[:, :-1], "float32"),
        (lambda found: found + np.float32(1e-3 * record.launches % 2e-3), "other bits"),
    ],
)
def test_what_is_wrong_is_found(check, capsys, monkeypatch, change, judge):
    right = CudaBackend.take_rows
    monkeypatch.setattr(CudaBackend, "take_rows", lambda self, table, ids: change(right(self, table, ids)))
    status, found = check(capsys, "--only", "take_rows")
    assert status == 1
    assert not found["operations", "take_rows", judge, "float32"]["passed"]


def test_what_was_only_to_be_read_must_stay(check, capsys, monkeypatch):
    right = CudaBackend.take_rows

    def spoil(self, table, ids):
        found = right(self, table, ids)
        table *= 2
        return found

    monkeypatch.setattr(CudaBackend, "take_rows", spoil)
    assert check(capsys, "--only", "take_rows")[0] == 1


def test_what_raises_is_a_finding(check, capsys, monkeypatch):
    def broken(self, table, ids):
        raise RuntimeError("CUDA_ERROR_ILLEGAL_ADDRESS")

    monkeypatch.setattr(CudaBackend, "take_rows", broken)
    status, found = check(capsys, "--only", "take_rows")
    assert status == 1
    assert "ILLEGAL_ADDRESS" in found["operations", "take_rows", "float64", "float64"]["note"]


def test_the_check_for_a_person(gpu, capsys):
    import gpu_check

    assert gpu_check.main(["--quick", "--only", "dropout"], most=50) == 0
    told = capsys.readouterr().out
    assert "dropout" in told
    assert "all 6 checks passed" in told
    assert gpu_check.main(["--only", "nothing"]) == 2
    assert "--only nothing is not known" in capsys.readouterr().err


def test_waits_are_counted_as_the_stand_in_counts_them(gpu):
    import gpu_counts

    a = gpu.asarray(np.ones(3, np.float32))
    with gpu_counts.waits() as waits:
        before = record.syncs
        for wait in (a.get, a.sum().item, lambda: float(a.sum()), lambda: bool(a.sum()), a.tolist):
            wait()
        assert sum(waits.values()) == record.syncs - before == 5
    a.get()
    assert sum(waits.values()) == 5
    with gpu_counts.our_launches() as launches:
        from rnnlm.ops import ops_for

        ops_for(a).take_rows(a.reshape(3, 1), np.array([0, 2]))
    assert launches == {"tables_take_rows": 1}


def test_a_window_is_the_difference_of_two_trainings(gpu, monkeypatch):
    import gpu_counts

    monkeypatch.setattr(gpu_counts, "torch_sees_a_gpu", lambda: False)

    def train(windows):
        there = gpu.zeros(1)
        for _ in range(1 + 2 * windows):  # once a run, and twice a window
            there.get()

    found = gpu_counts.counts(train, 4)
    assert (found["synchronizations"], found["ours"], found["launches"]) == (2, 0, None)


def test_a_trace_of_pytorch_is_read():
    import gpu_counts

    events = [
        {"cat": "kernel", "name": "elman_forward"},
        {"cat": "kernel", "name": "elman_forward"},
        {"cat": "gpu_memset", "name": "Memset (Device)"},
        {"cat": "gpu_memcpy", "name": "Memcpy HtoD (Pinned -> Device)"},
        {"cat": "cuda_runtime", "name": "cudaStreamSynchronize"},
        {"cat": "cuda_driver", "name": "cuLaunchKernel"},
        {"cat": "cuda_runtime", "name": "cudaMemcpyAsync"},
        {"cat": "cpu_op", "name": "aten::mm"},
        {"ph": "M", "name": "process_name"},
    ]
    found = {kind: dict(names) for kind, names in gpu_counts.of_trace(events).items()}
    assert found["launches"] == {"elman_forward": 2, "Memset (Device)": 1}
    assert found["copies"] == {"Memcpy HtoD (Pinned -> Device)": 1}
    assert found["synchronizations"] == {"cudaStreamSynchronize": 1}


@pytest.fixture
def tiny(gpu, monkeypatch):
    import gpu_bench
    import gpu_peers
    from gpu_bench_ours import Size

    monkeypatch.setattr(gpu_peers, "why_not", lambda: "PyTorch is not installed")
    sizes = {"elman": Size(6, 3, 23, steps=3), "wide": Size(9, 2, 23, steps=3), "classes": Size(5, 3, 40, 6, steps=3)}
    few = {"streams": (2,), "hidden": (4,), "words": (30,), "product": 8, "copied": 256}
    few |= {"seconds": 1e-9, "repeats": 1, "least": 1, "counted": 1}
    return lambda *arguments: gpu_bench.main([*arguments], gpu_bench.Plan(sizes, **few))


def test_the_benchmark_runs_to_its_end_without_pytorch(tiny, capsys, tmp_path):
    file = tmp_path / "found.json"
    assert tiny("--json", str(file), "--precision", "tf32") == 0
    assert precision() == PRECISIONS[0]
    found = json.loads(file.read_text())["found"]
    assert {*found} == {"ceilings", "elman", "wide", "classes", "cpu", "counts", "streams", "hidden", "vocabulary"}
    assert found["classes"]["classes"]["classes"] == 6
    assert found["elman"]["elman"]["words_per_s"]["rnnlm"] > 0
    assert {name: row["synchronizations"] for name, row in found["counts"].items()} == dict.fromkeys(found["counts"], 0)
    told = capsys.readouterr().out
    assert "Not measured: PyTorch: PyTorch is not installed (elman)." in told
    for table in told.split("\n\n"):
        lines = [line for line in table.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in lines}) <= 1  # every row has the columns of its head


def test_a_row_that_fails_does_not_lose_the_others(tiny, capsys, monkeypatch):
    import gpu_bench

    def full(plan):
        raise MemoryError("out of memory allocating 8 bytes")

    monkeypatch.setattr(gpu_bench, "ceilings", full)
    assert tiny("--only", "ceilings", "--only", "elman") == 1
    told = capsys.readouterr().out
    assert "Not measured: ceilings ceilings (MemoryError: out of memory allocating 8 bytes)." in told
    assert "training words/s, H 6, B 3, T 3, V 23, full softmax" in told
    assert tiny("--only", "nothing") == 2


def test_the_tables_compare_with_the_better_eager_and_the_best():
    from gpu_bench_tables import markdown

    speeds = {"rnnlm": 900.0, "eager": 100.0, "eager, sparse rows": 200.0, "CUDA graph": 450.0}
    size = {"H": 200, "B": 64, "T": 35, "V": 10_000, "classes": 0, "mb": 12.3, "torch_mb": 45.6, "not": {}}
    row = {**size, "words_per_s": speeds, "flops": 3e12}
    wide = {**row, "H": 1024, "flops": 3e13}
    found = {
        "elman": {"elman": row},
        "wide": {"wide": wide},
        "ceilings": {"ceilings": {"flops": 6e13, "bytes_per_s": 4e12}},
    }
    told = markdown(
        {"device": "a GPU", "precision": "float32", "found": {**found, "cpu": {"cpu": {"gpu": 900.0, "cpu": 30.0}}}}
    )
    assert "| 900; ×4.50 eager / ×2.00 CUDA graph |" in told
    assert "| 50% |" in told
    assert "×30.0 (30 words/s on the processor)" in told
    assert "| 200 | 64 | 35 | 10,000 | full | 900 | 2488.889 | 12 | 200 | 450 (CUDA graph) | 4.50 | 2.00 | 46 |" in told


def test_pytorchs_side_learns():
    """On the host, where the ways without CUDA can be tried: the same numbers with dense and with sparse rows."""
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    import gpu_peers
    from bench_measures import zipf

    torch.set_num_threads(1)
    corpus, losses = zipf(60, 2000), {}
    for kind in ("full", "adaptive"):
        for way in ("eager", "eager, sparse rows"):
            peer = gpu_peers.Peer(kind, corpus, 8, 4, 5, "float32", "cpu")
            run = gpu_peers.WAYS[way](peer)
            x, y = peer.window()
            start = peer.state
            with torch.no_grad():
                first = float(peer.mean_nll(x, y, start)[0])
            assert run(60) > 0
            with torch.no_grad():
                losses[kind, way] = float(peer.mean_nll(x, y, start)[0])
            assert losses[kind, way] < first
        assert losses[kind, "eager"] == pytest.approx(losses[kind, "eager, sparse rows"], rel=1e-5)
