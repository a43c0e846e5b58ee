"""Speed of training on the GPU beside PyTorch, in turns in one process, as tables in Markdown.

    python tools/gpu_bench.py                       everything
    python tools/gpu_bench.py --quick               fewer sizes and shorter slices
    python tools/gpu_bench.py --only elman --only counts         some of elman, wide, classes, ceilings, cpu, counts,
                                                    streams, hidden, vocabulary
    python tools/gpu_bench.py --precision bf16      products as `rnnlm train --precision` rounds them, in PyTorch too
    python tools/gpu_bench.py --json results.json   everything that was measured, written after each row

A window is forward, backward, clipping by the norm and plain SGD on both sides, without dropout, on words drawn from
Zipf's law; ours runs through `Trainer`, as `rnnlm train` does. Every side gets a slice of `--seconds` in each of
`--repeats` rounds, between two waits for the GPU and after windows that warm it up, and medians are printed. PyTorch is
measured in the ways of tools/gpu_peers.py; `best` is the fastest of them. What cannot be measured says why.
"""

# ruff: noqa: E402 the checkout comes onto the path first
from __future__ import annotations

import argparse
import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

import gpu_peers
import numpy as np
from bench_measures import multiplications
from gpu_bench_ours import Ours, Size, free_memory, synchronize, text, used_mb
from gpu_bench_tables import markdown
from gpu_counts import counts

from rnnlm import ops
from rnnlm.cli.console import error_line, say
from rnnlm.errors import UsageError
from rnnlm.ops import device

MAX_WORDS = 2_000_000  # in a slice
Row = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """The sizes that are measured, and for how long."""

    sizes: dict[str, Size] = field(
        default_factory=lambda: {
            "elman": Size(200, 64, 10_000),
            "wide": Size(1024, 128, 10_000),
            "classes": Size(256, 64, 800_000, None),
        }
    )
    streams: tuple[int, ...] = (16, 32, 64, 128, 256, 512, 1024)
    hidden: tuple[int, ...] = (128, 256, 512, 1024, 2048)
    words: tuple[int, ...] = (10_000, 50_000, 200_000, 800_000)
    product: int = 8192  # rows and columns of the large matrix product
    copied: int = 1 << 31  # bytes of the large copy
    seconds: float = 0.5
    repeats: int = 7
    least: int = 3  # windows in a slice
    counted: int = 10  # windows whose waits and launches are counted
    ways: tuple[str, ...] = tuple(gpu_peers.WAYS)


QUICK: dict[str, Any] = {
    "streams": (16, 128, 1024),
    "hidden": (128, 512, 2048),
    "words": (10_000, 800_000),
    "seconds": 0.2,
    "repeats": 3,
}


