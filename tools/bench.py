"""Speed and memory of training, evaluation and sampling, for a table of (model, H, V, B, T).

    python tools/bench.py                            the table
    python tools/bench.py --json                     the same for a program
    python tools/bench.py --row rnnlm 200 10000 32 20   one row of your own (--classes 0 for the full softmax)

The text is made here: words drawn from Zipf's law. Each row runs in a process of its own, so that its peak memory is
its own; rows take turns, `--repeats` times, so that a drift of the machine's speed meets all of them; medians are
printed. Optimizer, dropout, L2 and clipping are those of `rnnlm train`.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# model, H, V, B, T, classes (None: the model's choice, 0: full softmax)
ROWS: list[tuple[str, int, int, int, int, int | None]] = [
    ("rnnlm", 200, 10_000, 32, 20, 100),
    ("rnnlm", 200, 10_000, 16, 20, 100),
    ("rnnlm", 200, 10_000, 16, 10, 100),
    ("rnnlm", 100, 10_000, 32, 20, 100),
    ("rnnlm", 400, 10_000, 32, 20, 100),
    ("rnnlm", 800, 10_000, 32, 20, 100),
    ("elman", 200, 10_000, 32, 20, 100),
    ("jordan", 200, 10_000, 32, 20, 100),
    ("elman", 200, 10_000, 32, 20, 0),
    ("rnnlm", 200, 1_000, 32, 20, None),
    ("rnnlm", 200, 100_000, 32, 20, None),
    ("elman", 200, 100, 32, 20, 0),
]
WARM_UP, WINDOWS = 3, 20


def measure(model: str, hidden: int, words: int, streams: int, steps: int, classes: int | None) -> dict[str, Any]:
    """One row, measured in this process."""
    import numpy as np

    from rnnlm.evaluation import perplexity
    from rnnlm.models import MODELS
    from rnnlm.ops.threads import one_thread
    from rnnlm.text import Corpus, Vocabulary
    from rnnlm.training import OPTIMIZERS, Settings, Trainer

    usual = Settings()
    rng = np.random.default_rng(1)
    updates = WARM_UP + WINDOWS
    share = 1 / np.arange(1, words + 1)
    ids = rng.choice(words, size=updates * streams * steps, p=share / share.sum()).astype(np.int32)
    counts = np.maximum(1, (share / share.sum() * 1e6).astype(int))
    corpus = Corpus(ids, Vocabulary(["</s>", *(f"w{i}" for i in range(1, words))], counts), name="zipf")
    before = peak_mb()
    lm = MODELS[model](corpus.vocabulary, hidden=hidden, classes=classes, dropout=usual.dropout)
    optimizer = OPTIMIZERS[usual.optimizer]
    times: list[float] = []
    trainer = Trainer(
        lm,
        optimizer(lm.params, optimizer.default_rate, l2=usual.l2),
        block=steps,
        streams=streams,
        clip=usual.clip,
        epochs=1,
        observers=[lambda event: times.append(time.perf_counter())],
    )
    with one_thread():
        trainer.fit(corpus)
        windows = [b - a for a, b in zip(times[WARM_UP:-2], times[WARM_UP + 1 : -1], strict=True)]
        peak = peak_mb()
        part = Corpus(ids[: 200 * 40], corpus.vocabulary, name="zipf")
        began = time.perf_counter()
        perplexity(lm, part)
        evaluation = len(part) / (time.perf_counter() - began)
        began = time.perf_counter()
        lm.sample(length=20, count=64, seed=1, burn_in=False)
        sampling = 20 * 64 / (time.perf_counter() - began)
    window = statistics.median(windows)
    weights = sum(param.value.nbytes for param in lm.params.values()) / 1e6
    return {
        "training_words_per_s": streams * steps / window,
        "ms_per_window": 1000 * window,
        "evaluation_words_per_s": evaluation,
        "sampling_words_per_s": sampling,
        "weights_mb": weights,
        "peak_mb": peak,
        "peak_above_start_mb": peak - before,
    }


def peak_mb() -> float:
    """The largest resident memory of this process so far, in MB (10⁶ bytes)."""
    kilo = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kilo / 1e6


def apart(row: tuple) -> dict[str, Any]:
    """One row, measured in a process of its own."""
    command = [sys.executable, __file__, "--inner", json.dumps(row)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"bench: {row} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="a JSON list, for programs")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each row; medians are printed (default 3)")
    parser.add_argument("--row", nargs=5, metavar=("MODEL", "H", "V", "B", "T"), help="one row instead of the table")
    parser.add_argument("--classes", type=int, help="classes of --row; 0 is the full softmax")
    parser.add_argument("--inner", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inner:
        print(json.dumps(measure(*json.loads(options.inner))))
        return
    rows = ROWS
    if options.row:
        model, *sizes = options.row
        H, V, B, T = map(int, sizes)
        rows = [(model, H, V, B, T, options.classes)]
    runs: list[list[dict[str, Any]]] = [[] for _ in rows]
    for _ in range(options.repeats):
        for row, found in zip(rows, runs, strict=True):
            found.append(apart(row))
    names = ("model", "H", "V", "B", "T", "classes")
    results = [
        dict(zip(names, row, strict=True)) | {key: statistics.median(run[key] for run in found) for key in found[0]}
        for row, found in zip(rows, runs, strict=True)
    ]
    if options.json:
        print(json.dumps(results, indent=2))
        return
    head = "model        H       V   B   T classes   words/s  ms/window  eval w/s  sample w/s  weights MB  peak MB"
    print(head)
    for r in results:
        classes = "√V" if r["classes"] is None else "full" if r["classes"] == 0 else str(r["classes"])
        print(
            f"{r['model']:8s} {r['H']:5d} {r['V']:7,d} {r['B']:3d} {r['T']:3d} {classes:>7s} "
            f"{r['training_words_per_s']:9,.0f} {r['ms_per_window']:10.2f} {r['evaluation_words_per_s']:9,.0f} "
            f"{r['sampling_words_per_s']:11,.0f} {r['weights_mb']:11.1f} {r['peak_mb']:8.0f}"
        )


if __name__ == "__main__":
    main()
