"""`rnnlm ngram`: n-gram models from a text, from ARPA files, into ARPA files."""

from __future__ import annotations

import warnings
from typing import Any

import click

from ..declared_files import NamedFile
from ..errors import DataError, UsageError
from ..machine import HostOptions
from ..models.ngram import NgramLM, NgramOptions
from ..options import declared, make
from ..own_source import file_of
from ..training.data import TextOptions
from .console import ppl, result, result_json, say
from .counts import left_out_of
from .machine import choose, host_options
from .options import GroupedCommand, json_option, option, with_options
from .record import command_line
from .unused import refuse
from .words import in_words_of

ARPA = (".arpa", ".arpa.gz", ".arpa.bz2", ".arpa.xz")  # the last two are refused by name
TRAINING_OPTIONS = "order smoothing gamma alpha prune memory valid test tokens max_vocab min_count dtype"


class ManyNumbers(GroupedCommand):
    """A command that reads `--prune 0 0 1` as one option with all the numbers that follow it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Command.parse_args`; the numbers behind --prune are joined into one argument first."""
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
@json_option
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
    from ..ngram.arpa_write import check_path
    from ..ngram.pruning import check_threshold
    from .names import claim, default_output, models_and_texts

    if from_model:
        refuse(context, TRAINING_OPTIONS, "is for training on a text, and `from_model` takes a model. Leave one out.")
    output = output or default_output(text, ".ngram.rnnlm")
    if entropy is not None:
        check_threshold(entropy, "entropy")
    if output.endswith(ARPA):
        check_path(output)
    texts = () if from_model else (text, options["valid"], options["test"])
    own_tokenizer = NamedFile("the tokenizer", file_of(options["tokens"] or ""))
    reads = models_and_texts([text] if from_model else [], *texts)
    claim(context, output, "the model", [*reads, own_tokenizer], lock=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RuntimeWarning)
        model, held_out = (_opened(text), {}) if from_model else _trained(text, options)
    for warning in caught:
        say(f"warning: {in_words_of(context.command, str(warning.message))}", "yellow")
    if entropy is not None:
        model = model.pruned(entropy)
    model.log[0]["command"] = command_line(context)
    sizes = ", ".join(f"{b - a:,}" for a, b in zip(model.table.levels, model.table.levels[1:], strict=False))
    say(f"{model.table.levels[-1]:,} n-grams of 1 to {model.table.order} words: {sizes}", "cyan")
    if output.endswith(ARPA):
        model.write_arpa(output)
    else:
        model.save(output)
    perplexities = {name: model.perplexity(corpus) for name, corpus in held_out.items() if corpus is not None}
    if as_json:
        figures = {name: perplexity.as_dict() for name, perplexity in perplexities.items()}
        result_json({"model": output, **model.facts(), **figures})
        return
    for name, perplexity in perplexities.items():
        result(f"{name} perplexity {ppl(perplexity.nll)}{left_out_of(perplexity)}")
    say(f"model: {output}", "green")


def _numbers(prune: str | None) -> list[int]:
    """The numbers between blanks or commas. UsageError for anything else."""
    try:
        return [int(number) for number in (prune or "").replace(",", " ").split()]
    except ValueError:
        raise UsageError(f"prune={prune!r} is not a list of whole numbers. Give one an order, as in 0 0 1.") from None


def _trained(text: str, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The model of a text, and by name the held-out texts on which to report."""
    from ..training import data

    text_options = {name: options.pop(name) for name in declared(TextOptions) if name != "text"}
    options["prune"] = _numbers(options["prune"])
    texts = data.load(make(TextOptions, {"text": text, **text_options}))
    if texts.held_out_note:
        say(texts.held_out_note)
    model = NgramLM.train(texts.train, **options)
    return model, {"validation": texts.valid, "test": texts.test}


def _opened(path: str) -> Any:
    """The n-gram model in a file. DataError for another kind of model."""
    from ..models import load_any

    model = load_any(path, trust=None)  # counts need no tokenizer, so no code of the user's own is run
    if not isinstance(model, NgramLM):
        raise DataError(
            f"{path} is a model of the kind {model.kind!r}, not an n-gram model. Give an n-gram model or ARPA file."
        )
    return model
