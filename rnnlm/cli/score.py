"""`rnnlm score`: the log-probability that a model gives to each word of a text."""

from __future__ import annotations

from dataclasses import dataclass

import click

from ..declared_files import NamedFile, require_apart
from ..errors import UsageError
from ..machine import MachineOptions
from ..options import check as check_options
from ..options import option
from .console import say
from .counts import counts
from .machine import choose, machine_options
from .members import ScoringOptions, scoring_options
from .names import claim, models_and_texts
from .options import with_options
from .swapped import require_order
from .trust import trust_of, trust_option


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """Options of the table of scores."""

    per: str = option("word", "A line per word, sentence or text.", metavar="WHAT")
    unit: str | None = option(
        None, "Of log-probabilities: bits, nats or log10.", metavar="UNIT", usual="bits; --binary: nats"
    )
    output: str | None = option(
        None, "Write there; standard output without it, or with -.", metavar="FILE", names=("-o",)
    )
    binary: bool = option(False, "A compact file for programs, exact to the bit; needs -o.")
    top: int = option(0, "Also the K likeliest words at each place; 0 for none.", metavar="K", least=0)
    quick: bool = option(False, "Without entropy and rank, which need P of every word.")


@click.command()
@click.argument("model")
@click.argument("text")
@with_options(TableOptions, into="form")
@scoring_options
@trust_option
@machine_options
def command(
    model: str,
    text: str,
    form: TableOptions,
    scoring: ScoringOptions,
    trust: bool,
    machine: MachineOptions,
) -> None:
    """The log-probability that MODEL gives to each word of TEXT.

    TEXT is a path, - for standard input, or a part of a corpus such as ptb:test.

    TEXT is one stream: a word's probability depends on all words before it, those of earlier sentences too. Where the
    sentences have nothing to do with each other, give --independent.

    A table with a line a word: sentence, position, the word as written, whether it is unknown, logprob, surprisal
    (-logprob), entropy of the prediction, rank of the word in it. Lines that start with `# ` stand before it and say
    what must be known to compare it with others.
    """
    per, top = form.per, form.top
    output = None if form.output == "-" else form.output
    if form.binary and (output is None or form.unit is not None or per != "word"):
        raise UsageError("`binary` writes nats per word to a file. Give it `output`, without `per` and `unit`.")
    if top and (form.quick or per != "word"):
        raise UsageError(f"top={top} needs P of every word, a line a word. Give it without `quick` and `per`.")
    check_options(form)
    check_options(scoring)
    require_order([model], text)
    from ..evaluation import in_ids_of, score, write_binary, write_tsv
    from ..evaluation.stream import unseen_types
    from ..evaluation.stream_tsv import check
    from ..models import load
    from ..models.files_read import files_read
    from ..text import Corpus
    from ..training.memory import explain_scoring_out_of_memory

    unit = form.unit or "bits"
    check(per, unit)
    unseen_types(scoring.unknown)
    if output is not None:
        claim(click.get_current_context(), output, "the scores", models_and_texts([model], text), lock=True)
    device = choose(machine)
    lm = load(model, device=device, trust=trust_of(trust))
    require_apart(files_read(lm, model), [NamedFile("the output", output)])
    words = Corpus.encode(text, tokenizer=lm.encoding.rule)
    with explain_scoring_out_of_memory(lm, scoring.streams):
        stream = score(
            lm,
            in_ids_of(lm.encoding, words),
            streams=scoring.streams,
            independent=scoring.independent,
            distribution=per == "word" and not form.quick,
            top=top,
            name=model,
        ).with_unknown(scoring.unknown)
    if form.binary:
        assert output is not None
        write_binary(stream, output)
    else:
        write_tsv(stream, output, per=per, unit=unit, words=words)
    if output is not None:
        about = counts(len(stream), int(stream.scored.sum()), int(stream.is_unknown.sum()), stream.encoding.unit)
        say(f"scores written to {output}: {about}")
