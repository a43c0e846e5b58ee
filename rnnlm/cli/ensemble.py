"""`rnnlm ensemble`: several models as one model file."""

from __future__ import annotations

from dataclasses import replace

import click

from ..declared_files import NamedFile, require_apart
from ..machine import MachineOptions
from .console import ppl, result, result_json, say, table
from .counts import counts_of
from .machine import choose, machine_options
from .members import (
    MixingOptions,
    Scorer,
    choose_weights,
    load_members,
    mixing_options,
    mixture_stream,
    require_models,
    weight_text,
)
from .names import claim, models_and_texts
from .options import json_option
from .record import run_entry
from .trust import trust_of, trust_option


@click.command()
@click.argument("models", nargs=-1, required=True)
@mixing_options
@click.option("-o", "--output", required=True, metavar="FILE", help="The model file to write.")
@click.option("--reference", is_flag=True, help="Refer to the members' files by relative path instead of copying them.")
@trust_option
@machine_options
@json_option
@click.pass_context
def command(
    context: click.Context,
    models: tuple[str, ...],
    mixing: MixingOptions,
    output: str,
    reference: bool,
    trust: bool,
    machine: MachineOptions,
    as_json: bool,
) -> None:
    """Write a mixture of MODELS as a model, which ppl, sample, info and ensemble take like any other.

    The weights are fitted to VALID, or given, or equal. A model whose weight is 0 is left out. A mixture that refers to
    its members stays small, and needs them unchanged where they are, as seen from its own folder.
    """
    fit, mix = mixing.fit, mixing.mix
    claim(context, output, "the mixture", models_and_texts(models, fit), lock=True)
    device = choose(machine)
    from ..evaluation import stream_perplexity
    from ..models import MixtureLM
    from ..models.files_read import files_read

    # In the mixture a network that was trained with independent sentences clears its state, so it is scored so here.
    mixing = replace(mixing, independent=mixing.independent or None)
    scorer = Scorer(mixing)
    members = load_members(models, device, trust_of(trust))
    every_model = require_models(members, "an ensemble")
    for name, model in zip(models, every_model, strict=True):
        require_apart(files_read(model, name), [NamedFile("the output", output)])
    weights, streams = choose_weights(members, mixing, scorer)
    MixtureLM(every_model, weights, mix)  # raises DataError where they cannot be mixed
    names, fit_column = list(models), [] if fit is None else ["validation PPL"]
    rows = [["model", *fit_column, "weight"]]
    alone = [stream_perplexity(stream) for stream in streams]
    for place, name in enumerate(names):
        rows.append([name, *([ppl(alone[place].nll)] if fit else []), weight_text(weights[place])])
    mixed = None
    if fit is not None:
        mixed = stream_perplexity(mixture_stream(members, streams, weights, mix, scorer, fit))
        rows.append(["mixture", ppl(mixed.nll), ""])
    kept = [place for place, w in enumerate(weights) if w > 0]
    kept_names = [names[place] for place in kept]
    model = MixtureLM([every_model[place] for place in kept], weights[kept], mix, kept_names if reference else None)
    model.log.append(run_entry(context, kept_names, fit, mixed, streams[0].sha256 if streams else ""))
    model.save(output)
    if as_json:
        result_json(
            {
                "model": output,
                "mix": mix,
                "members": [{"model": name, "weight": float(w)} for name, w in zip(names, weights, strict=True)],
                "fit": None if mixed is None else mixed.as_dict(),
            }
        )
    else:
        result(table(rows))
        if mixed is not None and mixed.scored < mixed.tokens:
            result(f"validation: {counts_of(mixed)}")
    for place in sorted(set(range(len(names))) - set(kept)):
        say(f"{names[place]} has the weight 0 and is left out of {output}", "yellow")
    say(f"model written to {output}")
