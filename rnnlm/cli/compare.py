"""`rnnlm compare`: whether a text can tell two models apart."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from ..errors import UsageError
from ..machine import MachineOptions
from ..options import option
from .console import result, result_json, table
from .machine import choose, machine_options
from .members import Scorer, ScoringOptions, members, scoring_options
from .options import with_options

if TYPE_CHECKING:
    from ..evaluation.significance import Comparison, Interval


@dataclass(frozen=True, kw_only=True)
class ResamplingOptions:
    """How texts are drawn for the intervals and the test."""

    block: int = option(10, "Sentences that are drawn together.", metavar="N")
    samples: int = option(10_000, "Resampled texts.", metavar="N")
    seed: int = option(1, "Same seed, same figures.", metavar="N")


@click.command()
@click.argument("a")
@click.argument("b")
@click.argument("text")
@with_options(ResamplingOptions, into="resampling")
@scoring_options
@machine_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def command(
    a: str,
    b: str,
    text: str,
    resampling: ResamplingOptions,
    scoring: ScoringOptions,
    machine: MachineOptions,
    as_json: bool,
) -> None:
    """Whether TEXT can tell A and B apart: two models, or a model and the probabilities of another program in a file.

    The perplexity of each, their ratio (A/B) and differences (A - B) with 95 % intervals (block bootstrap), and the p
    value of a paired test (random signs of the blocks' differences). They speak of other texts of this kind; another
    seed of training is another model.
    """
    if text == "-":
        raise UsageError("standard input can be read once, and there are two models. Give the text as a file.")
    device = choose(machine)
    from ..evaluation.significance import compare

    one, two = Scorer(scoring).scored(members([a, b], device), text)
    found = compare(one, two, **asdict(resampling))
    if as_json:
        result_json({"text": text, "unknown": one.unknown, **found.as_dict()})
    else:
        result(_table(found))
        result(found.verdict)


def _table(found: Comparison) -> str:
    name_a, name_b = found.names

    def row(name: str, figure: Interval, form: str) -> list[str]:
        return [name, *(format(value, form) for value in (figure.value, figure.low, figure.high))]

    return table(
        [
            [f"{found.tokens:,} tokens, {found.blocks:,} blocks", "value", "95 % from", "to"],
            row(f"PPL of {name_a}", found.a, ".4f"),
            row(f"PPL of {name_b}", found.b, ".4f"),
            row("ratio", found.ratio, ".4f"),
            row("difference", found.difference, "+.4f"),
            row("nats a token", found.nats, "+.5f"),
            ["p", f"{found.p:.4g}", "", ""],
        ]
    )
