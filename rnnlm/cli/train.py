"""`rnnlm train`: from a text to a model file."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ..training.processes import INTERRUPTED
from ..training.settings import Settings
from .console import bits, ppl, result, result_json, say
from .machine import machine_options
from .names import default_output
from .progress import Live, Snapshots
from .runs import figures_table, several_runs
from .talk import say_beginning, say_end, say_next
from .train_options import D, setting_options

if TYPE_CHECKING:
    from ..training.figures import Figures
    from ..training.run import Run


@click.command()
@click.argument("text", required=False)
@setting_options
@machine_options
@click.option("--save-every", type=float, metavar="MINUTES", help="Checkpoints between epochs too.")
@click.option("--resume", is_flag=True, help="Go on with a run that was cut off.")
@click.option("--snapshot", "--snapshot_t", "snapshot", type=int, metavar="N", help="A sampled text every N updates.")
@click.option(
    "--sample",
    "--sample_n",
    "sample_words",
    type=int,
    metavar="N",
    help="Words in a sampled text; one sentence without it.",
)
@click.option("--runs", metavar="N|FILE", help="Train N seeds, or the settings in a TOML file, and mix the models.")
@click.option("--jobs", type=int, metavar="N", help="Runs side by side; without it, as many as the cores allow.")
@click.option("--last", type=int, metavar="N", help="Average the weights of the last N epochs, and mix their models.")
@click.option("--keep-epochs", is_flag=True, help="Keep the models of the last N epochs as files.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.pass_context
def command(
    context: click.Context,
    text: str | None,
    train_text: str | None,
    as_json: bool,
    grad_clip: float | None,
    snapshot: int | None,
    sample_words: int | None,
    runs: str | None,
    jobs: int | None,
    last: int | None,
    keep_epochs: bool,
    **options: Any,
) -> None:
    """Train a model on TEXT: a path, - for standard input, or the name of a corpus (rnnlm corpus list).

    Without TEXT, on the King James Bible. The model of the best epoch goes to the output file; a run that was cut off
    leaves a checkpoint beside it and goes on with --resume.

    With --runs several models are trained, each in a process of its own, and mixed with equal weights: -o m.rnnlm
    gives m.1.rnnlm, m.2.rnnlm, … and the mixture m.rnnlm. FILE has a table [[run]] for each run, whose keys are the
    options with _ for -; what it does not say is as on the command line. With --last, m.average.rnnlm and
    m.checkpoints.rnnlm come from the last epochs of one run.
    """
    if text is not None and train_text is not None:
        raise UsageError(f"the text is given twice, as {text} and as --train {train_text}. Give it once.")
    for name, value in (("snapshot", snapshot), ("sample", sample_words)):
        if value is not None and value < 1:
            raise UsageError(f"{name}={value} is too small. Give a whole number >= 1.")
    options["text"] = next((given for given in (text, train_text) if given is not None), D.text)
    if grad_clip is not None:
        options |= {"clip": grad_clip, "clip_by": "value"}
    if options["output"] is None:
        options["output"] = default_output(options["text"])

    if jobs is not None and runs is None:
        raise UsageError("--jobs says how many of several --runs go on side by side. Give --runs, or leave it out.")
    if keep_epochs and last is None:
        raise UsageError("--keep-epochs keeps the models of the --last epochs. Give --last N, or leave it out.")
    settings = Settings.of(**options)
    if runs is not None:
        for name, value in (("snapshot", snapshot), ("sample", sample_words), ("last", last)):
            if value is not None:
                raise UsageError(f"--{name} is for one run, and --runs trains several. Leave one of them out.")
        if not several_runs(settings, runs, jobs, as_json):
            context.exit(INTERRUPTED)
        return

    from ..training.last import LastEpochs
    from ..training.run import Run

    live = Live()
    live.tell_when_compiling()
    run = Run(settings, observers=[live], command="rnnlm " + shlex.join(context.obj))
    epochs = None if last is None else LastEpochs(run, last)
    if snapshot is not None:
        run.trainer.observers.append(Snapshots(run.model, snapshot, sample_words, live))
    _introduce(run)
    with live:
        reason = run.fit()
    say_end(run, reason)
    ensembles = [] if epochs is None or reason == "interrupted" else epochs.conclude(keep=keep_epochs)
    if epochs is not None and reason != "interrupted" and not ensembles:
        say("fewer than two epochs left a model, so there is nothing to average or mix", "yellow")
    _conclude(run, reason, ensembles, sample_words, as_json)
    if reason == "interrupted":
        context.exit(INTERRUPTED)


def _introduce(run: Run) -> None:
    data, model = run.data, run.model
    weights = sum(param.value.size for param in model.params.values())
    units = f"{model.config['hidden']} {model.config.get('activation', 'hidden')} units"
    output = f"{len(model.class_map)} classes" if model.class_map else "full softmax"
    say_beginning(
        run,
        f"{model.kind}: {len(data.train):,} training tokens, {len(model.vocabulary):,} words ({model.tokenizer}), "
        f"{units}, {output}, {weights:,} weights, {run.device.description}",
    )


def _conclude(run: Run, reason: str, ensembles: list[Figures], sample_words: int | None, as_json: bool) -> None:
    """The figures and a text on standard output, what to do next on standard error."""
    model, output = run.model, run.output
    found = None if reason == "interrupted" else run.test()
    text = model.sample(length=sample_words, seed=run.settings.seed)
    epochs = [entry for entry in model.log if entry["kind"] == "epoch"]
    if as_json:
        figures = {"model": str(output), "stopped": reason, "epochs": epochs, "sample": str(text)}
        figures |= {"last": [one.as_dict() for one in ensembles]} if ensembles else {}
        result_json(figures | {"test": found.as_dict() if found else None})
        return
    best = [entry["valid_nll"] for entry in epochs if entry["epoch"] == run.trainer.progress.best_epoch]
    if best:
        result(f"validation perplexity {ppl(best[0])}")
    if found is not None:
        unknown = ""
        if found.unknown and found.scored < found.tokens:
            unknown = f", {found.unknown:,} unknown words left out"
        elif found.unknown:
            unknown = f", {found.unknown:,} unknown words, perplexity {ppl(found.nll_known)} without them"
        per = f"{bits(found.bits_per_token)} bits/token"
        if found.scored == found.tokens:
            per += f", {bits(found.bits_per_character)} bits/character"
        result(f"test perplexity {ppl(found.nll)} ({per}; {found.tokens:,} tokens{unknown})")
    if run.data.source_perplexity is not None:
        result(f"a perfect model of this source has perplexity {run.data.source_perplexity:.4f}")
    result(f"sample: {text}")
    if ensembles:
        result(figures_table(ensembles))
    name = shlex.quote(str(output))
    following = [f"sample {name} -c 5 -t 0.8", f"ppl {name} YOUR.txt", f"info {name}", f"plot {name}"]
    say_next(output, reason, following)
