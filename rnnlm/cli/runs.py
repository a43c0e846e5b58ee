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


def several_runs(settings: Settings, runs: str, jobs: int | None, as_json: bool, command: str) -> bool:
    """Train several models, mix them and report; False when Ctrl-C ended it. `runs` is a number or a TOML file."""
    from ..training.runs import Runs, repeated
    from ..training.runs_file import read_runs

    by_number = _is_number(runs)
    every_run = repeated(settings, int(runs)) if by_number else read_runs(runs, settings)
    reads = [] if by_number else [NamedFile("the file of the runs", runs)]
    output = str(settings.output)
    all_runs = Runs(every_run, output, jobs=jobs, reads=reads, command=command)
    threads = all_runs.threads
    if all_runs.data.held_out_note:
        say(all_runs.data.held_out_note)
    kept = f" ({len(all_runs.ended)} of them ended before)" if all_runs.ended else ""
    where = f" on {all_runs.device.description}" if all_runs.device.name == "gpu" else ""
    say(
        f"{len(every_run)} runs{kept}, {all_runs.jobs} at a time{where}, {threads} thread{'s' * (threads > 1)} each",
        "cyan",
    )
    unit = f"{all_runs.data.train.encoding.unit}s"
    if all_runs.fit(lambda number, message: _print_message(number, message, unit)) == "interrupted":
        say("interrupted. Go on with the same command and --resume.", "yellow")
        return False
    outcome = all_runs.conclude()
    if as_json:
        result_json(_as_json(outcome))
    else:
        result(_table(outcome))
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
    """A line for each run, their mean and standard deviation, and the mixture."""
    rows = [["run", "file", "seed", "best epoch", "validation PPL", "test PPL"]]
    for run in outcome.runs:
        model = run.figures
        about = [str(run.number), str(model.path), str(run.seed), str(run.best_epoch)]
        rows.append([*about, ppl(model.valid_nll), _test_ppl(model)])
    has_test = outcome.mixture.test is not None
    columns = [outcome.spread(text) for text in (("valid", "test") if has_test else ("valid",))]
    missing = [] if has_test else ["-"]
    rows.append(["mean", "", "", "", *(ppl(math.log(mean)) for mean, _ in columns), *missing])
    digits = [2 if mean >= 10 else 4 for mean, _ in columns]  # as in the lines above
    spread = [f"{deviation:.{n}f}" for (_, deviation), n in zip(columns, digits, strict=True)]
    rows.append(["spread", "", "", "", *spread, *missing])
    mixture = outcome.mixture
    rows.append([mixture.name, str(mixture.path), "", "", ppl(mixture.valid_nll), _test_ppl(mixture)])
    return table(rows, left=2) + _left_out(mixture)


def _left_out(figures: Figures) -> str:
    """A line below the table on each text that the figures leave tokens of out."""
    from ..evaluation import stream_perplexity

    texts = {"validation": figures.valid, "test": figures.test}
    lines = [
        f"{name}: {counts_of(stream_perplexity(text))}"
        for name, text in texts.items()
        if text is not None and not text.scored.all()
    ]
    return "".join(f"\n{line}" for line in lines)


def _as_json(outcome: Outcome) -> dict[str, object]:
    """The figures of all runs and of the mixture, for --json."""
    texts = ["valid"] if outcome.mixture.test is None else ["valid", "test"]
    spread = {text: dict(zip(("mean", "spread"), outcome.spread(text), strict=True)) for text in texts}
    runs = [
        {"run": run.number, "seed": run.seed, "best_epoch": run.best_epoch, **run.figures.as_dict()}
        for run in outcome.runs
    ]
    return {"runs": runs, "ppl": spread, "mixture": outcome.mixture.as_dict()}


def _test_ppl(figures: Figures) -> str:
    return "-" if figures.test_nll is None else ppl(figures.test_nll)


def _is_number(text: str) -> bool:
    return text.lstrip("-").isdecimal()
