"""The options of `rnnlm train` that are settings of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ..training.settings import Settings
from .training_options import end_options, optimizer_options, schedule_options, with_options

D = Settings()  # every default stands there, once


def setting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """An option for each field of `Settings`, but for the text and what says how to run."""
    return with_options(command, _OPTIONS)


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
    click.option(
        "--model",
        default=D.model,
        show_default=True,
        help="elman, jordan, rnnlm (Mikolov's), bengio (feed-forward), convolution, or your own: path/to/file.py:NAME.",
    ),
    click.option("--hidden", type=int, default=D.hidden, show_default=True, metavar="H", help="Hidden units."),
    click.option(
        "--layers",
        type=int,
        help="Recurrent or convolution layers on top of each other (jordan, bengio: hidden layers); the model's own "
        "number without it.",
    ),
    click.option(
        "--activation",
        "--activate_f",
        "activation",
        help="tanh, logistic, relu, clipped_relu, leaky_relu or elu; the model's own without it.",
    ),
    click.option("--classes", type=int, metavar="C", help="Word classes; 0 is the full softmax. Without it, about √V."),
    click.option("--class-by", default=D.class_by, show_default=True, help="Classes of equal sqrt or equal frequency."),
    click.option(
        "--feedback",
        default=D.feedback,
        show_default=True,
        help="What Jordan's network feeds back: distribution or embedding.",
    ),
    click.option("--order", type=int, metavar="N", help="bengio: predict from the last N - 1 words.  [5]"),
    click.option(
        "--embedding",
        type=int,
        metavar="E",
        help="bengio, convolution: size of the rows of the input table; the hidden units without it.",
    ),
    click.option("--direct", is_flag=True, help="bengio: connect the inputs to the output too."),
    click.option("--kernel", type=int, metavar="K", help="convolution: steps that each layer sees.  [3]"),
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
    click.option(
        "--horizon",
        type=int,
        metavar="N",
        help="How many steps back the losses flow; without it, the block and what bengio or convolution see before it.",
    ),
    click.option(
        "--streams",
        type=int,
        default=D.streams,
        show_default=True,
        metavar="B",
        help="Parts of the text read side by side.",
    ),
    click.option("--independent", is_flag=True, help="Each sentence on its own: clear the state at sentence ends."),
    *optimizer_options(D),
    click.option("--grad_clip", type=float, help="The same as --clip N --clip-by value."),
    click.option("--dropout", type=float, default=D.dropout, show_default=True, help="On each layer's way up and out."),
    click.option(
        "--input-dropout",
        type=float,
        default=D.input_dropout,
        show_default=True,
        help="On the rows of the input table.",
    ),
    *schedule_options(D),
    click.option(
        "--warmup",
        type=int,
        metavar="N",
        help="Updates in which the rate rises; without it, a tenth of the run, at most 300.",
    ),
    click.option(
        "--epochs", type=int, metavar="N", help="At most so many; without it, about 8 million words, 1 to 20 epochs."
    ),
    *end_options(D),
]
