"""`rnnlm cache`: a model that remembers the recent text."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ..machine import MachineOptions
from ..models import CacheLM, ContinuousCacheLM
from ..models.model import settings_text
from ..option_sets import subset, union
from ..options import declared
from .console import ppl, result, result_json, say
from .machine import choose, machine_options
from .options import option, with_options

if TYPE_CHECKING:
    from ..models.wrapping import WrappedLM
    from ..text import Corpus


KINDS: dict[str, Any] = {CacheLM.kind: CacheLM.Options, ContinuousCacheLM.kind: ContinuousCacheLM.Options}
CacheOptions: Any = union("CacheOptions", "cache", KINDS)


@click.command()
@click.argument("model")
@option("--fit", metavar="VALID", help="Choose what is not given on this text.")
@option("-o", "--output", required=True, metavar="FILE", help="The model file to write.")
@option("--orders", type=int, metavar="N", help="With --fit: words in the longest n-gram.  [3]")
@option("--continuous", is_flag=True, help="Remember hidden states instead: the continuous cache of a network.")
@with_options(CacheOptions, into="settings")
@machine_options
@option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.pass_context
def command(
    context: click.Context,
    model: str,
    fit: str | None,
    output: str,
    orders: int | None,
    continuous: bool,
    settings: Any,
    machine: MachineOptions,
    as_json: bool,
) -> None:
    """Put a cache on MODEL, any model file, and write the two as one model.

    Words and n-grams of the text so far become more probable, the more so the more recent they are. `rnnlm ppl` and
    `rnnlm score` read a text from its beginning, so that the cache sees what a reader has seen.
    """
    from .names import require_other

    kind: Any = ContinuousCacheLM if continuous else CacheLM
    if settings.strengths is not None:
        settings = replace(settings, strengths=_numbers(settings.strengths))
    _refuse_others(settings, kind.kind)
    given = subset(kind.Options, settings)
    if orders is not None and (continuous or fit is None):
        raise UsageError("`orders` says how many strengths of a cache of n-grams `fit` is to choose. Leave it out.")
    require_other(output, model, fit)
    device = choose(machine)
    from .. import storage
    from ..evaluation.score import as_corpus
    from ..models import load

    storage.require_writable(output, "the model")
    lm = load(model, device=device)
    valid = None if fit is None else as_corpus(lm, fit)
    cached = kind(lm, **given) if valid is None else _fitted(lm, valid, continuous, given, orders)
    say(f"cache on {model}: {settings_text(cached.config)}", "cyan")
    typed = "rnnlm " + shlex.join(context.obj)
    run: dict[str, Any] = {"kind": "run", "command": typed, "text": fit or "", "members": [model]}
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


def _refuse_others(settings: Any, kind: str) -> None:
    """UsageError for an option of the other cache, in the words by which a person chooses one."""
    for name, one in declared(CacheOptions).items():
        if getattr(settings, name) is not None and kind not in one.option.kinds:
            if kind == CacheLM.kind:
                raise UsageError(f"`{name}` is for the `continuous` cache. Leave it out, or give `continuous`.")
            raise UsageError(f"`{name}` is for the cache of n-grams. Leave it out, or leave `continuous` out.")


def _fitted(lm: Any, valid: Corpus, continuous: bool, given: dict[str, Any], orders: int | None) -> WrappedLM:
    """The cache whose settings that are not given are chosen on a text."""
    from ..training.cache_fit import DECAYS, THETAS, fit_cache, fit_continuous_cache

    chosen = "share" if continuous else "strengths"
    if chosen in given:
        are, them = ("is", "it") if continuous else ("are", "them")
        raise UsageError(f"the {chosen} {are} given, and `fit` is to choose {them}. Leave one of the two out.")
    if "window" in given:
        raise UsageError("`window` does not go with `fit`, which forgets what counts nothing. Leave one of them out.")
    if continuous:
        thetas = [given["theta"]] if "theta" in given else THETAS
        return fit_continuous_cache(lm, valid, size=given.get("size", 500), thetas=thetas)
    decays = [given["decay"]] if "decay" in given else DECAYS
    return fit_cache(lm, valid, orders=3 if orders is None else orders, decays=decays)


def _numbers(strengths: str) -> list[float]:
    try:
        return [float(part) for part in strengths.split(",")]
    except ValueError:
        example = "Give one an order, as in 1000,30,8."
        raise UsageError(f"strengths={strengths!r} is not a list of numbers. {example}") from None
