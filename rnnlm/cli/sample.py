"""`rnnlm sample`: texts drawn from a model."""

from __future__ import annotations

from dataclasses import asdict

import click

from ..machine import MachineOptions
from ..sampling_options import SamplingOptions
from .console import result, result_json
from .encodings import typed_text
from .machine import choose, machine_options
from .options import with_options
from .swapped import require_order


@click.command()
@click.argument("model")
@click.argument("prompt", default="")
@click.option("-n", "--length", type=int, metavar="N", help="Words to draw; without it, one sentence to its end.")
@click.option("-c", "--count", default=1, show_default=True, metavar="N", help="Texts to draw, side by side.")
@with_options(SamplingOptions, into="how")
@click.option("--logprobs", is_flag=True, help="A line a word: the word and its log-probability in nats.")
@machine_options
@click.option("--json", "as_json", is_flag=True, help="A JSON list on standard output.")
def command(
    model: str,
    prompt: str,
    length: int | None,
    count: int,
    how: SamplingOptions,
    logprobs: bool,
    machine: MachineOptions,
    as_json: bool,
) -> None:
    """Draw texts from MODEL that go on from PROMPT."""
    require_order([model], prompt, "prompt")
    device = choose(machine)
    from ..evaluation import sample
    from ..models import load

    drawn = sample(load(model, device=device), typed_text(prompt), length, count=count, **asdict(how))
    assert isinstance(drawn, list)  # count is given, so it is a list
    if as_json:
        result_json([{"text": s.text, "prompt": s.prompt, "words": s.words, "logprobs": s.logprobs} for s in drawn])
        return
    for s in drawn:
        if logprobs:
            result("\n".join(f"{word}\t{logp:.6f}" for word, logp in zip(s.words, s.logprobs, strict=True)))
        else:
            result(s.text)
