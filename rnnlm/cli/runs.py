"""Output of `rnnlm train --runs`: the messages of the runs, and their figures in a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ..declared_files import NamedFile
from .console import ppl, result, result_json, say, table
from .counts import counts_of
from .progress import COMPILING
from .talk import about_line, end_line, epoch_line, perplexity_figures, resuming_line
from .words import in_words_of

if TYPE_CHECKING:
    from ..training.figures import Figures
    from ..training.messages import Message
    from ..training.runs import Outcome
    from ..training.settings import Settings


def several_runs(
    settings: Settings, runs: str, jobs: int | None, *, mixture: bool, as_json: bool, command: str
) -> bool:
    """Train several models and report; False when Ctrl-C ended it. `runs` is a number or a TOML file.

    With `mixture` the models are mixed, too.
    """
    from ..training.runs import Runs, repeated
    from ..training.runs_file import read_runs

    by_number = _is_number(runs)
    every_run = repeated(settings, int(runs)) if by_number else read_runs(runs, settings)
    reads = [] if by_number else [NamedFile("the file of the runs", runs)]
    output = str(settings.output)
    all_runs = Runs(every_run, output, jobs=jobs, mixture=mixture, reads=reads, command=command)
    threads = all_runs.threads
    for number, data in enumerate(all_runs.data, 1):
        if data.held_out_note and not any(data is earlier for earlier in all_runs.data[: number - 1]):
            say(f"run {number}: {data.held_out_note}" if number > 1 else data.held_out_note)
    kept = f" ({len(all_runs.ended)} of them ended before)" if all_runs.ended else ""
    where = f" on {all_runs.device.description}" if all_runs.device.name == "gpu" else ""
    count = f"{len(every_run)} run{'s' * (len(every_run) > 1)}"
    say(f"{count}{kept}, {all_runs.jobs} at a time{where}, {threads} thread{'s' * (threads > 1)} each", "cyan")
    units = [f"{data.train.encoding.unit}s" for data in all_runs.data]
    if all_runs.fit(lambda number, message: _print_message(number, message, units[number - 1])) == "interrupted":
        say("interrupted. Go on with the same command and --resume.", "yellow")
        return False
    outcome = all_runs.conclude()
    if as_json:
        result_json(_as_json(outcome))
    else:
        result(_table(outcome))
        if mixture:
            say(f"model: {output}, the mixture of all runs with equal weights", "green")
    return True


def _print_message(number: int, message: Message, unit: str) -> None:
    """Print a message of one of the runs, in the words of a single run."""
    from ..training.messages import Began, Ended, EpochEnded, Failed, Note

    match message:
        case Began():
            if message.resumed:
                say(f"run {number}: {resuming_line(message.epoch, message.updates)}")
            say(f"run {number}: {about_line(message)}")
        case EpochEnded():
            figures = perplexity_figures(message.epoch)
            say(f"run {number}: {epoch_line(message.epoch, figures, message.seconds, message.speed, unit)}")
        case Ended():
            say(f"run {number}: {end_line(message.reason, message.best_epoch)}")
        case Failed():
            say(f"run {number}: {in_words_of(click.get_current_context().command, message.message)}")
        case Note():
            text = in_words_of(click.get_current_context().command, message.text)
            say(f"run {number}: {COMPILING.format('some 20 seconds') if message.compiling else text}")


def figures_table(figures: Sequence[Figures]) -> str:
    """A line for each model: what it is, its perplexities, its file."""
    rows = [["", "file", "validation PPL", "test PPL"]]
    rows += [[model.name, str(model.path), ppl(model.valid_nll), _test_ppl(model)] for model in figures]
    return table(rows, left=2) + _left_out(figures[0])


def _table(outcome: Outcome) -> str:
    """A line for each run, with a column for each setting in which they differ; mean, deviation and the mixture."""
    from ..training.differences import value_text

    settings = list(dict.fromkeys(name for run in outcome.runs for name in run.differs))
    rows = [["run", "file", *settings, "best epoch", "validation PPL", "test PPL"]]
    for run in outcome.runs:
        model = run.figures
        its = [value_text(run.differs[name]) if name in run.differs else "-" for name in settings]
        about = [str(run.number), str(model.path), *its, str(run.best_epoch)]
        rows.append([*about, ppl(model.valid_nll), _test_ppl(model)])
    columns = [outcome.spread(text) for text in ("valid", "test")]
    blank = [""] * (len(settings) + 2)
    if any(columns):
        rows.append(["mean", *blank, *("-" if one is None else ppl(math.log(one[0])) for one in columns)])
        rows.append(["spread", *blank, *("-" if one is None else _deviation(*one) for one in columns)])
    mixture = outcome.mixture
    if mixture is not None:
        rows.append([mixture.name, str(mixture.path), *blank[1:], ppl(mixture.valid_nll), _test_ppl(mixture)])
    if mixture is not None or outcome.same_texts:
        return table(rows, left=2) + _left_out(mixture or outcome.runs[0].figures)
    return table(rows, left=2) + "".join(_left_out(run.figures, f"run {run.number}, ") for run in outcome.runs)


def _deviation(mean: float, deviation: float) -> str:
    """A standard deviation with as many digits as its mean has in the lines above."""
    return f"{deviation:.{2 if mean >= 10 else 4}f}"


def _left_out(figures: Figures, whose: str = "") -> str:
    """A line below the table on each text that the figures leave tokens of out."""
    from ..evaluation import stream_perplexity

    texts = {"validation": figures.valid, "test": figures.test}
    lines = [
        f"{whose}{name}: {counts_of(stream_perplexity(text))}"
        for name, text in texts.items()
        if text is not None and not text.scored.all()
    ]
    return "".join(f"\n{line}" for line in lines)


def _as_json(outcome: Outcome) -> dict[str, object]:
    """The figures of all runs and of the mixture, which is null where there is none, for --json."""
    spread = {text: one for text in ("valid", "test") if (one := outcome.spread(text)) is not None}
    ppls = {text: dict(zip(("mean", "spread"), one, strict=True)) for text, one in spread.items()}
    runs = [
        {
            "run": run.number,
            "seed": run.seed,
            "differs": run.differs,
            "best_epoch": run.best_epoch,
            **run.figures.as_dict(),
        }
        for run in outcome.runs
    ]
    return {"runs": runs, "ppl": ppls, "mixture": None if outcome.mixture is None else outcome.mixture.as_dict()}


def _test_ppl(figures: Figures) -> str:
    return "-" if figures.test_nll is None else ppl(figures.test_nll)


def _is_number(text: str) -> bool:
    return text.lstrip("-").isdecimal()
