"""`rnnlm cache`: a model that remembers the recent text."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from .console import ppl, result, result_json, say
from .machine import choose, machine_options
from .unused import refuse

if TYPE_CHECKING:
    from ..text import Corpus


@click.command()
@click.argument("model")
@click.option("--fit", metavar="VALID", help="Choose what is not given on this text.")
@click.option("-o", "--output", required=True, metavar="FILE", help="The model file to write.")
@click.option("--orders", type=int, default=3, show_default=True, metavar="N", help="Words in the longest n-gram.")
@click.option("--decay", type=float, metavar="X", help="What a word still counts when another has come after it.")
@click.option("--strengths", metavar="X,X,X", help="By order, how many remembered words weigh as much as the model.")
@click.option("--continuous", is_flag=True, help="Remember hidden states instead: the continuous cache of a network.")
@click.option("--size", type=int, default=500, show_default=True, metavar="N", help="continuous: words to remember.")
@click.option("--theta", type=float, metavar="X", help="continuous: flatness of the similarity.")
@click.option("--share", type=float, metavar="X", help="continuous: weight of the cache.")
@machine_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.pass_context
def command(
    context: click.Context,
    model: str,
    fit: str | None,
    output: str,
    orders: int,
    decay: float | None,
    strengths: str | None,
    continuous: bool,
    size: int,
    theta: float | None,
    share: float | None,
    device: str,
    backend: str | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Put a cache on MODEL, any model file, and write the two as one model.

    Words and n-grams of the text so far become more probable, the more so the more recent they are. `rnnlm ppl` and
    `rnnlm score` read a text from its beginning, so that the cache sees what a reader has seen.
    """
    from .names import require_other

    if continuous:
        refuse(
            context, "orders decay strengths", "is for the cache of n-grams, not the --continuous one. Leave it out."
        )
    else:
        refuse(context, "size theta share", "is for the --continuous cache. Leave it out, or give --continuous.")
    if fit is None:
        refuse(context, "orders", "says how many strengths --fit is to choose. Give --fit, or --strengths themselves.")
    require_other(output, model, fit)
    choose(backend, threads, device)
    from .. import storage
    from ..evaluation.score import as_corpus
    from ..models import load

    storage.require_writable(output, "the model")
    lm = load(model, device=device)
    valid = None if fit is None else as_corpus(lm, fit)
    given: dict[str, Any]
    if continuous:
        given = {"theta": theta, "share": share}
        cached = _continuous(lm, valid, size, given)
    else:
        given = {"decay": decay, "strengths": _numbers(strengths)}
        cached = _ngrams(lm, valid, orders, given)
    settings = ", ".join(f"{name} {value}" for name, value in cached.config.items() if value is not None)
    say(f"cache on {model}: {settings}", "cyan")
    run = {"kind": "run", "command": "rnnlm " + shlex.join(context.obj), "text": fit or "", "members": [model]}
    if valid is not None:
        before, after = lm.perplexity(valid), cached.perplexity(valid)
        run |= {"fit": after.as_dict(), "data.fit": valid.sha256}
    cached.log.append(run)
    cached.save(output)
    if as_json:
        result_json({"model": output, "config": cached.config, "fit": run.get("fit")})
        return
    if valid is not None:
        result(f"validation perplexity {ppl(before.nll)} without, {ppl(after.nll)} with the cache")
    say(f"model: {output}", "green")


def _ngrams(lm: Any, fit: Corpus | None, orders: int, given: dict[str, Any]) -> Any:
    from ..models import CacheLM, fit_cache

    if fit is None:
        return CacheLM(lm, **{name: value for name, value in given.items() if value is not None})
    if given["strengths"] is not None:
        raise UsageError("the strengths are given, and --fit is to choose them. Leave one of the two out.")
    return fit_cache(lm, fit, orders=orders, **({"decays": [given["decay"]]} if given["decay"] is not None else {}))


def _continuous(lm: Any, fit: Corpus | None, size: int, given: dict[str, Any]) -> Any:
    from ..models import ContinuousCacheLM, fit_continuous_cache

    if fit is None:
        return ContinuousCacheLM(lm, size=size, **{name: value for name, value in given.items() if value is not None})
    if given["share"] is not None:
        raise UsageError("the share is given, and --fit is to choose it. Leave one of the two out.")
    thetas = {"thetas": [given["theta"]]} if given["theta"] is not None else {}
    return fit_continuous_cache(lm, fit, size=size, **thetas)


def _numbers(strengths: str | None) -> list[float] | None:
    try:
        return None if strengths is None else [float(part) for part in strengths.split(",")]
    except ValueError:
        example = "Give one an order, as in 1000,30,8."
        raise UsageError(f"strengths={strengths!r} is not a list of numbers. {example}") from None
