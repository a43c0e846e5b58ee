"""`rnnlm ppl`: the perplexity of a text, under models and their mixture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..errors import DataError, UsageError
from ..machine import MachineOptions
from .console import bits, ppl, result, result_json, say, table
from .machine import choose, machine_options
from .members import (
    Member,
    MixingOptions,
    Scorer,
    choose_weights,
    combined,
    members,
    mixing_options,
    real_models,
    shown,
)

if TYPE_CHECKING:
    import numpy as np

    from ..evaluation import Perplexity, Stream

HEAD = ["model", "PPL", "known", "bits/token", "bits/char", "tokens", "unknown", "unscored"]


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL... TEXT")
@mixing_options
@click.option("--interval", is_flag=True, help="Also the 95 % interval of each perplexity, by the block bootstrap.")
@machine_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def command(
    models: tuple[str, ...],
    mixing: MixingOptions,
    interval: bool,
    machine: MachineOptions,
    as_json: bool,
) -> None:
    """Perplexity of TEXT (a path, or - for standard input) under each MODEL and under their mixture.

    Every token counts, `</s>` once a sentence. `known` leaves the unknown words out; without `<unk>` in the
    vocabulary they have no probability and are `unscored`, and bits per character would not be comparable.

    With --fit also the path to the mixture: the best model, then always the one that lowers the perplexity of VALID
    most (linear mixtures only). A MODEL may be a file in which another program left a probability for each token of
    TEXT; FILE@FITFILE names the one for VALID too.
    """
    if len(models) < 2:
        raise UsageError(f"ppl needs a model and a text, and got only {models[0]!r}. Give: rnnlm ppl MODEL... TEXT.")
    *paths, text = models
    fit, mix = mixing.fit, mixing.mix
    if text == "-" == fit:
        raise UsageError("standard input can be read once, and it is TEXT and the --fit text. Give one as a file.")
    device = choose(machine)
    scorer = Scorer(mixing)
    found = members(paths, device)
    asked = fit is not None or mixing.weights is not None
    if len(found) == 1 and not (asked or interval) and mixing.unknown == "<unk>" and found[0].model is not None:
        _single(found[0], scorer, text, as_json)
        return
    if mix == "geometric":
        real_models(found, "a geometric mixture")
    from ..evaluation import stream_perplexity

    scored = scorer.scored(found, text)
    figures = [stream_perplexity(stream) for stream in scored]
    mixed = chosen = None
    fitted: list[Stream] = []
    if asked or len(found) > 1:
        try:
            chosen, fitted = choose_weights(found, mixing, scorer)
            whole = combined(found, scored, chosen, mix, scorer, text)
            mixed = stream_perplexity(whole)
        except DataError as error:
            if asked or mix == "geometric":
                raise
            chosen = None
            say(f"no mixture: {error}", "yellow")
    every = [*scored, *([] if mixed is None else [whole])]
    intervals = [_interval(stream) for stream in every] if interval else []
    path = _path(found, fitted, scored) if mix == "linear" and len(fitted) > 1 else []
    if as_json:
        result_json(_whole(found, figures, mixed, chosen, path, mix, fit, intervals))
        return
    rows = [[*HEAD, *([] if chosen is None else ["weight"]), *(["95 % from", "to"] if interval else [])]]
    for place, (member, one) in enumerate(zip(found, figures, strict=True)):
        rows.append([member.name, *_cells(one), *([] if chosen is None else [shown(chosen[place])])])
    if mixed is not None:
        rows.append(["mixture", *_cells(mixed), ""])
    for row, bounds in zip(rows[1:], intervals, strict=False):
        row += [f"{bound:.2f}" for bound in bounds]
    result(table(rows))
    if path:
        steps = [[str(number), step["model"], *(ppl(step[on]) for on in ("valid_nll", "nll"))] for number, step in path]
        result("\n" + table([["step", "added", "validation PPL", "test PPL"], *steps], left=2))


def _single(member: Member, scorer: Scorer, text: str, as_json: bool) -> None:
    """One model as it is: no probability is kept, so the text may be of any length."""
    from ..evaluation import perplexity
    from ..training.memory import explain_scoring_out_of_memory

    assert member.model is not None
    with explain_scoring_out_of_memory(member.model, scorer.options.streams):
        found = perplexity(member.model, scorer.corpus(member.model, text), streams=scorer.options.streams)
    if as_json:
        result_json({"model": member.name, **found.as_dict()})
    else:
        result(table([HEAD, [member.name, *_cells(found)]]))


def _interval(stream: Stream) -> tuple[float, float]:
    from ..evaluation import perplexity_interval

    found = perplexity_interval(stream)
    return found.low, found.high


def _cells(found: Perplexity) -> list[str]:
    per = (bits(found.bits_per_token), bits(found.bits_per_character))
    numbers = (f"{n:,}" for n in (found.tokens, found.unknown, found.tokens - found.scored))
    return [ppl(found.nll), ppl(found.nll_known), *per, *numbers]


def _path(found: list[Member], fitted: list[Stream], scored: list[Stream]) -> list[tuple[int, dict[str, Any]]]:
    """The steps of the greedy path, counted from 1, with the perplexity of either text."""
    from ..evaluation import greedy_path, mixture, stream_perplexity

    path = []
    for number, step in enumerate(greedy_path(fitted), 1):
        nll = stream_perplexity(mixture(scored, step.weights)).nll
        name = found[step.added].name
        path.append((number, {"model": name, "weights": step.weights.tolist(), "valid_nll": step.nll, "nll": nll}))
    return path


def _whole(
    found: list[Member],
    figures: list[Perplexity],
    mixed: Perplexity | None,
    chosen: np.ndarray | None,
    path: list[tuple[int, dict[str, Any]]],
    mix: str,
    fit: str | None,
    intervals: list[tuple[float, float]],
) -> dict[str, Any]:
    bounds = [{"interval": bounds} for bounds in intervals] or [{}] * (len(found) + 1)
    weights = [None] * len(found) if chosen is None else chosen.tolist()
    return {
        "models": [
            {"model": member.name, "weight": weight, **one.as_dict(), **bound}
            for member, weight, one, bound in zip(found, weights, figures, bounds, strict=False)
        ],
        "mixture": None if mixed is None else {"mix": mix, "fit": fit, **mixed.as_dict(), **bounds[-1]},
        "path": [step for _, step in path],
    }
