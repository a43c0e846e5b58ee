"""`rnnlm compare`: whether a text can tell two models apart."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from ..errors import UsageError
from ..machine import MachineOptions
from ..options import option
from .console import decimals, result, result_json, table
from .machine import choose, machine_options
from .members import Scorer, ScoringOptions, load_members, scoring_options
from .options import json_option, with_options
from .swapped import require_order
from .trust import trust_of, trust_option

if TYPE_CHECKING:
    from ..evaluation.significance import Comparison, Interval


@dataclass(frozen=True, kw_only=True)
class ResamplingOptions:
    """Options of the bootstrap and of the paired test."""

    block: int = option(10, "Sentences that are drawn together.", metavar="N")
    samples: int = option(10_000, "Resampled texts.", metavar="N")
    seed: int = option(1, "Same seed, same figures.", metavar="N")


@click.command()
@click.argument("a")
@click.argument("b")
@click.argument("text")
@with_options(ResamplingOptions, into="resampling")
@scoring_options
@trust_option
@machine_options
@json_option
def command(
    a: str,
    b: str,
    text: str,
    resampling: ResamplingOptions,
    scoring: ScoringOptions,
    trust: bool,
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
    require_order([a, b], text)
    device = choose(machine)
    from ..evaluation.significance import compare
    from ..evaluation.stream import joint_context

    stream_a, stream_b = Scorer(scoring).streams(load_members([a, b], device, trust_of(trust)), text)
    comparison = compare(stream_a, stream_b, **asdict(resampling))
    if as_json:
        result_json(
            {
                "text": text,
                "unknown": stream_a.unknown,
                "context": joint_context([stream_a, stream_b]),
                **comparison.as_dict(),
            }
        )
    else:
        result(_table(comparison))
        if comparison.left_out:
            result(f"left out, having no probability: {comparison.left_out:,} more of the text")
        result(comparison.verdict)


def _table(comparison: Comparison) -> str:
    """The figures with their intervals, and the p value, as a table."""
    name_a, name_b = comparison.names

    def row(name: str, figure: Interval, form: str) -> list[str]:
        return [name, *(decimals(value, form) for value in (figure.value, figure.low, figure.high))]

    return table(
        [
            [f"{comparison.tokens:,} tokens, {comparison.blocks:,} blocks", "value", "95 % from", "to"],
            row(f"PPL of {name_a}", comparison.a, ".4f"),
            row(f"PPL of {name_b}", comparison.b, ".4f"),
            row("ratio", comparison.ratio, ".4f"),
            row("difference", comparison.difference, "+.4f"),
            row("nats a token", comparison.nats, "+.5f"),
            ["p", f"{comparison.p:.4g}", "", ""],
        ]
    )
