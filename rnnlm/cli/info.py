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
def command(model: str, backend: str | None, threads: int | None, as_json: bool) -> None:
    """What the file MODEL holds: its settings, sizes, vocabulary and training; and what would compute with it here."""
    machine = choose(backend, threads)
    from ..models import RecurrentLM, load

    lm = load(model)
    assert isinstance(lm, RecurrentLM)
    run = next((entry for entry in lm.log if entry["kind"] == "run"), {})
    epochs = [entry for entry in lm.log if entry["kind"] == "epoch"]
    facts: dict[str, Any] = {
        "model": lm.kind,
        "words": len(lm.vocabulary),
        "vocabulary": lm.vocabulary.hash,
        "tokenizer": lm.tokenizer,
        "classes": 0 if lm.class_map is None else len(lm.class_map),
        "weights": sum(param.value.size for param in lm.params.values()),
        "config": lm.config,
        "backend": machine.name,
        "threads": machine.threads,
        "training": run,
        "epochs": epochs,
    }
    if as_json:
        result_json(facts)
        return
    lines = [
        ("model", lm.kind),
        ("settings", ", ".join(f"{name} {value}" for name, value in lm.config.items() if value is not None)),
        ("vocabulary", f"{facts['words']:,} words, tokenizer {lm.tokenizer}, hash {lm.vocabulary.hash[:12]}"),
        ("output", f"{facts['classes']} word classes" if facts["classes"] else "full softmax"),
        ("weights", f"{facts['weights']:,}"),
    ]
    lines.append(("backend", machine.description))
    if run:
        lines += [
            ("trained on", f"{run['text']}, {run['data.train_tokens']:,} tokens, sha256 {str(run['data.train'])[:12]}")
        ]
        lines += [("command", run["command"])] if run["command"] else []
    if epochs:
        best = min(epochs, key=lambda entry: entry["train_nll"] if entry["valid_nll"] is None else entry["valid_nll"])
        lines.append(("epochs", f"{len(epochs)}; the best is {best['epoch']}; {epochs[-1]['stop'] or 'not ended'}"))
        if best["valid_nll"] is not None:
            lines.append(("validation", f"PPL {ppl(best['valid_nll'])}"))
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        result(f"{name.ljust(width)}  {value}")
