"""`rnnlm classify`: train classifiers, test them, and classify examples."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from ..machine import EXACT, MachineOptions
from ..training.classifier_data import ReadingOptions
from ..training.classifier_settings import ClassifierSettings
from .console import result, result_json, table
from .machine import choose, machine_options
from .names import default_output
from .options import GroupedCommand, json_option, with_options
from .record import command_line
from .talk import say_beginning, say_end, say_next

if TYPE_CHECKING:
    from ..evaluation.confusion import Confusion
    from ..training.classifier_run import ClassifierRun


MAX_COLUMNS = 20  # a confusion matrix of more classes is shown in short


@click.group()
def command() -> None:
    """Train a classifier on labelled data, test it, let it answer.

    DATA is a CSV table (the last column is the label), an NPZ archive (x, y), a folder of images with a folder a class,
    or the name of a data set (rnnlm corpus list).
    """


@command.command(cls=GroupedCommand, short_help="Train a classifier on labelled data.")
@click.argument("data", default="digits")
@with_options(ClassifierSettings, without=("data",))
@json_option
@click.pass_context
def train(context: click.Context, data: str, as_json: bool, **options: Any) -> None:
    """Train a classifier on DATA; without it, on 5,000 handwritten digits.

    The model of the best epoch goes to the output file; a run that was cut off leaves a checkpoint beside it and goes
    on with --resume.
    """
    from ..training.classifier_run import ClassifierRun
    from ..training.processes import INTERRUPTED
    from .progress import ClassifierProgressBar

    if options["output"] is None:
        options["output"] = default_output(data)
    bar = ClassifierProgressBar()
    bar.tell_when_compiling()
    options["precision"] = options["precision"] or EXACT
    settings = ClassifierSettings.of(data=data, **options)
    run = ClassifierRun(settings, observers=[bar], command=command_line(context))
    _introduce(run)
    with bar:
        reason = run.fit()
    say_end(run, reason)
    _conclude(run, reason, as_json)
    if reason == "interrupted":
        context.exit(INTERRUPTED)


@command.command(short_help="How often a classifier is right, and what it mixes up.")
@click.argument("model")
@click.argument("data")
@with_options(ReadingOptions, into="reading")
@machine_options
@json_option
def test(
    model: str,
    data: str,
    reading: ReadingOptions,
    machine: MachineOptions,
    as_json: bool,
) -> None:
    """How often MODEL is right on the labelled DATA, and which classes it takes for which."""
    device = choose(machine)
    from ..models import load_classifier
    from ..training.classifier_data import read_for
    from ..training.classifier_trainer import evaluate

    classifier = load_classifier(model, device=device)
    confusion = evaluate(classifier, read_for(classifier, data, reading))
    if as_json:
        result_json({"model": model, "data": data, **confusion.as_dict()})
        return
    result(_accuracy(confusion))
    result(confusion_table(confusion))


@command.command(short_help="The class of each example.")
@click.argument("model")
@click.argument("data")
@with_options(ReadingOptions, into="reading")
@machine_options
@click.option("--top", type=int, default=1, show_default=True, metavar="N", help="The N best classes of each.")
@json_option
def predict(
    model: str,
    data: str,
    reading: ReadingOptions,
    machine: MachineOptions,
    top: int,
    as_json: bool,
) -> None:
    """The class of each example of DATA, a line each: its name or number, the class, its probability.

    DATA may also be a single image, or a table without labels (--label-column none). A network that was not trained
    with cross-entropy has no probabilities; then its outputs are shown.
    """
    device = choose(machine)
    import numpy as np

    from ..errors import UsageError
    from ..models import load_classifier
    from ..training.classifier_data import read_for

    if top < 1:
        raise UsageError(f"top={top} is too small. Give a whole number >= 1.")
    classifier = load_classifier(model, device=device)
    examples = read_for(classifier, data, reading, labelled=False)
    has_probabilities = classifier.config["loss"] == "cross-entropy"
    figures = classifier.probabilities(examples.x) if has_probabilities else classifier.outputs(examples.x)
    names = examples.files or [str(number) for number in range(1, len(examples) + 1)]
    answers = [
        [(classifier.labels[k], float(row[k])) for k in np.argsort(-row, kind="stable")[:top]] for row in figures
    ]
    if as_json:
        listed = [{"example": name, "classes": answer} for name, answer in zip(names, answers, strict=True)]
        result_json({"model": model, "data": data, "answers": listed})
        return
    for name, answer in zip(names, answers, strict=True):
        result("\t".join([name, *(f"{label}\t{value:.4f}" for label, value in answer)]))


def _introduce(run: ClassifierRun) -> None:
    """The lines on standard error before the first update."""
    from ..datasets import shape_text

    data, model = run.data, run.model
    say_beginning(
        run,
        f"{model.kind}: {len(data.train):,} training examples of {shape_text(model.shape)}, {len(model.labels)} "
        f"classes, {model.facts()['weights']:,} weights, {run.device.description}",
    )


def _conclude(run: ClassifierRun, reason: str, as_json: bool) -> None:
    """The figures on standard output, what to do next on standard error."""
    output, confusion = run.output, None if reason == "interrupted" else run.test()
    epochs = [entry for entry in run.model.log if entry["kind"] == "epoch"]
    if as_json:
        figures = {"model": str(output), "stopped": reason, "epochs": epochs}
        result_json(figures | {"test": confusion.as_dict() if confusion else None})
        return
    best = [entry for entry in epochs if entry["epoch"] == run.trainer.progress.best_epoch]
    if best and best[0]["valid_accuracy"] is not None:
        result(f"validation accuracy {100 * best[0]['valid_accuracy']:.2f} %, loss {best[0]['valid_nll']:.4f}")
    if confusion is not None:
        result(f"test {_accuracy(confusion)}")
        result(confusion_table(confusion))
    name = shlex.quote(str(output))
    following = [f"classify test {name} DATA", f"classify predict {name} DATA", f"info {name}", f"plot {name}"]
    say_next(output, reason, following)


def _accuracy(confusion: Confusion) -> str:
    """Accuracy and loss in one line of text."""
    right = f"{confusion.correct:,} of {confusion.examples:,} right"
    return f"accuracy {100 * confusion.accuracy:.2f} % ({right}), loss {confusion.loss:.4f}"


def confusion_table(confusion: Confusion) -> str:
    """The confusion matrix as text: a row for each true class, a column for each predicted one, then the recall.

    For more than 20 classes, which a line has no room for, the most frequent mistake stands instead of the columns.
    """
    shares = ["-" if recall != recall else f"{100 * recall:.1f} %" for recall in confusion.recall.tolist()]
    rows = list(zip(confusion.labels, confusion.counts.tolist(), shares, strict=True))
    if len(rows) <= MAX_COLUMNS:
        head = ["is \\ taken for", *confusion.labels, "found"]
        return table([head, *([label, *(str(n or "·") for n in counts), share] for label, counts, share in rows)])
    worst = [
        max((n, other) for n, other in zip(counts, confusion.labels, strict=True) if other != label)
        for label, counts, _ in rows
    ]
    return table(
        [
            ["class", "examples", "found", "most often taken for"],
            *(
                [label, str(sum(counts)), share, f"{other} ({n})" if n else "-"]
                for (label, counts, share), (n, other) in zip(rows, worst, strict=True)
            ),
        ]
    )
