"""`rnnlm info`: what a model file holds."""

from __future__ import annotations

from typing import Any

import click

from .console import ppl, result, result_json
from .machine import choose, machine_options


@click.command()
@click.argument("model")
@machine_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def command(model: str, device: str, backend: str | None, threads: int | None, as_json: bool) -> None:
    """What the file MODEL holds: its settings, sizes, vocabulary and training; and what would compute with it here."""
    where = choose(backend, threads, device)
    from .. import ops
    from ..models import LanguageModel, load_any

    lm, machine = load_any(model, device=where), ops.backend()
    run = next((entry for entry in lm.log if entry["kind"] == "run"), {})
    epochs = [entry for entry in lm.log if entry["kind"] == "epoch"]
    facts: dict[str, Any] = {"model": lm.kind}
    if isinstance(lm, LanguageModel):
        facts |= lm.encoding.facts()
    facts |= {
        **lm.facts(),
        "config": lm.config,
        "device": str(where),
        "backend": machine.name,
        "threads": machine.threads,
        "training": run,
        "epochs": epochs,
    }
    if as_json:
        result_json(facts)
        return
    lines = [("model", lm.kind), ("settings", _settings(lm.config))]
    if isinstance(lm, LanguageModel):
        lines.append(("vocabulary", str(lm.encoding)))
    for name, value in lm.facts().items():
        lines += _lines(name, value)
    lines += [("device", where.description)] if where.name == "gpu" else []
    lines.append(("backend", machine.description))
    if "data.train" in run:
        size = f"{run['data.train_tokens']:,} tokens" if "text" in run else f"{run['data.train_examples']:,} examples"
        source = run.get("text", run.get("data"))
        lines.append(("trained on", f"{source}, {size}, sha256 {str(run['data.train'])[:12]}"))
    lines += [("note", note) for note in run.get("notes", [])]
    if "data.fit" in run:
        fit = run["fit"]
        lines.append(("fitted to", f"{run['text']}, {fit['tokens']:,} tokens, sha256 {str(run['data.fit'])[:12]}"))
        lines.append(("validation", f"PPL {ppl(fit['nll'])}"))
    if run.get("command"):
        lines.append(("command", run["command"]))
    if epochs:
        best = [entry for entry in epochs if entry["best"]][-1]
        lines.append(("epochs", f"{len(epochs)}; the best is {best['epoch']}; {epochs[-1]['stop'] or 'not ended'}"))
        if best.get("valid_accuracy") is not None:
            lines.append(("validation", f"accuracy {100 * best['valid_accuracy']:.2f} %, loss {best['valid_nll']:.4f}"))
        elif best["valid_nll"] is not None:
            lines.append(("validation", f"PPL {ppl(best['valid_nll'])}"))
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        result(f"{name.ljust(width)}  {value}")


def _settings(config: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in config.items() if value is not None and name != "weights")


def _member(member: dict[str, Any]) -> str:
    """A model that another stands on."""
    weight = f"weight {member['weight']:.4f}  " if "weight" in member else ""
    return f"{weight}{member.get('file') or member['model']}  {_settings(member['config'])}"


def _lines(name: str, value: Any) -> list[tuple[str, str]]:
    """A fact of the model for people."""
    if name == "classes":
        return [("output", f"{value} word classes" if value else "full softmax")]
    if name == "ngrams":
        return [("n-grams", f"{sum(value):,} of 1 to {len(value)} words: {', '.join(f'{n:,}' for n in value)}")]
    if name == "members":
        return [(f"member {place}", _member(member)) for place, member in enumerate(value, 1)]
    if name == "base":
        return [("on", _member(value))]
    if name == "labels":
        return [(name, ", ".join(value))]
    return [(name, f"{value:,}" if isinstance(value, int | float) else str(value))]
