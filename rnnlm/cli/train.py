"""`rnnlm train`: from a text to a model file."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ..training.settings import Settings
from .console import bits, ppl, result, result_json, say
from .machine import machine_options
from .progress import Live, Snapshots

if TYPE_CHECKING:
    from ..training.run import Run

D = Settings()  # every default stands there, once
INTERRUPTED = 130  # exit status: a script must not go on with half a model


class Number(click.ParamType):
    """A number, or `none`."""

    name = "number|none"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        if value is None or str(value).lower() == "none":
            return None
        try:
            return float(value)
        except ValueError:
            self.fail(f"{value!r} is neither a number nor none.", param, ctx)


@click.command()
@click.argument("text", required=False)
@click.option("--train", "train_text", metavar="TEXT", help="The same as TEXT.")
@click.option("--valid", metavar="FILE", help="Text to choose by; without it the end of TEXT is held out.")
@click.option("--test", metavar="FILE", help="Text to report on, once.")
@click.option("-o", "--output", metavar="FILE", help="The model file; NAME.rnnlm without it.")
@click.option("--tokens", metavar="RULE", help="words, prose, chars or bytes; words unless the corpus says otherwise.")
@click.option("--max-vocab", type=int, metavar="V", help="Keep the V most frequent words.")
@click.option(
    "--min-count", type=int, default=D.min_count, show_default=True, metavar="N", help="Keep words seen N times."
)
@click.option("--model", default=D.model, show_default=True, help="elman, jordan or rnnlm (Mikolov's).")
@click.option("--hidden", type=int, default=D.hidden, show_default=True, metavar="H", help="Hidden units.")
@click.option(
    "--layers",
    type=int,
    default=D.layers,
    show_default=True,
    help="Recurrent layers on top of each other (jordan: hidden layers).",
)
@click.option(
    "--activation",
    "--activate_f",
    "activation",
    help="tanh, logistic, relu, clipped_relu or elu; the model's own without it.",
)
@click.option("--classes", type=int, metavar="C", help="Word classes; 0 is the full softmax. Without it, about √V.")
@click.option("--class-by", default=D.class_by, show_default=True, help="Classes of equal sqrt or equal frequency.")
@click.option(
    "--feedback",
    default=D.feedback,
    show_default=True,
    help="What Jordan's network feeds back: distribution or embedding.",
)
@click.option(
    "--block",
    "--seq_length",
    "block",
    type=int,
    default=D.block,
    show_default=True,
    metavar="T",
    help="New steps between updates.",
)
@click.option("--horizon", type=int, metavar="N", help="How many steps back the losses flow; the block without it.")
@click.option(
    "--streams",
    type=int,
    default=D.streams,
    show_default=True,
    metavar="B",
    help="Parts of the text read side by side.",
)
@click.option("--independent", is_flag=True, help="Each sentence on its own: clear the state at sentence ends.")
@click.option(
    "--optimizer", default=D.optimizer, show_default=True, help="sgd, momentum, adagrad, row-adagrad, rmsprop or adam."
)
@click.option("--lr", type=float, help="Learning rate; the optimizer's own default without it.")
@click.option(
    "--clip",
    "clip",
    type=Number(),
    default=D.clip,
    show_default=True,
    help="Limit of the gradient, or none.",
)
@click.option("--grad_clip", type=float, help="The same as --clip N --clip-by value.")
@click.option("--clip-by", default=D.clip_by, show_default=True, help="Clip the norm, or each value.")
@click.option("--dropout", type=float, default=D.dropout, show_default=True, help="On each layer's way up and out.")
@click.option(
    "--input-dropout", type=float, default=D.input_dropout, show_default=True, help="On the rows of the input table."
)
@click.option("--l2", type=float, default=D.l2, show_default=True, help="L2 penalty on touched rows.")
@click.option(
    "--schedule", default=D.schedule, show_default=True, help="linear, halving (Mikolov's), step or constant."
)
@click.option("--min-improvement", type=float, help="halving: ratio of log-probabilities an epoch must gain.  [1.003]")
@click.option("--decay", type=float, help="step: factor of the rate an epoch.  [0.5]")
@click.option("--decay-after", type=int, metavar="N", help="step: the first epoch after which it falls.  [4]")
@click.option(
    "--patience",
    type=int,
    help="linear, step, constant: stop after so many epochs without a new best.  [linear: never; 3]",
)
@click.option(
    "--warmup",
    type=int,
    metavar="N",
    help="Updates in which the rate rises; without it, a tenth of the run, at most 300.",
)
@click.option(
    "--epochs", type=int, metavar="N", help="At most so many; without it, about 8 million words, 1 to 20 epochs."
)
@click.option("--max-updates", "--max_iter", "max_updates", type=int, metavar="N", help="At most so many updates.")
@click.option("--seed", type=int, default=D.seed, show_default=True, help="Same seed, same model.")
@click.option("--dtype", default=D.dtype, show_default=True, help="float32 or float64.")
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
    **options: Any,
) -> None:
    """Train a model on TEXT: a path, - for standard input, or the name of a corpus (rnnlm corpus list).

    Without TEXT, on the King James Bible. The model of the best epoch goes to the output file; a run that was cut off
    leaves a checkpoint beside it and goes on with --resume.
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
        options["output"] = _default_output(options["text"])

    from ..training.run import Run

    live = Live()
    live.tell_when_compiling()
    run = Run(Settings.of(**options), observers=[live], command="rnnlm " + shlex.join(context.obj))
    if snapshot is not None:
        run.trainer.observers.append(Snapshots(run.model, snapshot, sample_words, live))
    _introduce(run)
    with live:
        reason = run.fit()
    best = run.trainer.progress.best_epoch
    say(f"stopped: {reason}; {f'the best epoch is {best}' if best else 'no epoch is over yet'}")
    _conclude(run, reason, sample_words, as_json)
    if reason == "interrupted":
        context.exit(INTERRUPTED)


