"""Training curves as a picture."""

from __future__ import annotations

import io
import logging
import math
import os
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from . import output_files, storage
from .errors import DataError, UsageError
from .models.training_log import read_training_log, require_complete
from .stored import Stored, reading
from .training.differences import differences, differences_text

FORMATS = (".png", ".svg", ".pdf")


def read_log(path: str | Path) -> list[dict[str, Any]]:
    """Return the training log in a model or checkpoint file. Raises DataError for other files, or without a log."""
    what = "checkpoint" if storage.kind(path) == "checkpoint" else "model"
    stored = Stored(*storage.read(path, what), Path(path).parent)
    with reading(path, what):
        log = read_training_log(stored.arrays_of("model/") if what == "checkpoint" else stored)
        require_complete(log)
    if not any(entry["kind"] in ("update", "epoch") for entry in log):
        raise DataError(
            f"{path} holds no training log, so there is nothing to draw. Give a trained model or a checkpoint."
        )
    return log


def check_picture(output: str | Path) -> Path:
    """Return the path of a picture. Raises UsageError unless it ends in one of `FORMATS`."""
    output = Path(output)
    if output.suffix not in FORMATS:
        raise UsageError(f"picture {output} has the ending {output.suffix!r}. Give one of {', '.join(FORMATS)}.")
    return output


def draw(logs: Mapping[str, list[dict[str, Any]]], output: str | Path) -> None:
    """Draw loss, gradient norm and learning rate against updates, and write the picture whole or not at all.

    `logs` maps the name of each run to its log, as `read_log` returns it; `output` ends in one of `FORMATS`. The
    loss panel shows the training loss (thin: each logged update, thick: epochs) and the validation loss; its legend has
    the settings that are not the same for all runs. For a language model both losses are the cross-entropy in nats a
    token. Classifiers have a panel of accuracies too. Raises UsageError for another suffix or without matplotlib,
    DataError for a file that cannot be written.
    """
    output = check_picture(output)
    Figure = _matplotlib_figure()
    classifiers = any("train_accuracy" in entry for log in logs.values() for entry in log)
    heights = {"loss": 3.0, **({"accuracy": 2.0} if classifiers else {}), "norm": 1.5, "rate": 1.0}
    figure = Figure(figsize=(9, 2 + sum(heights.values())), layout="constrained")
    panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=list(heights.values()))
    axes = dict(zip(heights, panels, strict=True))
    for run, ((name, log), differs) in enumerate(zip(logs.items(), _differences(logs.values()), strict=True)):
        _draw_run(axes, _legible(name), _legible(differs), log, f"C{run}")
    axes["loss"].set_ylabel("loss" if classifiers else "cross-entropy (nats/token)")
    if axes["loss"].get_legend_handles_labels()[0]:
        axes["loss"].legend(fontsize="small")
    if classifiers:
        axes["accuracy"].set_ylabel("accuracy (%)")
    axes["norm"].set_ylabel("gradient norm")
    axes["rate"].set_ylabel("learning rate")
    axes["rate"].set_xlabel("updates")
    for panel in ("norm", "rate"):
        axes[panel].set_yscale("log")
    for panel in axes.values():
        panel.grid(alpha=0.3)
    picture = io.BytesIO()
    figure.savefig(picture, format=output.suffix[1:], dpi=120)
    output_files.write_bytes(output, picture.getvalue(), "the picture")


def _matplotlib_figure() -> Any:
    """Return matplotlib's class `Figure`, whatever its variables in the environment say.

    Without pyplot there is no window and no global state, so the name of a window system in MPLBACKEND does not matter.
    Where it cannot write its settings, it uses a temporary folder, and says so in lines that nobody needs.
    """
    backend = os.environ.pop("MPLBACKEND", None)
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError('curves need matplotlib, which is not installed: pip install "rnnlm-kit[plot]".') from None
    except OSError as error:
        raise DataError(f"matplotlib cannot write its settings: {error}.") from None
    finally:
        logger.setLevel(level)
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    return Figure


def _differences(logs: Iterable[list[dict[str, Any]]]) -> list[str]:
    """For each log the settings that are not the same in all, as text; empty where there are none."""
    records = [next((entry for entry in log if entry["kind"] == "run"), {}) for log in logs]
    return [differences_text(values) for values in differences(records)]


def _legible(text: str) -> str:
    """A text as matplotlib shows it unchanged, whatever bytes a file's name is made of."""
    return output_files.to_bytes(text).decode().replace("$", r"\$")  # between two of them it would read a formula


def _draw_run(axes: Mapping[str, Any], name: str, differs: str, log: list[dict[str, Any]], color: str) -> None:
    updates = [entry for entry in log if entry["kind"] == "update"]
    epochs = [entry for entry in log if entry["kind"] == "epoch"]
    validated = [entry for entry in epochs if entry["valid_nll"] is not None]
    thin = {"color": color, "linewidth": 0.8}
    training: dict[str, Any] = {"color": color, "marker": "."}
    validation: dict[str, Any] = {"color": color, "marker": "o", "linestyle": "--"}
    axes["loss"].plot(*_points(updates, "nll"), alpha=0.3, **thin)
    axes["loss"].plot(*_points(epochs, "train_nll"), **training, label=_label(name, differs))
    if validated:
        label = f"{name}: validation ({_best(validated)})"
        axes["loss"].plot(*_points(validated, "valid_nll"), **validation, label=label)
    for key, style in (("train_accuracy", training), ("valid_accuracy", validation)):
        accuracies = [entry | {key: 100 * entry[key]} for entry in epochs if entry.get(key) is not None]
        if accuracies:
            axes["accuracy"].plot(*_points(accuracies, key), **style)
    norms = [entry for entry in updates if entry["norm"]]
    if norms:
        axes["norm"].plot(*_points(norms, "norm"), **thin)
    steps = [entry for entry in log if entry["kind"] in ("update", "epoch")]
    axes["rate"].plot(*_points(steps, "learning_rate"), color=color, drawstyle="steps-pre")


def _label(name: str, differs: str) -> str:
    """The first line of a run in the legend; its settings stand below the name where they are many."""
    if not differs:
        return f"{name}: training"
    line = f"{name} ({differs}): training"
    if len(line) <= 60:
        return line
    pairs = differs.replace(" ", "\xa0").replace(",\xa0", ", ")  # a name and its value stay in one line
    settings = textwrap.fill(pairs, 60, break_on_hyphens=False).replace("\xa0", " ")
    return f"{name}: training\n{settings}"


def _points(entries: list[dict[str, Any]], key: str) -> tuple[list[int], list[float]]:
    return [entry["updates"] for entry in entries], [entry[key] for entry in entries]


def _best(validated: list[dict[str, Any]]) -> str:
    """Return the best validation figure as text: an accuracy for classifiers, a perplexity for language models."""
    if "valid_accuracy" in validated[0]:
        return f"best {100 * max(entry['valid_accuracy'] for entry in validated):.2f} % right"
    best = min(entry["valid_nll"] for entry in validated)
    return f"best PPL {math.exp(best):.1f}" if best < 100 else f"best PPL e^{best:.3g}"
