"""`rnnlm train`: from a text to a model file."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ..machine import EXACT
from ..options import check
from ..options import option as declare
from ..training.processes import INTERRUPTED
from ..training.settings import Settings
from .console import ppl, result, result_json, say
from .counts import corpus_counts, left_out, perplexity_line
from .names import default_output
from .options import GroupedCommand, json_option, option, with_options
from .progress import ProgressBar, Snapshots
from .record import command_line
from .runs import figures_table, several_runs
from .talk import about_line, say_beginning, say_end, say_next
from .trust import trust_of

if TYPE_CHECKING:
    from ..training.figures import Figures
    from ..training.run import Run


@dataclass(frozen=True, kw_only=True)
class TrainExtras:
    """The options of `rnnlm train` that are no settings of a run."""

    snapshot: int | None = declare(
        None,
        "A sampled text every N updates.",
        group="Other",
        metavar="N",
        least=1,
        names=("--snapshot_t",),
    )
    sample: int | None = declare(
        None,
        "Words in a sampled text; one sentence without it.",
        group="Other",
        metavar="N",
        least=1,
        names=("--sample_n",),
    )
    runs: str | None = declare(
        None,
        "Train N seeds, or the settings in a TOML file, and mix the models.",
        group="Several runs",
        metavar="N|FILE",
    )
    jobs: int | None = declare(
        None, "Runs side by side; without it, as many as the cores allow.", group="Several runs", metavar="N", least=1
    )
    mixture: bool = declare(
        True, "Mix the models of the runs; without a mixture their texts and words may differ.", group="Several runs"
    )
    last: int | None = declare(
        None,
        "Average the weights of the last N epochs, and mix their models.",
        group="Several runs",
        metavar="N",
        least=2,
    )
    keep_epochs: bool = declare(False, "Keep the models of the last N epochs as files.", group="Several runs")


@click.command(cls=GroupedCommand)
@click.argument("text", required=False)
@option("--train", "train_text", metavar="TEXT", group="Text", help="The same as TEXT.")
@with_options(Settings, without=("text",))
@option("--grad_clip", type=float, metavar="N", group="Training", help="The same as --clip N --clip-by value.")
@with_options(TrainExtras, into="extras")
@json_option
@click.pass_context
def command(
    context: click.Context,
    text: str | None,
    train_text: str | None,
    grad_clip: float | None,
    extras: TrainExtras,
    as_json: bool,
    **settings: Any,
) -> None:
    """Train a model on TEXT: a path, - for standard input, or the name of a corpus (rnnlm corpus list).

    Without TEXT, on the King James Bible. The model of the best epoch goes to the output file; a run that was cut off
    leaves a checkpoint beside it and goes on with --resume.

    With --runs several models are trained, each in a process of its own, and mixed with equal weights: -o m.rnnlm
    gives m.1.rnnlm, m.2.rnnlm, … and the mixture m.rnnlm, or with --no-mixture the models alone. FILE has a table
    [[run]] for each run, whose keys are the options with _ for -; what it does not say is as on the command line. With
    --last, m.average.rnnlm and m.checkpoints.rnnlm come from the last epochs of one run.
    """
    if text is not None and train_text is not None:
        raise UsageError(f"the text is given twice, as {text} and as --train {train_text}. Give it once.")
    settings["text"] = next((path for path in (text, train_text) if path is not None), Settings.text)
    if grad_clip is not None:
        settings |= {"clip": grad_clip, "clip_by": "value"}
    settings["precision"] = settings["precision"] or EXACT
    if settings["output"] is None:
        settings["output"] = default_output(settings["text"])
    _check(extras)
    chosen, typed = Settings.of(**settings), command_line(context)
    if extras.runs is None:
        interrupted = not _train(chosen, extras, typed, as_json)
    else:
        interrupted = not several_runs(
            chosen, extras.runs, extras.jobs, mixture=extras.mixture, as_json=as_json, command=typed
        )
    if interrupted:
        context.exit(INTERRUPTED)


def _check(extras: TrainExtras) -> None:
    """UsageError for options that do not go together, or a value out of range."""
    if extras.jobs is not None and extras.runs is None:
        raise UsageError("`jobs` says how many of several `runs` go on side by side. Give `runs`, or leave it out.")
    if not extras.mixture and extras.runs is None:
        raise UsageError("mixture=False is for several `runs`, and this is one. Give `runs`, or leave it out.")
    if extras.keep_epochs and extras.last is None:
        raise UsageError("`keep_epochs` keeps the models of the `last` epochs. Give last=N, or leave it out.")
    for name in ("snapshot", "sample", "last") if extras.runs is not None else ():
        if getattr(extras, name) is not None:
            raise UsageError(f"`{name}` is for one run, and `runs` trains several. Leave one of them out.")
    check(extras)


def _train(settings: Settings, extras: TrainExtras, typed: str, as_json: bool) -> bool:
    """Train one model and report; False when Ctrl-C ended it."""
    from ..training.last_epochs import LastEpochs
    from ..training.messages import Began
    from ..training.run import Run

    if extras.last is not None:
        LastEpochs.check(settings, extras.last)
    bar = ProgressBar()
    bar.tell_when_compiling()
    run = Run(settings, observers=[bar], command=typed, trust=trust_of(settings.trust))
    bar.unit = f"{run.data.train.encoding.unit}s"
    epochs = None if extras.last is None else LastEpochs(run, extras.last)
    if extras.snapshot is not None:
        run.trainer.observers.append(Snapshots(run.model, extras.snapshot, extras.sample, bar))
    say_beginning(run, about_line(Began.of(run)))
    with bar:
        reason = run.fit()
    say_end(run, reason)
    ensembles = [] if epochs is None or reason == "interrupted" else epochs.conclude(keep=extras.keep_epochs)
    if epochs is not None and reason != "interrupted" and not ensembles:
        say("fewer than two epochs left a model, so there is nothing to average or mix", "yellow")
    _conclude(run, reason, ensembles, extras.sample, as_json)
    return reason != "interrupted"


def _conclude(run: Run, reason: str, ensembles: list[Figures], sample_words: int | None, as_json: bool) -> None:
    """Print figures and a sampled text on standard output, and the next commands on standard error."""
    model, output = run.model, run.output
    perplexity = None if reason == "interrupted" else run.test()
    text = model.sample(length=sample_words, seed=run.settings.seed)
    epochs = [entry for entry in model.log if entry["kind"] == "epoch"]
    valid = corpus_counts(run.data.valid)
    if as_json:
        figures: dict[str, Any] = {"model": str(output), "stopped": reason, "epochs": epochs, "sample": str(text)}
        figures |= {"last": [one.as_dict() for one in ensembles]} if ensembles else {}
        figures["verdict"] = run.verdict.as_dict() if run.verdict else None
        result_json(figures | {"validation": valid, "test": perplexity.as_dict() if perplexity else None})
        return
    best = [entry["valid_nll"] for entry in epochs if entry["epoch"] == run.trainer.progress.best_epoch]
    if best:
        result(f"validation perplexity {ppl(best[0])}{left_out(**valid)}")
    if perplexity is not None:
        result(perplexity_line("test", perplexity))
    if run.data.source_perplexity is not None:
        result(f"a perfect model of this source has perplexity {run.data.source_perplexity:.4f}")
    result(f"sample: {str(text) or '(empty: the sentence end was drawn first)'}")
    if ensembles:
        result(figures_table(ensembles))
    name = shlex.quote(str(output))
    following = [f"sample {name} -c 5 -t 0.8", f"ppl {name} YOUR.txt", f"info {name}", f"plot {name}"]
    say_next(output, reason, following)
