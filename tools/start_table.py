"""The start of a run: does a short run with default settings go well, whatever is chosen?

    python tools/start_table.py --updates 10 50 100
    python tools/start_table.py --updates 1000 --hidden 50
    python tools/start_table.py --activation tanh --optimizer adagrad sgd --updates 50 --rate 0.03 0.1

Every combination of model, activation, optimizer, tokens and number of updates is a run with the default rate, warm-up
and clip, on the first 250 kB of the King James Bible (or --text FILE). A line says the perplexities of the
validation text under the model, under the words' frequencies (unigram) and under equal probabilities (uniform), and
the largest norm of the gradient. A run has diverged when training broke off or when it ends worse than uniform; one of
1,000 updates or more should end better than the unigrams. At the end stand the table of docs/tuning.md, for each number
of updates, and how many runs went wrong; the exit status is 1 where one did.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rnnlm import catalogue
from rnnlm.errors import TrainingError
from rnnlm.evaluation.baselines import baselines
from rnnlm.models import MODELS
from rnnlm.ops.reference.elementwise import ACTIVATIONS
from rnnlm.optim import OPTIMIZERS
from rnnlm.training import Run, Settings

BYTES = 250_000  # of the text: a short run reads them once or a few times
LONG = 1000  # updates from which a run should be better than the unigrams


def part_of(text: str, folder: Path) -> Path:
    """The first lines of a text or named corpus, `BYTES` bytes in all."""
    path = Path(text) if Path(text).exists() else Path(catalogue.get(text).train)
    part = folder / "text.txt"
    part.write_bytes(path.read_bytes()[:BYTES].rpartition(b"\n")[0] + b"\n")
    return part


def one_run(text: Path, tokens: str, **choice: Any) -> dict[str, Any]:
    """The row of one run."""
    began = time.perf_counter()
    run = Run(Settings.of(text=text, tokens=tokens, **choice))
    valid = baselines(run.data.valid)
    rate = run.trainer.optimizer.learning_rate
    row: dict[str, Any] = {"tokens": tokens, **choice, "rate": rate, "unigram": valid.unigram, "uniform": valid.uniform}
    try:
        run.fit()
        row["nll"] = min(entry["valid_nll"] for entry in run.model.log if entry["kind"] == "epoch")
    except TrainingError as error:
        row |= {"nll": math.inf, "error": str(error)}
    norms = [entry["norm"] for entry in run.model.log if entry["kind"] == "update"]
    row["norm"] = max((norm for norm in norms if norm is not None), default=math.nan)
    row["seconds"] = time.perf_counter() - began
    row["diverged"] = not row["nll"] <= valid.uniform
    row["hopeless"] = not row["diverged"] and choice["max_updates"] >= LONG and row["nll"] >= valid.unigram
    return row


def line(row: dict[str, Any]) -> str:
    """The row as a line of a table."""
    names = [str(row.get(name, "")) for name in ("model", "activation", "optimizer", "tokens", "max_updates")]
    ppl = [f"{math.exp(min(row[name], 700)):9.2f}" for name in ("nll", "unigram", "uniform")]
    mark = "diverged" if row["diverged"] else "worse than unigram" if row["hopeless"] else ""
    return "  ".join([*(f"{n:12}" for n in names), f"{row['rate']:8.4g}", *ppl, f"{row['norm']:8.3g}", mark])


def tables(rows: list[dict[str, Any]]) -> str:
    """Tables in Markdown, one for each model and number of updates: a line an activation, a column an optimizer."""
    texts = []
    for model, updates in dict.fromkeys((row["model"], row["max_updates"]) for row in rows):
        those = [row for row in rows if (row["model"], row["max_updates"]) == (model, updates)]
        optimizers = list(dict.fromkeys(row["optimizer"] for row in those))
        texts += [f"{model}, {updates} updates: perplexity of {' / '.join(dict.fromkeys(r['tokens'] for r in those))}"]
        texts += ["| units | " + " | ".join(optimizers) + " |", "|---" * (len(optimizers) + 1) + "|"]
        for activation in dict.fromkeys(row.get("activation", "default") for row in those):
            cells = []
            for optimizer in optimizers:
                figures = [
                    "diverged" if row["diverged"] else f"{math.exp(row['nll']):.{1 + (row['nll'] < math.log(100))}f}"
                    for row in those
                    if (row.get("activation", "default"), row["optimizer"]) == (activation, optimizer)
                ]
                cells.append(" / ".join(figures))
            texts.append(f"| {activation} | " + " | ".join(cells) + " |")
    return "\n".join(texts)


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", default="kjv", metavar="TEXT", help="a path or the name of a corpus (kjv)")
    parser.add_argument("--model", nargs="+", default=["elman"], choices=tuple(MODELS))
    parser.add_argument("--activation", nargs="+", default=list(ACTIVATIONS), metavar="NAME", help="'' is the default")
    parser.add_argument("--optimizer", nargs="+", default=list(OPTIMIZERS), choices=tuple(OPTIMIZERS))
    parser.add_argument("--tokens", nargs="+", default=["words", "chars"])
    parser.add_argument("--updates", nargs="+", type=int, default=[100])
    parser.add_argument("--hidden", nargs="+", type=int, default=[200])
    parser.add_argument("--rate", nargs="+", type=float, default=[None], help="learning rates instead of the default")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="more settings of all runs")
    parser.add_argument("--json", metavar="FILE", help="write the rows there too")
    o = parser.parse_args()
    more = {name: json.loads(value) for name, _, value in (setting.partition("=") for setting in o.set)}
    rows = []
    warnings.simplefilter("ignore")  # what a verdict says stands in the line of the table
    with tempfile.TemporaryDirectory() as folder:
        text = part_of(o.text, Path(folder))
        for model, activation, optimizer, tokens, updates, hidden, rate in itertools.product(
            o.model, o.activation, o.optimizer, o.tokens, o.updates, o.hidden, o.rate
        ):
            choice = {"model": model, "activation": activation, "optimizer": optimizer, "max_updates": updates}
            choice |= {"hidden": hidden, "lr": rate, **more}
            rows.append(
                one_run(text, tokens, **{name: value for name, value in choice.items() if value not in (None, "")})
            )
            print(line(rows[-1]), flush=True)
            if o.json:
                Path(o.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")
    print(tables(rows))
    bad = [sum(row[mark] for row in rows) for mark in ("diverged", "hopeless")]
    print(f"{len(rows)} runs, {bad[0]} diverged, {bad[1]} worse than the unigrams")
    return 1 if any(bad) else 0


if __name__ == "__main__":
    sys.exit(main())
