"""`rnnlm ppl`: the perplexity of a text under models and their mixture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..errors import DataError, UsageError
from ..machine import MachineOptions
from .console import bits, decimals, ppl, result, result_json, say, table
from .counts import counts_of
from .machine import choose, machine_options
from .members import (
    Member,
    MixingOptions,
    Scorer,
    choose_weights,
    load_members,
    mixing_options,
    mixture_stream,
    require_models,
    weight_text,
)
from .options import json_option
from .swapped import require_order
from .trust import trust_of, trust_option
from .words import in_words_of

if TYPE_CHECKING:
    import numpy as np

    from ..evaluation import Perplexity, Stream

HEAD = ["model", "PPL", "known", "bits/token", "bits/char", "tokens", "unknown", "unscored"]


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL... TEXT")
@mixing_options
@click.option("--interval", is_flag=True, help="Also the 95 % interval of each perplexity, by the block bootstrap.")
@trust_option
@machine_options
@json_option
def command(
    models: tuple[str, ...],
    mixing: MixingOptions,
    interval: bool,
    trust: bool,
    machine: MachineOptions,
    as_json: bool,
) -> None:
    """Perplexity of TEXT under each MODEL and under their mixture.

    TEXT is a path, - for standard input, or a part of a corpus such as ptb:test.

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
    require_order(paths, text)
    device = choose(machine)
    scorer = Scorer(mixing)
    members = load_members(paths, device, trust_of(trust))
    mixture_wanted = fit is not None or mixing.weights is not None
    plain = not (mixture_wanted or interval) and mixing.unknown == "<unk>"
    if len(members) == 1 and plain and members[0].model is not None:
        _single(members[0], scorer, text, as_json)
        return
    if mix == "geometric":
        require_models(members, "a geometric mixture")
    from ..evaluation import stream_perplexity

    streams = scorer.streams(members, text)
    figures = [stream_perplexity(stream) for stream in streams]
    mixed = weights = None
    fit_streams: list[Stream] = []
    if mixture_wanted or len(members) > 1:
        try:
            weights, fit_streams = choose_weights(members, mixing, scorer)
            mixed_stream = mixture_stream(members, streams, weights, mix, scorer, text)
            mixed = stream_perplexity(mixed_stream)
        except DataError as error:
            if mixture_wanted or mix == "geometric":
                raise
            weights = None
            reason = in_words_of(click.get_current_context().command, str(error))
            say(f"no mixture: {reason}", "yellow")
    every_stream = [*streams, *([] if mixed is None else [mixed_stream])]
    intervals = [_interval(stream) for stream in every_stream] if interval else []
    path = _path(members, fit_streams, streams) if mix == "linear" and len(fit_streams) > 1 else []
    if as_json:
        result_json(_as_json(members, figures, mixed, weights, path, mix, fit, intervals))
        return
    rows = [[*HEAD, *([] if weights is None else ["weight"]), *(["95 % from", "to"] if interval else [])]]
    for place, (member, perplexity) in enumerate(zip(members, figures, strict=True)):
        rows.append([member.name, *_cells(perplexity), *([] if weights is None else [weight_text(weights[place])])])
    if mixed is not None:
        rows.append(["mixture", *_cells(mixed), ""])
    for row, bounds in zip(rows[1:], intervals, strict=False):
        row += [decimals(bound, ".2f") for bound in bounds]
    result(table(rows))
    if path:
        steps = [[str(number), step["model"], *(ppl(step[on]) for on in ("valid_nll", "nll"))] for number, step in path]
        result("\n" + table([["step", "added", "validation PPL", "test PPL"], *steps], left=2))
    if fit_streams and not fit_streams[0].scored.all():
        result(f"validation: {counts_of(stream_perplexity(fit_streams[0]))}")


def _single(member: Member, scorer: Scorer, text: str, as_json: bool) -> None:
    """Report on one model alone: its probabilities are not kept, so the text may be of any length."""
    from ..evaluation import perplexity
    from ..training.memory import explain_scoring_out_of_memory

    assert member.model is not None
    o = scorer.options
    with explain_scoring_out_of_memory(member.model, o.streams):
        corpus = scorer.corpus(member.model, text)
        measured = perplexity(member.model, corpus, streams=o.streams, independent=o.independent)
    if as_json:
        result_json({"model": member.name, **measured.as_dict()})
    else:
        result(table([HEAD, [member.name, *_cells(measured)]]))


def _interval(stream: Stream) -> tuple[float, float]:
    """The bounds of the 95 % interval of a stream's perplexity."""
    from ..evaluation import perplexity_interval

    interval = perplexity_interval(stream)
    return interval.low, interval.high


def _cells(p: Perplexity) -> list[str]:
    """The cells of a model's line, as in HEAD."""
    per = (bits(p.bits_per_token), bits(p.bits_per_character))
    numbers = (f"{n:,}" for n in (p.tokens, p.unknown, p.tokens - p.scored))
    return [ppl(p.nll), ppl(p.nll_known), *per, *numbers]


def _path(members: list[Member], fit_streams: list[Stream], streams: list[Stream]) -> list[tuple[int, dict[str, Any]]]:
    """The steps of the greedy path to the mixture, counted from 1, with the cross-entropies of both texts."""
    from ..evaluation import greedy_path, mixture, stream_perplexity

    path = []
    for number, step in enumerate(greedy_path(fit_streams), 1):
        nll = stream_perplexity(mixture(streams, step.weights)).nll
        name = members[step.added].name
        path.append((number, {"model": name, "weights": step.weights.tolist(), "valid_nll": step.nll, "nll": nll}))
    return path


def _as_json(
    members: list[Member],
    figures: list[Perplexity],
    mixed: Perplexity | None,
    weights: np.ndarray | None,
    path: list[tuple[int, dict[str, Any]]],
    mix: str,
    fit: str | None,
    intervals: list[tuple[float, float]],
) -> dict[str, Any]:
    """All that was found, for --json."""
    bounds = [{"interval": bounds} for bounds in intervals] or [{}] * (len(members) + 1)
    shares = [None] * len(members) if weights is None else weights.tolist()
    return {
        "models": [
            {"model": member.name, "weight": weight, **perplexity.as_dict(), **bound}
            for member, weight, perplexity, bound in zip(members, shares, figures, bounds, strict=False)
        ],
        "mixture": None if mixed is None else {"mix": mix, "fit": fit, **mixed.as_dict(), **bounds[-1]},
        "path": [step for _, step in path],
    }
