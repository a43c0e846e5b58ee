"""`rnnlm sample`: texts drawn from a model."""

from __future__ import annotations

import click

from .console import result, result_json
from .machine import choose, machine_options


@click.command()
@click.argument("model")
@click.argument("prompt", default="")
@click.option("-n", "--length", type=int, metavar="N", help="Words to draw; without it, one sentence to its end.")
@click.option("-c", "--count", default=1, show_default=True, metavar="N", help="Texts to draw, side by side.")
@click.option(
    "-t", "--temperature", default=1.0, show_default=True, help="P^(1/temperature); 0 takes the likeliest word."
)
@click.option("--top-k", type=int, metavar="K", help="Only the K likeliest words.")
@click.option("--top-p", type=float, metavar="P", help="Only the fewest words with probability P in all.")
@click.option("--seed", type=int, help="Same seed, same texts.")
@click.option(
    "--burn-in/--no-burn-in", default=None, help="First draw a sentence and throw it away.  [without a prompt]"
)
@click.option("--unknown", is_flag=True, help="Let <unk> be drawn.")
@click.option("--logprobs", is_flag=True, help="A line a word: the word and its log-probability in nats.")
@machine_options
@click.option("--json", "as_json", is_flag=True, help="A JSON list on standard output.")
def command(
    model: str,
    prompt: str,
    length: int | None,
    count: int,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    seed: int | None,
    burn_in: bool | None,
    unknown: bool,
    logprobs: bool,
    device: str,
    backend: str | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Draw texts from MODEL that go on from PROMPT."""
    choose(backend, threads, device)
    from ..evaluation import sample
    from ..models import load

    drawn = sample(
        load(model, device=device),
        prompt,
        length,
        count=count,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
        unknown=unknown,
        burn_in=burn_in,
    )
    assert isinstance(drawn, list)  # count is given, so it is a list
    if as_json:
        result_json([{"text": s.text, "prompt": s.prompt, "words": s.words, "logprobs": s.logprobs} for s in drawn])
        return
    for s in drawn:
        if logprobs:
            result("\n".join(f"{word}\t{logp:.6f}" for word, logp in zip(s.words, s.logprobs, strict=True)))
        else:
            result(s.text)
