"""Training curves as a picture."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import storage
from ..errors import DataError, UsageError

FORMATS = (".png", ".svg", ".pdf")


def read_log(path: str | Path) -> list[dict[str, Any]]:
    """The training log in a model or checkpoint file. DataError when it is neither, or has no log."""
    if storage.kind(path) == "checkpoint":
        log = storage.from_json_array(storage.read(path, "checkpoint")[1]["model/log"])
    else:
        log = storage.from_json_array(storage.read(path, "model")[1]["log"])
    if not any(entry["kind"] in ("update", "epoch") for entry in log):
        raise DataError(
            f"{path} holds no training log, so there is nothing to draw. Give a trained model or a checkpoint."
        )
    return log


def draw(logs: Mapping[str, list[dict[str, Any]]], output: str | Path) -> None:
    """Loss, gradient norm and learning rate against updates for each run, on one page; written whole or not at all.

    The loss panel has the training cross-entropy in nats a token (thin: each logged window, thick: epochs) and the
    validation's. Raises UsageError for a kind of picture that is not known or without matplotlib, DataError for a place
    that cannot be written.
    """
    output = Path(output)
    if output.suffix not in FORMATS:
        raise UsageError(f"picture {output} has the ending {output.suffix!r}. Give one of {', '.join(FORMATS)}.")
    try:
        from matplotlib.figure import Figure  # no pyplot: no window, no global state
    except ImportError:
        raise UsageError('curves need matplotlib, which is not installed: pip install "rnnlm-kit[plot]".') from None
    figure = Figure(figsize=(9, 7.5), layout="constrained")
    loss, norm, rate = figure.subplots(3, 1, sharex=True, height_ratios=[3, 1.5, 1])
    for number, (name, log) in enumerate(logs.items()):
        color = f"C{number}"
        updates = [entry for entry in log if entry["kind"] == "update"]
        epochs = [entry for entry in log if entry["kind"] == "epoch"]
        at, ends = [entry["updates"] for entry in updates], [entry["updates"] for entry in epochs]
        loss.plot(at, [entry["nll"] for entry in updates], color=color, alpha=0.3, linewidth=0.8)
        loss.plot(ends, [entry["train_nll"] for entry in epochs], color=color, marker=".", label=f"{name}: training")
        judged = [(entry["updates"], entry["valid_nll"]) for entry in epochs if entry["valid_nll"] is not None]
        if judged:
            best = min(value for _, value in judged)
            ppl = f"{math.exp(best):.1f}" if best < 100 else f"e^{best:.3g}"
            label = f"{name}: validation (best PPL {ppl})"
            loss.plot(*zip(*judged, strict=True), color=color, marker="o", linestyle="--", label=label)
        norms = [(entry["updates"], entry["norm"]) for entry in updates if entry["norm"]]
        if norms:
            norm.plot(*zip(*norms, strict=True), color=color, linewidth=0.8)
        steps = [entry for entry in log if entry["kind"] in ("update", "epoch")]
        rates = [entry["learning_rate"] for entry in steps]
        rate.plot([entry["updates"] for entry in steps], rates, color=color, drawstyle="steps-pre")
    loss.set_ylabel("cross-entropy (nats/token)")
    if loss.get_legend_handles_labels()[0]:
        loss.legend(fontsize="small")
    norm.set_ylabel("gradient norm")
    norm.set_yscale("log")
    rate.set_ylabel("learning rate")
    rate.set_yscale("log")
    rate.set_xlabel("updates")
    for axes in (loss, norm, rate):
        axes.grid(alpha=0.3)
    picture = io.BytesIO()
    figure.savefig(picture, format=output.suffix[1:], dpi=120)
    storage.write_bytes(output, picture.getvalue(), "the picture")