def _default_output(text: str) -> str:
    """The model file's name when none is given: that of the text, in the current folder."""
    stem = "model" if text == "-" else Path(text).name.split(".")[0] or "model"
    return f"{stem}.rnnlm"


def _introduce(run: Run) -> None:
    from .. import ops

    data, model, trainer = run.data, run.model, run.trainer
    if data.said:
        say(data.said)
    if run.settings.resume and not run.resumed:
        say("no checkpoint yet, so the run starts from the beginning")
    if run.resumed:
        say(f"resuming at epoch {trainer.progress.epoch}, update {trainer.progress.updates:,}")
    weights = sum(param.value.size for param in model.params.values())
    units = f"{model.config['hidden']} {model.config['activation']} units"
    output = f"{len(model.class_map)} classes" if model.class_map else "full softmax"
    say(
        f"{model.kind}: {len(data.train):,} training tokens, {len(data.train.vocabulary):,} words ({data.tokenizer}), "
        f"{units}, {output}, {weights:,} weights, {ops.backend().description}",
        "cyan",
    )


def _conclude(run: Run, reason: str, sample_words: int | None, as_json: bool) -> None:
    """The figures and a text on standard output, what to do next on standard error."""
    model, output = run.model, run.output
    found = None if reason == "interrupted" else run.test()
    text = model.sample(length=sample_words, seed=run.settings.seed)
    epochs = [entry for entry in model.log if entry["kind"] == "epoch"]
    if as_json:
        figures = {"model": str(output), "stopped": reason, "epochs": epochs, "sample": str(text)}
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
    if reason == "interrupted":
        say(f"model so far: {output}. Go on with the same command and --resume.", "yellow")
        return
    say(f"model: {output}. Next:", "green")
    name = shlex.quote(str(output))
    for following in (f"sample {name} -c 5 -t 0.8", f"ppl {name} YOUR.txt", f"info {name}", f"plot {name}"):
        say(f"  rnnlm {following}")
