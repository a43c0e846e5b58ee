"""Speed and memory of n-gram models: the second table of tools/bench.py, also by itself.

    python tools/bench_ngrams.py                        1, 5 and 20 million words drawn from Zipf's law, order 5
    python tools/bench_ngrams.py --text ptb.train.txt   a text of your own, orders 5 and 3

Each row runs in a process of its own; medians of `--repeats` are printed. `training` is from word ids in memory to the
table of probabilities, modified Kneser–Ney; `bytes` the peak of memory above the start of training, over n-grams;
`scored` words a second of the text's first words, in one stream; `growth` the training time over that of the first
row, divided by what n log n would give: at most 1 is as fast as sorting.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from typing import Any

from bench_measures import in_own_process, median_seconds, peak_mb, zipf

ROWS = [(5, 1_000_000), (5, 5_000_000), (5, 20_000_000)]  # order, words
VOCABULARY = 10_000
SCORED = 200_000  # words


def measure(order: int, tokens: int, text: str | None) -> dict[str, Any]:
    """One row, measured in this process."""
    import numpy as np

    from rnnlm.evaluation import perplexity
    from rnnlm.models import NgramLM
    from rnnlm.text import Corpus

    corpus = Corpus.encode(text) if text else zipf(VOCABULARY, tokens)
    ids = np.array(corpus.ids)
    corpus = Corpus(ids, corpus.vocabulary, name=corpus.name)
    before = peak_mb()
    began = time.perf_counter()
    lm = NgramLM.train(corpus, order=order)
    seconds = time.perf_counter() - began
    peak = peak_mb() - before
    first_words = Corpus(ids[:SCORED], corpus.vocabulary)
    n_grams = lm.table.levels[-1]
    return {
        "tokens": len(ids),
        "n_grams": n_grams,
        "training_s": seconds,
        "bytes_per_n_gram": 1e6 * peak / n_grams,
        "scored_words_per_s": len(first_words) / median_seconds(lambda: perplexity(lm, first_words)),
    }


def results(text: str | None, repeats: int) -> list[dict[str, Any]]:
    """The rows with their medians, each run in a process of its own, the rows taking turns."""
    rows = [(5, 0, text), (3, 0, text)] if text else [(*row, None) for row in ROWS]
    runs: list[list[dict[str, Any]]] = [[] for _ in rows]
    for _ in range(repeats):
        for row, measured in zip(rows, runs, strict=True):
            measured.append(in_own_process(__file__, row))
    return [
        {"order": row[0]} | {key: statistics.median(run[key] for run in measured) for key in measured[0]}
        for row, measured in zip(rows, runs, strict=True)
    ]


def print_table(rows: list[dict[str, Any]]) -> None:
    """Print a line for each row of n-gram models."""
    print("order      words      n-grams  training s  bytes     scored  growth")
    first = rows[0]

    def sorting(row: dict[str, Any]) -> float:
        """n log n of the row's number of tokens."""
        return row["tokens"] * math.log(row["tokens"])

    for r in rows:
        growth = r["training_s"] / first["training_s"] / (sorting(r) / sorting(first))
        shown = f"{growth:7.2f}" if r["tokens"] != first["tokens"] else "      -"
        print(
            f"{r['order']:5d} {r['tokens']:10,.0f} {r['n_grams']:12,.0f} {r['training_s']:11.2f} "
            f"{r['bytes_per_n_gram']:6.0f} {r['scored_words_per_s']:10,.0f} {shown}"
        )


def main() -> None:
    """Run the command line: print the table, or with --json a JSON list."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="a JSON list, for programs")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each row; medians are printed (default 3)")
    parser.add_argument("--text", metavar="FILE", help="a text instead of words drawn from Zipf's law")
    parser.add_argument("--inner", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inner:
        print(json.dumps(measure(*json.loads(options.inner))))
        return
    rows = results(options.text, options.repeats)
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        print_table(rows)


if __name__ == "__main__":
    main()
