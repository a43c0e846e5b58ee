"""Speed and memory of training, evaluation and sampling, for a table of (model, H, V, B, T).

    python tools/bench.py                            the table
    python tools/bench.py --json                     the same for a program
    python tools/bench.py --row rnnlm 200 10000 32 20   one row of your own (--classes 0 for the full softmax)
    python tools/bench.py --text ptb.train.txt       words of a file instead of words drawn from Zipf's law
    python tools/bench.py --peers                    against PyTorch (tools/peers.py), in turns in one run

A second table is that of n-gram models, by tools/bench_ngrams.py.

Each row runs in a process of its own, so that its peak memory is its own; rows take turns, `--repeats` times, so that a
drift of the machine's speed meets all of them; medians are printed. Within a row one thread and all threads take turns
every few windows. Optimizer, dropout, L2 and clipping are those of `rnnlm train`.

`limit` is the share of what the processor could do: multiplications and additions of a training word (three products,
forward and twice backward, of the recurrent, class and word weights that it needs) times words/s, over the speed of one
large matrix product on one thread times the number of threads. `memory` is the peak above the start of the
process's work, over weights, gradients and optimizer state, an array of the size of the weights each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from bench_measures import in_own_process, median_seconds, multiplications, peak_mb, products_per_second, zipf

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# model, H, V, B, T, classes (None: the model's choice, 0: full softmax)
ROWS: list[tuple[str, int, int, int, int, int | None]] = [
    ("rnnlm", 200, 10_000, 32, 35, 100),
    ("rnnlm", 200, 10_000, 16, 35, 100),
    ("rnnlm", 200, 10_000, 32, 20, 100),
    ("rnnlm", 100, 10_000, 32, 35, 100),
    ("rnnlm", 400, 10_000, 32, 35, 100),
    ("rnnlm", 800, 10_000, 32, 35, 100),
    ("elman", 200, 10_000, 32, 35, 100),
    ("jordan", 200, 10_000, 32, 35, 100),
    ("elman", 200, 10_000, 32, 35, 0),
    ("rnnlm", 200, 1_000, 32, 35, None),
    ("rnnlm", 200, 100_000, 32, 35, None),
    ("rnnlm", 200, 500_000, 32, 35, None),
    ("elman", 200, 100, 32, 35, 0),
]
WARM_UP, TURNS, TURN = 6, 12, 6  # windows: before measuring, and in each turn of one thread or of all
EVALUATED = 60_000  # words


def measure(
    model: str, hidden: int, words: int, streams: int, steps: int, classes: int | None, text: str | None, backend: str
) -> dict[str, Any]:
    """One row, measured in this process."""
    import numpy as np

    from rnnlm import ops
    from rnnlm.evaluation import perplexity
    from rnnlm.models import MODELS
    from rnnlm.ops.threads import one_thread
    from rnnlm.text import Corpus
    from rnnlm.training import OPTIMIZERS, Settings, Trainer

    all_threads = ops.use(backend).threads
    turns = [1, all_threads] if all_threads > 1 else [1]
    defaults = Settings()
    updates = WARM_UP + TURNS * TURN + 1
    corpus = Corpus.encode(text, max_vocab=words) if text else zipf(words, max(updates * streams * steps, EVALUATED))
    lm = MODELS[model](corpus.vocabulary, hidden=hidden, classes=classes, dropout=defaults.dropout)
    optimizer = OPTIMIZERS[defaults.optimizer]
    times: dict[int, list[float]] = {threads: [] for threads in turns}
    before = peak_mb()
    began = [time.perf_counter()]

    def turn(event: Any) -> None:
        now, number = time.perf_counter(), event.updates - WARM_UP
        if number > 0 and number % TURN != 1:  # the first window of a turn finds the other's data in the caches
            times[turns[(number - 1) // TURN % len(turns)]].append(now - began[0])
        if number >= 0 and number % TURN == 0:
            ops.use(backend, turns[number // TURN % len(turns)])
        began[0] = time.perf_counter()

    trainer = Trainer(
        lm,
        optimizer(lm.params, optimizer.default_rate, l2=defaults.l2),
        block=steps,
        streams=streams,
        clip=defaults.clip,
        max_updates=updates,
        observers=[turn],
    )
    trainer.fit(corpus)
    peak = peak_mb()
    ops.use(backend)
    part = Corpus(np.asarray(corpus.ids[:EVALUATED]), corpus.vocabulary, name="part")
    evaluation = {
        count: EVALUATED / median_seconds(lambda count=count: perplexity(lm, part, streams=count)) for count in (1, 16)
    }
    sampling = 40 * 256 / median_seconds(lambda: lm.sample(length=40, count=256, seed=1, burn_in=False))
    with one_thread():
        limit = products_per_second()
    speed = {threads: streams * steps / statistics.median(seconds) for threads, seconds in times.items()}
    fastest = speed[turns[-1]]
    weights = sum(param.value.nbytes for param in lm.params.values()) / 1e6
    return {
        "training_words_per_s": fastest,
        "one_thread_words_per_s": speed[1],
        "threads": turns[-1],
        "threads_gain": fastest / speed[1],
        "ms_per_window": 1000 * streams * steps / fastest,
        "share_of_limit": fastest * multiplications(lm, corpus) / (limit * turns[-1]),
        "evaluation_words_per_s": evaluation[1],
        "evaluation_16_words_per_s": evaluation[16],
        "sampling_words_per_s": sampling,
        "weights_mb": weights,
        "peak_mb": peak,
        "memory_ratio": (peak - before + weights) / (3 * weights),
    }


def main() -> None:
    """Run the command line: print the tables, or with --json one JSON object."""
    import bench_ngrams

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="a JSON list, for programs")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each row; medians are printed (default 3)")
    parser.add_argument("--row", nargs=5, metavar=("MODEL", "H", "V", "B", "T"), help="one row instead of the table")
    parser.add_argument("--classes", type=int, help="classes of --row; 0 is the full softmax")
    parser.add_argument("--text", metavar="FILE", help="the text of the rows with 10,000 words, or of --row")
    parser.add_argument("--backend", default="numba", help="numba or numpy")
    parser.add_argument("--peers", action="store_true", help="compare with PyTorch instead")
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
    if options.peers:
        compare(rows[0], options.text, options.json)
        return
    runs: list[list[dict[str, Any]]] = [[] for _ in rows]
    for _ in range(options.repeats):
        for row, measured in zip(rows, runs, strict=True):
            text = options.text if row[2] == 10_000 or options.row else None
            measured.append(in_own_process(__file__, (*row, text, options.backend)))
    names = ("model", "H", "V", "B", "T", "classes")
    results = [
        dict(zip(names, row, strict=True))
        | {key: statistics.median(run[key] for run in measured) for key in measured[0]}
        for row, measured in zip(rows, runs, strict=True)
    ]
    n_grams = [] if options.row else bench_ngrams.results(None, options.repeats)
    if options.json:
        print(json.dumps({"networks": results, "n_grams": n_grams}, indent=2))
        return
    print_table(results)
    if n_grams:
        print()
        bench_ngrams.print_table(n_grams)


def compare(row: tuple, text: str | None, as_json: bool) -> None:
    """Measure one row beside PyTorch, by tools/peers.py, and print what was found."""
    import peers

    from rnnlm import ops

    _, H, V, B, T, classes = row
    measured = peers.measure(H, V, B, T, classes, ops.use().threads, text=text)
    print(json.dumps(measured, indent=2) if as_json else peers.table(measured))


def print_table(results: list[dict[str, Any]]) -> None:
    """Print a line for each row of networks."""
    threads = results[0]["threads"]
    print(f"words/s of training on {threads} threads, gain over one; of evaluation, 1 stream and 16; of sampling")
    print(
        "model        H       V   B   T classes   words/s  gain limit ms/window   eval 1  eval 16   sample    MB memory"
    )
    for r in results:
        classes = "√V" if r["classes"] is None else "full" if r["classes"] == 0 else str(r["classes"])
        print(
            f"{r['model']:8s} {r['H']:5d} {r['V']:7,d} {r['B']:3d} {r['T']:3d} {classes:>7s} "
            f"{r['training_words_per_s']:9,.0f} {r['threads_gain']:5.2f} {100 * r['share_of_limit']:4.0f}% "
            f"{r['ms_per_window']:9.2f} {r['evaluation_words_per_s']:8,.0f} {r['evaluation_16_words_per_s']:9,.0f} "
            f"{r['sampling_words_per_s']:8,.0f} {r['weights_mb']:5.0f} {r['memory_ratio']:6.2f}"
        )


if __name__ == "__main__":
    main()
