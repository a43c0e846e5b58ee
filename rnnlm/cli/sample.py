"""`rnnlm sample`: texts drawn from a model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ..machine import MachineOptions
from ..sampling_options import MAX_SENTENCE, SamplingOptions
from .console import result, result_json, say
from .encodings import typed_text
from .machine import choose, machine_options
from .options import with_options
from .swapped import require_order
from .trust import trust_of, trust_option

if TYPE_CHECKING:
    from ..evaluation import Sample


@click.command()
@click.argument("model")
@click.argument("prompt", default="")
@click.option(
    "-n",
    "--length",
    type=int,
    metavar="N",
    help=f"Words to draw; without it, one sentence to its end, at most {MAX_SENTENCE} words.",
)
@click.option("-c", "--count", default=1, show_default=True, metavar="N", help="Texts to draw, side by side.")
@with_options(SamplingOptions, into="how")
@click.option("--logprobs", is_flag=True, help="A line a word: the word and its log-probability in nats.")
@trust_option
@machine_options
@click.option("--json", "as_json", is_flag=True, help="A JSON list on standard output.")
def command(
    model: str,
    prompt: str,
    length: int | None,
    count: int,
    how: SamplingOptions,
    logprobs: bool,
    trust: bool,
    machine: MachineOptions,
    as_json: bool,
) -> None:
    """Draw texts from MODEL that go on from PROMPT.

    A word is a token of the model: with --tokens chars a character. Words of PROMPT that the model does not know are
    named; they are read as <unk>, or left out where the model has none. A word of probability 0 is never drawn.
    """
    require_order([model], prompt, "prompt")
    device = choose(machine)
    from ..evaluation import sample
    from ..models import load

    lm = load(model, device=device, trust=trust_of(trust))
    drawn = sample(lm, typed_text(prompt), length, count=count, **asdict(how))
    assert isinstance(drawn, list)  # count is given, so it is a list
    if any(s.is_empty for s in drawn):
        say(_why_empty(drawn, how.temperature), "yellow")
    if as_json:
        result_json([{"text": s.text, "prompt": s.prompt, "words": s.words, "logprobs": s.logprobs} for s in drawn])
        return
    for s in drawn:
        if logprobs:
            result("\n".join(f"{word}\t{logp:.6f}" for word, logp in zip(s.words, s.logprobs, strict=True)))
        else:
            result(s.text)


def _why_empty(drawn: Sequence[Sample], temperature: float) -> str:
    """A line that says why texts are empty, or add nothing to the prompt."""
    empty = [s for s in drawn if s.is_empty]
    is_one = len(drawn) == 1
    which = "the text" if is_one else f"{len(empty):,} of the {len(drawn):,} texts"
    if empty[0].prompt:
        which += f" add{'s' * is_one} nothing to the prompt"
    else:
        which += f" {'is' if is_one else 'are'} empty"
    if temperature == 0:
        why = f"the likeliest word there is the sentence end, </s>, with P = {math.exp(empty[0].logprobs[0]):.4g}"
        return f"{which}: {why}. Draw with a temperature above 0 (-t 1), or train the model longer."
    return f"{which}: the sentence end, </s>, was drawn first. Another --seed draws others."
