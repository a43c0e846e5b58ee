"""`rnnlm info`: what a model file holds."""

from __future__ import annotations

from typing import Any

import click

from ..machine import MachineOptions
from .console import ppl, result, result_json
from .counts import left_out
from .machine import choose, machine_options
from .options import json_option


@click.command()
@click.argument("model")
@machine_options
@json_option
def command(model: str, machine: MachineOptions, as_json: bool) -> None:
    """What the file MODEL holds: its settings, sizes, vocabulary and training; and what would compute with it here."""
    where = choose(machine)
    from .. import ops
    from ..models import LanguageModel, load_any
    from ..models.model import settings_text
    from ..models.training_log import require_complete
    from ..stored import reading
    from ..training.as_used import as_used

    lm, backend = load_any(model, device=where, trust=None), ops.backend()
    with reading(model, "model"):
        require_complete(lm.log)
    run = next((entry for entry in lm.log if entry["kind"] == "run"), {})
    epochs = [entry for entry in lm.log if entry["kind"] == "epoch"]
    verdicts = [entry for entry in lm.log if entry["kind"] == "verdict"]
    used = as_used(run, lm.config) if "optimizer" in run else {}
    facts: dict[str, Any] = {"model": lm.kind}
    if isinstance(lm, LanguageModel):
        facts |= lm.encoding.facts()
    facts |= {
        **lm.facts(),
        "config": lm.config,
        "device": str(where),
        "backend": backend.name,
        "threads": backend.threads,
        "training": run,
        "used": used,
        "epochs": epochs,
        "verdict": verdicts[-1] if verdicts else None,
    }
    if as_json:
        result_json(facts)
        return
    lines = [("model", lm.kind), ("settings", settings_text(lm.config))]
    unit = lm.encoding.unit if isinstance(lm, LanguageModel) else "word"
    if isinstance(lm, LanguageModel):
        lines.append(("vocabulary", str(lm.encoding)))
    lines += lm.summary()
    lines += [("device", where.description)] if where.name == "gpu" else []
    lines.append(("backend", backend.description))
    if "data.train" in run:
        size = f"{run['data.train_tokens']:,} tokens" if "text" in run else f"{run['data.train_examples']:,} examples"
        source = run.get("text", run.get("data"))
        lines.append(("trained on", f"{source}, {size}, sha256 {str(run['data.train'])[:12]}"))
    for entry in lm.log:
        if entry["kind"] == "from":
            lines.append(("started from", f"{entry['file']}, sha256 {entry['sha256'][:12]}"))
    if used:
        lines.append(("training", settings_text({name: _short(value) for name, value in used.items()})))
    lines += [("note", note) for note in run.get("notes", [])]
    if "data.fit" in run:
        fit = run["fit"]
        lines.append(("fitted to", f"{run['text']}, {fit['tokens']:,} tokens, sha256 {str(run['data.fit'])[:12]}"))
        lines.append(
            ("validation", f"PPL {ppl(fit['nll'])}{left_out(fit['tokens'], fit['scored'], fit['unknown'], unit)}")
        )
    lines += [("warning", str(entry.get("text"))) for entry in verdicts]
    if run.get("command"):
        lines.append(("command", run["command"]))
    if epochs:
        best = [entry for entry in epochs if entry["best"]][-1]
        lines.append(("epochs", f"{len(epochs)}; the best is {best['epoch']}; {epochs[-1]['stop'] or 'not ended'}"))
        if best.get("valid_accuracy") is not None:
            lines.append(("validation", f"accuracy {100 * best['valid_accuracy']:.2f} %, loss {best['valid_nll']:.4f}"))
        elif best["valid_nll"] is not None:
            tokens, unknown = run.get("data.valid_tokens", 0), run.get("valid_left_out", 0)  # 0: of an earlier version
            about = left_out(tokens, tokens - unknown, unknown, unit)
            lines.append(("validation", f"PPL {ppl(best['valid_nll'])}{about}"))
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        result(f"{name.ljust(width)}  {value}")


def _short(value: Any) -> Any:
    """A value for a line of text: a float with six digits at most."""
    return f"{value:g}" if isinstance(value, float) else value
