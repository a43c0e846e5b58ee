"""The options of `rnnlm train` that are settings of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ..training.settings import Settings

D = Settings()  # every default stands there, once


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


def setting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """An option for each field of `Settings`, but for the text and what says how to run."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = [
    click.option("--train", "train_text", metavar="TEXT", help="The same as TEXT."),
    click.option("--valid", metavar="FILE", help="Text to choose by; without it the end of TEXT is held out."),
    click.option("--test", metavar="FILE", help="Text to report on, once."),
    click.option("-o", "--output", metavar="FILE", help="The model file; NAME.rnnlm without it."),
    click.option(
        "--tokens", metavar="RULE", help="words, prose, chars or bytes; words unless the corpus says otherwise."
    ),
    click.option("--max-vocab", type=int, metavar="V", help="Keep the V most frequent words."),
    click.option(
        "--min-count", type=int, default=D.min_count, show_default=True, metavar="N", help="Keep words seen N times."
    ),
    click.option("--model", default=D.model, show_default=True, help="elman, jordan or rnnlm (Mikolov's)."),
    click.option("--hidden", type=int, default=D.hidden, show_default=True, metavar="H", help="Hidden units."),
    click.option(
        "--layers",
        type=int,
        default=D.layers,
        show_default=True,
        help="Recurrent layers on top of each other (jordan: hidden layers).",
    ),
    click.option(
        "--activation",
        "--activate_f",
        "activation",
        help="tanh, logistic, relu, clipped_relu or elu; the model's own without it.",
    ),
    click.option("--classes", type=int, metavar="C", help="Word classes; 0 is the full softmax. Without it, about √V."),
    click.option("--class-by", default=D.class_by, show_default=True, help="Classes of equal sqrt or equal frequency."),
    click.option(
        "--feedback",
        default=D.feedback,
        show_default=True,
        help="What Jordan's network feeds back: distribution or embedding.",
    ),
    click.option(
        "--block",
        "--seq_length",
        "block",
        type=int,
        default=D.block,
        show_default=True,
        metavar="T",
        help="New steps between updates.",
    ),
    click.option("--horizon", type=int, metavar="N", help="How many steps back the losses flow; the block without it."),
    click.option(
        "--streams",
        type=int,
        default=D.streams,
        show_default=True,
        metavar="B",
        help="Parts of the text read side by side.",
    ),
    click.option("--independent", is_flag=True, help="Each sentence on its own: clear the state at sentence ends."),
    click.option(
        "--optimizer",
        default=D.optimizer,
        show_default=True,
        help="sgd, momentum, adagrad, row-adagrad, rmsprop or adam.",
    ),
    click.option("--lr", type=float, help="Learning rate; the optimizer's own default without it."),
    click.option(
        "--clip",
        "clip",
        type=Number(),
        default=D.clip,
        show_default=True,
        help="Limit of the gradient, or none.",
    ),
    click.option("--grad_clip", type=float, help="The same as --clip N --clip-by value."),
    click.option("--clip-by", default=D.clip_by, show_default=True, help="Clip the norm, or each value."),
    click.option("--dropout", type=float, default=D.dropout, show_default=True, help="On each layer's way up and out."),
    click.option(
        "--input-dropout",
        type=float,
        default=D.input_dropout,
        show_default=True,
        help="On the rows of the input table.",
    ),
    click.option("--l2", type=float, default=D.l2, show_default=True, help="L2 penalty on touched rows."),
    click.option(
        "--schedule", default=D.schedule, show_default=True, help="linear, halving (Mikolov's), step or constant."
    ),
    click.option(
        "--min-improvement", type=float, help="halving: ratio of log-probabilities an epoch must gain.  [1.003]"
    ),
    click.option("--decay", type=float, help="step: factor of the rate an epoch.  [0.5]"),
    click.option("--decay-after", type=int, metavar="N", help="step: the first epoch after which it falls.  [4]"),
    click.option(
        "--patience",
        type=int,
        help="linear, step, constant: stop after so many epochs without a new best.  [linear: never; 3]",
    ),
    click.option(
        "--warmup",
        type=int,
        metavar="N",
        help="Updates in which the rate rises; without it, a tenth of the run, at most 300.",
    ),
    click.option(
        "--epochs", type=int, metavar="N", help="At most so many; without it, about 8 million words, 1 to 20 epochs."
    ),
    click.option("--max-updates", "--max_iter", "max_updates", type=int, metavar="N", help="At most so many updates."),
    click.option("--seed", type=int, default=D.seed, show_default=True, help="Same seed, same model."),
    click.option("--dtype", default=D.dtype, show_default=True, help="float32 or float64."),
]
