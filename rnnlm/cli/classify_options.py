"""The options of `rnnlm classify` that are settings of a run, or say how to read data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ..training.classifier_settings import ClassifierSettings
from .training_options import Option, end_options, optimizer_options, schedule_options, with_options

D = ClassifierSettings()  # every default stands there, once


def setting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """An option for each field of `ClassifierSettings`, but for the data and what says how to run."""
    return with_options(command, [*_PARTS, *_READING, *_MODEL, *_TRAINING])


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say how to read data."""
    return with_options(command, _READING)


_PARTS: list[Option] = [
    click.option("--valid", metavar="DATA", help="Data to choose by; without it a part of DATA is held out."),
    click.option("--test", metavar="DATA", help="Data to report on, once."),
    click.option(
        "--held-out",
        type=float,
        default=D.held_out,
        show_default=True,
        metavar="SHARE",
        help="The share of DATA to choose by, where --valid is not given.",
    ),
    click.option("-o", "--output", metavar="FILE", help="The model file; NAME.rnnlm without it."),
]
_READING: list[Option] = [
    click.option(
        "--label-column",
        metavar="NAME|N",
        help="CSV: the column of the labels, by name or number; that of the training, or the last, without it.",
    ),
    click.option("--shape", metavar="HxWxC", help="Take each row of a table as an image of this shape."),
    click.option("--size", metavar="HxW", help="Image files: resize them; as for the training without it."),
]
_MODEL: list[Option] = [
    click.option(
        "--model", metavar="KIND", help="feedforward or convnet; without it, convnet for images from 16×16 on."
    ),
    click.option("--layers", metavar="SIZES", help="feedforward: hidden units of each layer.  [100,100]"),
    click.option(
        "--blocks",
        metavar="BLOCKS",
        help='convnet: its blocks with commas between them, such as "conv 20 5, pool 2, norm, affine 100": conv '
        "FILTERS SIZE [stride S] [pad P|same] [groups G], pool or average SIZE [stride S] [pad P], norm, batch, layer, "
        "affine UNITS, dropout RATE.",
    ),
    click.option(
        "--activation",
        default=D.activation,
        show_default=True,
        help="relu, leaky_relu, clipped_relu, elu, tanh or logistic.",
    ),
    click.option("--dropout", type=float, default=D.dropout, show_default=True, help="feedforward: on each layer."),
    click.option("--loss", default=D.loss, show_default=True, help="cross-entropy, hinge or squared."),
    click.option(
        "--standardize",
        default=D.standardize,
        show_default=True,
        help="Subtract the training inputs' mean (mean), divide each number by its deviation too (each), or none.",
    ),
]
_TRAINING: list[Option] = [
    click.option("--batch", type=int, default=D.batch, show_default=True, metavar="B", help="Examples an update."),
    click.option("--balance", is_flag=True, help="Show each class equally often, however rare it is."),
    click.option(
        "--shift", type=int, default=D.shift, show_default=True, metavar="N", help="Move images by up to N pixels."
    ),
    *optimizer_options(D),
    *schedule_options(D),
    click.option(
        "--warmup", type=int, default=D.warmup, show_default=True, metavar="N", help="Updates in which the rate rises."
    ),
    click.option("--epochs", type=int, default=D.epochs, show_default=True, metavar="N", help="At most so many."),
    *end_options(D),
]
