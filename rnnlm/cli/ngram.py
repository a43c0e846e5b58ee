"""`rnnlm ngram`: n-gram models from a text, from ARPA files, into ARPA files."""

from __future__ import annotations

import shlex
import warnings
from typing import Any

import click

from ..errors import DataError, UsageError
from ..machine import HostOptions
from ..models.ngram import NgramLM, NgramOptions
from ..options import declared, make
from ..training.data import TextOptions
from .console import ppl, result, result_json, say
from .machine import choose, host_options
from .options import GroupedCommand, option, with_options
from .unused import refuse

ARPA = (".arpa", ".arpa.gz", ".arpa.bz2", ".arpa.xz")  # of these the last two are refused by name
OF_TRAINING = "order smoothing gamma alpha prune memory valid test tokens max_vocab min_count dtype"


class ManyNumbers(GroupedCommand):
    """A command that reads `--prune 0 0 1` as one option with all the numbers that follow it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        joined: list[str] = []
        for argument in args:
            if joined[-2:-1] == ["--prune"] and argument.isdigit():
                joined[-1] += f" {argument}"
            else:
                joined.append(argument)
        return super().parse_args(ctx, joined)


@click.command(cls=ManyNumbers)
@click.argument("text")
@option(
    "-o",
    "--output",
    metavar="FILE",
    group="Files",
    common=True,
    help="NAME.arpa(.gz) for an ARPA file; TEXT.ngram.rnnlm without it.",
)
@with_options(NgramOptions)
@option(
    "--entropy",
    type=float,
    metavar="X",
    group="Model",
    help="Leave n-grams out that change the perplexity by less than X.",
)
@with_options(TextOptions, without=("text",))
@option(
    "--from",
    "from_model",
    is_flag=True,
    group="Files",
    common=True,
    help="TEXT is an n-gram model or ARPA file: prune or convert it.",
)
@host_options
@option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.pass_context
def command(
    context: click.Context,
    text: str,
    output: str | None,
    entropy: float | None,
    from_model: bool,
    machine: HostOptions,
    as_json: bool,
    **options: Any,
) -> None:
    """Train an n-gram model on TEXT: a path, - for standard input, or the name of a corpus.

    The vocabulary and the held-out parts are those that `rnnlm train` would choose, so that the two can be compared and
    mixed.
    """
    choose(machine)
    from .. import storage
    from ..ngram.arpa_write import check_path
    from ..ngram.pruning import check_threshold
    from .names import default_output, require_other

    if from_model:
        refuse(context, OF_TRAINING, "is for training on a text, and `from_model` takes a model. Leave one out.")
    output = output or default_output(text, ".ngram.rnnlm")
    require_other(output, text, options["valid"], options["test"])
    if entropy is not None:
        check_threshold(entropy)
    if output.endswith(ARPA):
        check_path(output)
    storage.require_writable(output, "the model")
    typed = "rnnlm " + shlex.join(context.obj)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", RuntimeWarning)
        model, held_out = (_opened(text), {}) if from_model else _trained(text, options)
    for warning in said:
        say(f"warning: {warning.message}", "yellow")
    if entropy is not None:
        model = model.pruned(entropy)
    model.log[0]["command"] = typed
    sizes = ", ".join(f"{b - a:,}" for a, b in zip(model.table.levels, model.table.levels[1:], strict=False))
    say(f"{model.table.levels[-1]:,} n-grams of 1 to {model.table.order} words: {sizes}", "cyan")
    if output.endswith(ARPA):
        model.write_arpa(output)
    else:
        model.save(output)
    found = {name: model.perplexity(corpus) for name, corpus in held_out.items() if corpus is not None}
    if as_json:
        figures = {name: perplexity.as_dict() for name, perplexity in found.items()}
        result_json({"model": output, **model.facts(), **figures})
        return
    for name, perplexity in found.items():
        result(f"{name} perplexity {ppl(perplexity.nll)}")
    say(f"model: {output}", "green")


def _numbers(prune: str | None) -> list[int]:
    try:
        return [int(number) for number in (prune or "").replace(",", " ").split()]
    except ValueError:
        raise UsageError(f"prune={prune!r} is not a list of whole numbers. Give one an order, as in 0 0 1.") from None


def _trained(text: str, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The model of a text, and the texts to report on by name."""
    from ..training import data

    of_text = {name: options.pop(name) for name in declared(TextOptions) if name != "text"}
    options["prune"] = _numbers(options["prune"])
    texts = data.load(make(TextOptions, {"text": text, **of_text}))
    if texts.held_out_note:
        say(texts.held_out_note)
    model = NgramLM.train(texts.train, **options)
    return model, {"validation": texts.valid, "test": texts.test}


def _opened(path: str) -> Any:
    from ..models import load

    model = load(path)
    if not isinstance(model, NgramLM):
        raise DataError(
            f"{path} is a model of the kind {model.kind!r}, not an n-gram model. Give an n-gram model or ARPA file."
        )
    return model
