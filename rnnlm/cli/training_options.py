"""The options of every training run, whatever is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

Option = Callable[[Any], Any]


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


def with_options(command: Callable[..., Any], options: Sequence[Option]) -> Callable[..., Any]:
    """The command with these options, in this order."""
    for option in reversed(options):
        command = option(command)
    return command


def optimizer_options(D: Any) -> list[Option]:
    """How weights are changed; the defaults are those of the settings D."""
    return [
        click.option(
            "--optimizer",
            default=D.optimizer,
            show_default=True,
            help="sgd, momentum, nesterov, adagrad, row-adagrad, rmsprop or adam.",
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
        click.option("--clip-by", default=D.clip_by, show_default=True, help="Clip the norm, or each value."),
        click.option("--l2", type=float, default=D.l2, show_default=True, help="L2 penalty on touched rows."),
        click.option(
            "--weight-decay",
            type=float,
            default=D.weight_decay,
            show_default=True,
            help="What touched rows lose in an update: the learning rate times this share of themselves.",
        ),
    ]


def schedule_options(D: Any) -> list[Option]:
    """How the learning rate falls, and when a run ends."""
    return [
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
    ]


def end_options(D: Any) -> list[Option]:
    """Where a run ends at the latest, and what fixes it."""
    return [
        click.option(
            "--max-updates", "--max_iter", "max_updates", type=int, metavar="N", help="At most so many updates."
        ),
        click.option("--seed", type=int, default=D.seed, show_default=True, help="Same seed, same model."),
        click.option("--dtype", default=D.dtype, show_default=True, help="float32 or float64."),
    ]
