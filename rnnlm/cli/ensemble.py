"""`rnnlm ensemble`: several models as one model file."""

from __future__ import annotations

import shlex

import click

from ..machine import MachineOptions
from .console import ppl, result, result_json, say, table
from .machine import choose, machine_options
from .members import MixingOptions, Scorer, choose_weights, combined, members, mixing_options, real_models, shown
from .names import require_other


@click.command()
@click.argument("models", nargs=-1, required=True)
@mixing_options
@click.option("-o", "--output", required=True, metavar="FILE", help="The model file to write.")
@click.option("--reference", is_flag=True, help="Refer to the members' files by relative path instead of copying them.")
@machine_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.pass_context
def command(
    context: click.Context,
    models: tuple[str, ...],
    mixing: MixingOptions,
    output: str,
    reference: bool,
    machine: MachineOptions,
    as_json: bool,
) -> None:
    """Write a mixture of MODELS as a model, which ppl, sample, info and ensemble take like any other.

    The weights are fitted to VALID, or given, or equal. A model whose weight is 0 is left out. A mixture that refers to
    its members stays small, and needs them unchanged where they are, as seen from its own folder.
    """
    fit, mix = mixing.fit, mixing.mix
    require_other(output, *models, fit)
    device = choose(machine)
    from .. import storage
    from ..evaluation import stream_perplexity
    from ..models import MixtureLM

    storage.require_writable(output, "the mixture")
    scorer = Scorer(mixing)
    found = members(models, device)
    every = real_models(found, "an ensemble")
    chosen, scored = choose_weights(found, mixing, scorer)
    MixtureLM(every, chosen, mix)  # whether they can be mixed at all
    names, on = list(models), [] if fit is None else ["validation PPL"]
    rows = [["model", *on, "weight"]]
    alone = [stream_perplexity(stream) for stream in scored]
    for place, name in enumerate(names):
        rows.append([name, *([ppl(alone[place].nll)] if fit else []), shown(chosen[place])])
    mixed = None
    if fit is not None:
        mixed = stream_perplexity(combined(found, scored, chosen, mix, scorer, fit))
        rows.append(["mixture", ppl(mixed.nll), ""])
    kept = [place for place, w in enumerate(chosen) if w > 0]
    model = MixtureLM(
        [every[place] for place in kept], chosen[kept], mix, [names[place] for place in kept] if reference else None
    )
    model.log.append(
        {
            "kind": "run",
            "command": "rnnlm " + shlex.join(context.obj),
            "text": fit or "",
            "members": [names[place] for place in kept],
            **({} if mixed is None else {"fit": mixed.as_dict(), "data.fit": scored[0].sha256}),
        }
    )
    model.save(output)
    if as_json:
        result_json(
            {
                "model": output,
                "mix": mix,
                "members": [{"model": name, "weight": float(w)} for name, w in zip(names, chosen, strict=True)],
                "fit": None if mixed is None else mixed.as_dict(),
            }
        )
    else:
        result(table(rows))
    for place in sorted(set(range(len(names))) - set(kept)):
        say(f"{names[place]} has the weight 0 and is left out of {output}", "yellow")
    say(f"model written to {output}")
