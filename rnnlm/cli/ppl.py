"""`rnnlm ppl`: the perplexity of a text."""

from __future__ import annotations

import click

from ..errors import UsageError
from .console import bits, ppl, result, result_json, table
from .machine import choose, machine_options


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL... TEXT")
@click.option(
    "--streams",
    default=1,
    show_default=True,
    metavar="B",
    help="Parts scored side by side; 1 is exact, more is faster.",
)
@machine_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def command(models: tuple[str, ...], streams: int, backend: str | None, threads: int | None, as_json: bool) -> None:
    """Perplexity of TEXT (a path, or - for standard input) under each MODEL.

    Every token counts, `</s>` once a sentence. `known` leaves the unknown words out; without `<unk>` in the
    vocabulary they have no probability and are `unscored`, and bits per character would not be comparable.
    """
    if len(models) < 2:
        raise UsageError(f"ppl needs a model and a text, and got only {models[0]!r}. Give: rnnlm ppl MODEL... TEXT.")
    *paths, text = models
    if text == "-" and len(paths) > 1:
        raise UsageError("standard input can be read once, and there are several models. Give the text as a file.")
    choose(backend, threads)
    from ..evaluation import perplexity
    from ..models import load

    rows = [["model", "PPL", "known", "bits/token", "bits/char", "tokens", "unknown", "unscored"]]
    figures = []
    for path in paths:
        found = perplexity(load(path), text, streams=streams)
        figures.append({"model": path, **found.as_dict()})
        per = (bits(found.bits_per_token), bits(found.bits_per_character))
        numbers = (f"{n:,}" for n in (found.tokens, found.unknown, found.tokens - found.scored))
        rows.append([path, ppl(found.nll), ppl(found.nll_known), *per, *numbers])
    if as_json:
        result_json(figures[0] if len(figures) == 1 else figures)
    else:
        result(table(rows))
