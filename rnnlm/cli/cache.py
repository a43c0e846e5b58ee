"""`rnnlm cache`: a cache of the recent text on top of a model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from ..declared_files import NamedFile, require_apart
from ..errors import UsageError
from ..machine import MachineOptions
from ..models import CacheLM, ContinuousCacheLM
from ..models.model import settings_text
from ..option_sets import subset, union
from ..options import declared
from .console import ppl, result, result_json, say
from .counts import left_out_of
from .machine import choose, machine_options
from .names import claim, models_and_texts
from .options import json_option, option, with_options
from .record import run_entry
from .trust import trust_of, trust_option

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
@trust_option
@machine_options
@json_option
@click.pass_context
def command(
    context: click.Context,
    model: str,
    fit: str | None,
    output: str,
    orders: int | None,
    continuous: bool,
    settings: Any,
    trust: bool,
    machine: MachineOptions,
    as_json: bool,
) -> None:
    """Put a cache on MODEL, any model file, and write the two as one model.

    Words and n-grams of the text so far become more probable, the more so the more recent they are. `rnnlm ppl` and
    `rnnlm score` read a text from its beginning, so that the cache sees what a reader has seen; --fit reads VALID so.
    """
    kind: Any = ContinuousCacheLM if continuous else CacheLM
    if settings.strengths is not None:
        settings = replace(settings, strengths=_numbers(settings.strengths))
    _refuse_others(settings, kind.kind)
    chosen = subset(kind.Options, settings)
    if orders is not None and (continuous or fit is None):
        raise UsageError("`orders` says how many strengths of a cache of n-grams `fit` is to choose. Leave it out.")
    claim(context, output, "the model", models_and_texts([model], fit), lock=True)
    device = choose(machine)
    from ..evaluation.score import as_corpus
    from ..models import load
    from ..models.files_read import files_read

    lm = load(model, device=device, trust=trust_of(trust))
    require_apart(files_read(lm, model), [NamedFile("the output", output)])
    valid = None if fit is None else as_corpus(lm, fit)
    cached = kind(lm, **chosen) if valid is None else _fitted(lm, valid, continuous, chosen, orders)
    say(f"cache on {model}: {settings_text(cached.config)}", "cyan")
    before = after = None
    if valid is not None:
        before, after = lm.perplexity(valid), cached.perplexity(valid)
    cached.log.append(run_entry(context, [model], fit, after, valid.sha256 if valid is not None else ""))
    cached.save(output)
    if as_json:
        fitted = None if after is None else after.as_dict()
        result_json({"model": output, "config": cached.config, "fit": fitted})
        return
    if before is not None and after is not None:
        figures = f"{ppl(before.nll)} without, {ppl(after.nll)} with the cache"
        result(f"validation perplexity {figures}{left_out_of(after)}")
    say(f"model: {output}", "green")


def _refuse_others(settings: Any, kind: str) -> None:
    """UsageError for an option of the other kind of cache; the message names the option that chooses it."""
    for name, declaration in declared(CacheOptions).items():
        if getattr(settings, name) is not None and not declaration.option.belongs_to(kind):
            if kind == CacheLM.kind:
                raise UsageError(f"`{name}` is for the `continuous` cache. Leave it out, or give `continuous`.")
            raise UsageError(f"`{name}` is for the cache of n-grams. Leave it out, or leave `continuous` out.")


def _fitted(lm: Any, valid: Corpus, continuous: bool, chosen: dict[str, Any], orders: int | None) -> WrappedLM:
    """The cache with the settings `chosen` by the user; those that are missing are fitted to a text."""
    from ..training.cache_fit import DECAYS, THETAS, fit_cache, fit_continuous_cache

    fitted = "share" if continuous else "strengths"
    if fitted in chosen:
        are, them = ("is", "it") if continuous else ("are", "them")
        raise UsageError(f"the {fitted} {are} given, and `fit` is to choose {them}. Leave one of the two out.")
    if "window" in chosen:
        raise UsageError("`window` does not go with `fit`, which forgets what counts nothing. Leave one of them out.")
    if continuous:
        thetas = [chosen["theta"]] if "theta" in chosen else THETAS
        return fit_continuous_cache(lm, valid, size=chosen.get("size", 500), thetas=thetas)
    decays = [chosen["decay"]] if "decay" in chosen else DECAYS
    return fit_cache(lm, valid, orders=3 if orders is None else orders, decays=decays)


def _numbers(strengths: str) -> list[float]:
    """The numbers between the commas. UsageError for anything else."""
    try:
        return [float(part) for part in strengths.split(",")]
    except ValueError:
        example = "Give one an order, as in 1000,30,8."
        raise UsageError(f"strengths={strengths!r} is not a list of numbers. {example}") from None
