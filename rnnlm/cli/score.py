"""`rnnlm score`: what a model gives to each word of a text."""

from __future__ import annotations

import click

from ..errors import UsageError
from .console import say
from .machine import choose, machine_options
from .members import scoring_options
from .names import require_other


@click.command()
@click.argument("model")
@click.argument("text")
@click.option("--per", default="word", show_default=True, metavar="WHAT", help="A line per word, sentence or text.")
@click.option("--unit", metavar="UNIT", help="Of log-probabilities: bits, nats or log10.  [bits; --binary: nats]")
@click.option("-o", "--output", metavar="FILE", help="Write there; standard output without it.")
@click.option("--binary", is_flag=True, help="A compact file for programs, exact to the bit; needs -o.")
@click.option("--top", default=0, metavar="K", help="Also the K likeliest words at each place.")
@click.option("--quick", is_flag=True, help="Without entropy and rank, which need P of every word.")
@scoring_options
@machine_options
def command(
    model: str,
    text: str,
    per: str,
    unit: str | None,
    output: str | None,
    binary: bool,
    top: int,
    quick: bool,
    unknown: str,
    streams: int,
    device: str,
    backend: str | None,
    threads: int | None,
) -> None:
    """The log-probability that MODEL gives to each word of TEXT (a path, or - for standard input).

    A table with a line a word: sentence, position, the word as written, whether it is unknown, logprob, surprisal
    (-logprob), entropy of the prediction, rank of the word in it. Lines that start with `# ` stand before it and say
    what must be known to compare it with others.
    """
    if binary and (output is None or unit is not None or per != "word"):
        raise UsageError("--binary writes nats per word to a file. Give it -o FILE, without --per and --unit.")
    if top and (quick or per != "word"):
        raise UsageError(f"--top {top} needs P of every word, a line a word. Give it without --quick and --per.")
    from .. import storage
    from ..evaluation import in_ids_of, score, write_binary, write_tsv
    from ..evaluation.stream import unseen_types
    from ..evaluation.stream_tsv import check
    from ..models import load
    from ..text import Corpus
    from ..training.memory import told_scoring

    unit = unit or "bits"
    check(per, unit)
    unseen_types(unknown)
    if output is not None:
        require_other(output, model, text)
        storage.require_writable(output, "the scores")
    choose(backend, threads, device)
    lm = load(model, device=device)
    words = Corpus.encode(text, tokenizer=lm.encoding.rule)
    with told_scoring(lm, streams):
        stream = score(
            lm,
            in_ids_of(lm.encoding, words),
            streams=streams,
            distribution=per == "word" and not quick,
            top=top,
            name=model,
        ).with_unknown(unknown)
    if binary:
        assert output is not None
        write_binary(stream, output)
    else:
        write_tsv(stream, output, per=per, unit=unit, words=words)
    if output is not None:
        say(f"scores of {len(stream):,} tokens written to {output}")
