"""`rnnlm ngram`: n-gram models from a text, from ARPA files, into ARPA files."""

from __future__ import annotations

import shlex
import warnings
from typing import Any

import click

from ..errors import DataError, UsageError
from ..machine import HostOptions
from .console import ppl, result, result_json, say
from .machine import choose, host_options
from .unused import refuse

ARPA = (".arpa", ".arpa.gz", ".arpa.bz2", ".arpa.xz")  # of these the last two are refused by name
OF_TRAINING = "order smoothing gamma alpha prune memory valid test tokens max_vocab min_count dtype"


class ManyNumbers(click.Command):
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
@click.option("-o", "--output", metavar="FILE", help="NAME.arpa(.gz) for an ARPA file; TEXT.ngram.rnnlm without it.")
@click.option("--order", type=int, default=5, show_default=True, metavar="N", help="Words in the longest n-gram.")
@click.option(
    "--smoothing",
    default="kneser-ney",
    show_default=True,
    help="kneser-ney (modified, interpolated), absolute, witten-bell, lidstone, ml or stupid (back-off, renormalised).",
)
@click.option("--gamma", type=float, default=1.0, show_default=True, help="lidstone: what is added to each count.")
@click.option("--alpha", type=float, default=0.4, show_default=True, help="stupid: the factor of a back-off.")
@click.option("--prune", metavar="N N ...", help="Leave n-grams out that occur at most N times, by order, as in 0 0 1.")
@click.option("--entropy", type=float, metavar="X", help="Leave n-grams out that change the perplexity by less than X.")
@click.option("--memory", type=float, metavar="GB", help="Beyond it counts go to files; half the machine's without it.")
@click.option("--valid", metavar="FILE", help="A validation text; without it the end of TEXT is held out.")
@click.option("--test", metavar="FILE", help="Text to report on.")
@click.option("--tokens", metavar="RULE", help="words, prose, chars or bytes; words unless the corpus says otherwise.")
@click.option("--max-vocab", type=int, metavar="V", help="Keep the V most frequent words.")
@click.option("--min-count", type=int, default=1, show_default=True, metavar="N", help="Keep words seen N times.")
@click.option("--dtype", default="float32", show_default=True, help="float32 or float64.")
@click.option("--from", "from_model", is_flag=True, help="TEXT is an n-gram model or ARPA file: prune or convert it.")
@host_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.pass_context
def command(
    context: click.Context,
    text: str,
    output: str | None,
    prune: str | None,
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
        refuse(context, OF_TRAINING, "is for training on a text, and --from takes a model. Leave one of them out.")
    if options["smoothing"] != "lidstone":
        refuse(context, "gamma", "is for --smoothing lidstone. Leave it out.")
    if options["smoothing"] != "stupid":
        refuse(context, "alpha", "is for --smoothing stupid. Leave it out.")
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
        model, held_out = (_opened(text), {}) if from_model else _trained(text, _numbers(prune), options)
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


def _trained(text: str, prune: list[int], options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The model of a text, and the texts to report on by name."""
    from ..models import NgramLM
    from ..training import data
    from ..training.settings import Settings

    of_text = {name: options.pop(name) for name in ("valid", "test", "tokens", "max_vocab", "min_count")}
    texts = data.load(Settings.of(text=text, **of_text))
    if texts.said:
        say(texts.said)
    model = NgramLM.train(texts.train, prune=prune, **options)
    return model, {"validation": texts.valid, "test": texts.test}


def _opened(path: str) -> Any:
    from ..models import NgramLM, load

    model = load(path)
    if not isinstance(model, NgramLM):
        raise DataError(
            f"{path} is a model of the kind {model.kind!r}, not an n-gram model. Give an n-gram model or ARPA file."
        )
    return model