def take_turns(runs: Mapping[str, gpu_peers.Run], plan: Plan, each: int) -> dict[str, float]:
    """Words a second of each run, medians of rounds in which all take turns; `each` is the words in a window."""
    windows = {}
    for name, run in runs.items():
        run(plan.least)  # compiles
        windows[name] = max(plan.least, min(round(plan.least * plan.seconds / run(plan.least)), MAX_WORDS // each))
    speeds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(plan.repeats):
        for name, run in runs.items():
            speeds[name].append(windows[name] / run(windows[name]))
    return {name: each * statistics.median(measured) for name, measured in speeds.items()}


def beside_torch(size: Size, plan: Plan, precision: str) -> Row:
    """One size, ours and PyTorch's in turns: words/s, and the MB of GPU memory that each takes."""
    row: Row = {"H": size.hidden, "B": size.streams, "T": size.steps, "V": size.words, "not": {}}
    base = text(size)
    free_memory()
    before = used_mb()
    mine = Ours(size, "gpu", base)
    mine.run(plan.least)
    row |= {"classes": mine.model.facts()["classes"], "mb": used_mb() - before}
    runs: dict[str, gpu_peers.Run] = {"rnnlm": mine.run}
    missing = gpu_peers.why_not()
    if missing:
        row["not"]["PyTorch"] = missing
    for way in () if missing else plan.ways:
        gpu_peers.forget()
        kind = "full" if size.classes == 0 else "adaptive"
        try:
            peer = gpu_peers.Peer(kind, base, size.hidden, size.streams, size.steps, precision, "cuda")
            run = gpu_peers.WAYS[way](peer)
            run(3)
        except Exception as error:  # what cannot be captured or compiled, and what does not fit
            row["not"][way] = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            continue
        runs[way] = run
        row.setdefault("torch_mb", gpu_peers.memory())
    row["words_per_s"] = take_turns(runs, plan, size.streams * size.steps)
    row["flops"] = multiplications(mine.model, base) * row["words_per_s"]["rnnlm"]
    return row


def ceilings(plan: Plan) -> Row:
    """The GPU's limits as its own libraries reach them: flop/s of a large matrix product, bytes/s of a large copy."""
    cupy = importlib.import_module("cupy")
    n, rng = plan.product, np.random.default_rng(1)
    a, b = (cupy.asarray(rng.random((n, n), dtype=np.float32) - 0.5) for _ in range(2))
    machine = ops.ops_for(a)
    source = cupy.zeros(plan.copied // 4, np.float32)
    target = cupy.empty_like(source)

    def copied() -> None:
        target[...] = source

    seconds = {}
    for name, work in (("product", lambda: machine.affine(a, b, None)), ("copy", copied)):
        times = []
        for _ in range(plan.repeats + 2):
            synchronize("gpu")
            began = time.perf_counter()
            for _ in range(5):
                work()
            synchronize("gpu")
            times.append((time.perf_counter() - began) / 5)
        seconds[name] = statistics.median(times[2:])
    return {"flops": 2 * n**3 / seconds["product"], "bytes_per_s": 2 * source.nbytes / seconds["copy"]}


def beside_cpu(size: Size, plan: Plan) -> Row:
    """Words/s of the same training on the GPU and on two threads of this machine's processor."""
    base = text(size)
    ops.use(threads=2)
    machines = {where: Ours(size, where, base).run for where in ("gpu", "cpu")}
    speeds = take_turns(machines, plan, size.streams * size.steps)
    ops.use()
    return speeds


def counted(size: Size, plan: Plan) -> Row:
    """Waits and launches in a window, as `gpu_counts.counts` has them."""
    free_memory()
    return counts(Ours(size, "gpu", text(size)).fit, plan.counted)


def measure(plan: Plan, only: list[str], precision: str) -> Iterator[tuple[str, str, Row]]:
    """Measure everything, or the sections `only`: (section, row's name, the row), each as soon as it is measured.

    UsageError for a section that is not known.
    """
    elman, wide, classes = (plan.sizes[name] for name in ("elman", "wide", "classes"))
    jobs: list[tuple[str, str, Callable[[], Row]]] = [("ceilings", "ceilings", lambda: ceilings(plan))]
    for name, size in plan.sizes.items():
        jobs.append((name, name, partial(beside_torch, size, plan, precision)))
    jobs.append(("cpu", "cpu", lambda: beside_cpu(elman, plan)))
    for name, size in plan.sizes.items():
        jobs.append(("counts", name, partial(counted, size, plan)))
    few = replace(plan, ways=tuple(way for way in plan.ways if "torch.compile" not in way))
    tables = {
        "streams": [replace(elman, streams=B) for B in plan.streams],
        "hidden": [replace(wide, hidden=H) for H in plan.hidden],
        "vocabulary": [replace(classes, words=V) for V in plan.words],
    }
    for name, sizes in tables.items():
        for number, size in enumerate(sizes):
            jobs.append((name, str(number), partial(beside_torch, size, few, precision)))
    known = list(dict.fromkeys(section for section, _, _ in jobs))
    for name in only:
        if name not in known:
            raise UsageError(f"--only {name} is not known. Give one of {', '.join(known)}.")
    for section, name, work in jobs:
        if section in only or not only:
            try:
                yield section, name, work()
            except Exception as error:  # one row that does not fit must not lose the others
                yield section, name, {"failed": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}
            free_memory()


def main(argv: list[str] | None = None, plan: Plan | None = None) -> int:
    """Run the command line and print the tables; returns the exit status, 1 where a row failed, 2 for wrong usage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer sizes and shorter slices")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="a part of it")
    parser.add_argument("--precision", choices=ops.PRECISIONS, default="float32", help="of matrix products")
    parser.add_argument("--seconds", type=float, help="of a slice (default 0.5)")
    parser.add_argument("--repeats", type=int, help="rounds; medians are printed (default 7)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="where everything goes that was measured")
    options = parser.parse_args(argv)
    changes = {name: getattr(options, name) for name in ("seconds", "repeats") if getattr(options, name) is not None}
    plan = replace(plan or Plan(), **(QUICK if options.quick else {}), **changes)
    results: dict[str, Any] = {"precision": options.precision, "found": {}}
    try:
        results["device"] = device.use("gpu").description
        ops.use_precision(options.precision)
        for section, name, row in measure(plan, options.only, options.precision):
            results["found"].setdefault(section, {})[name] = row
            say(f"{section} {name}: {row.get('failed') or 'measured'}")
            if options.json:
                options.json.write_text(json.dumps(results, indent=2), encoding="utf-8")
    except UsageError as error:
        error_line(str(error))
        return 2
    finally:
        ops.use_precision("float32")
    print(markdown(results))
    return 1 if any("failed" in row for rows in results["found"].values() for row in rows.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
