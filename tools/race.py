"""Perplexity against seconds: `rnnlm train` and PyTorch on the same text and machine, one after the other.

    python tools/race.py --train ptb.train.txt --valid ptb.valid.txt --seconds 240 -o docs/race.png

Ours is the command's own run (200 units, 100 classes, 12 epochs), with kernels compiled before; its clock
starts with the first update and includes validation. PyTorch's are those of tools/peers.py, whose clock leaves
validation out. The figures stand in a JSON file beside the picture.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import peers

EPOCHS = 12


def ours(train: str, valid: str) -> dict[str, Any]:
    """The curve of a run of ours: (seconds, validation perplexity) after each epoch."""
    from rnnlm.training import Run, Settings
    from rnnlm.training.events import Epoch, Event

    def run(epochs: int, updates: int | None = None) -> list[tuple[float, float]]:
        points: list[tuple[float, float]] = []
        began: list[float] = []

        def note(event: Event) -> None:
            if not began:
                began.append(time.perf_counter())
            if isinstance(event, Epoch) and event.valid_nll is not None:
                points.append((time.perf_counter() - began[0], math.exp(event.valid_nll)))
                print(f"rnnlm {points[-1][0]:7.1f} s  validation {points[-1][1]:8.2f}", file=sys.stderr)

        settings = Settings.of(text=train, valid=valid, test=valid, classes=100, epochs=epochs, max_updates=updates)
        Run(settings, observers=[note]).fit()
        return points

    run(1, 2)  # compiles
    return {"name": "rnnlm, 100 classes", "curve": run(EPOCHS), "test": None}


def draw(curves: list[dict[str, Any]], output: str) -> None:
    """Draw the curves into a picture file."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for curve in curves:
        seconds, ppl = zip(*curve["curve"], strict=True)
        axes.plot(seconds, ppl, marker=".", label=curve["name"])
    axes.set(xlabel="seconds of training", ylabel="validation perplexity", yscale="log")
    axes.set_yticks([130, 150, 200, 300, 500, 1000], ["130", "150", "200", "300", "500", "1000"], minor=False)
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(output, dpi=120)


def main() -> None:
    """Run the command line: measure both sides, write the picture and the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True, metavar="FILE", help="a line a sentence")
    parser.add_argument("--valid", required=True, metavar="FILE", help="a line a sentence")
    parser.add_argument("--seconds", type=float, default=240.0, help="of training, for each of PyTorch's")
    parser.add_argument("--threads", type=int, default=2, help="of both sides (default 2)")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="the picture; FILE.json beside it")
    o = parser.parse_args()
    from rnnlm import ops

    ops.use("numba", o.threads)
    curves = [ours(o.train, o.valid)]
    curves += peers.curve(o.train, o.valid, None, o.seconds, o.threads, None)
    Path(f"{o.output}.json").write_text(json.dumps(curves, indent=2), encoding="utf-8")
    draw(curves, o.output)


if __name__ == "__main__":
    main()
