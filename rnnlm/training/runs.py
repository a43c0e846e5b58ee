"""Several runs side by side, and their mixture if it is wanted: what `rnnlm train --runs` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import ops
from ..declared_files import NamedFile, require_apart
from ..errors import DataError, RnnlmError, UsageError
from ..models import load, load_any
from ..models.model import Model
from ..ops.device import release
from ..output_files import require_writable
from ..output_lock import OutputLock
from ..stored import Stored
from ..text.corpus import Corpus
from .checkpoint import Snapshot
from .data import Data
from .differences import differences
from .figures import Figures, figures_of, figures_of_mixture, path_with, write_mixture
from .messages import Failed, Message, from_json
from .processes import INTERRUPTED, Worker, run_in_processes
from .run import Run
from .run_files import checkpoint_of, run_outputs
from .settings import Settings


@dataclass(frozen=True)
class Trained:
    """A run that has ended: its number from 1 on, its seed, its best epoch and its figures.

    `differs` are its settings that are not the same for all runs, by name (see `differences`).
    """

    number: int
    seed: int
    best_epoch: int
    figures: Figures
    differs: dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """Runs that have ended, and the mixture of their models with equal weights; None where there is none.

    `same_texts` says whether all runs have the same words and texts, so that their perplexities can be compared.
    """

    runs: list[Trained]
    mixture: Figures | None
    same_texts: bool = True

    def spread(self, text: str) -> tuple[float, float] | None:
        """Mean and standard deviation of the runs' perplexities on the text "valid" or "test".

        None where there is nothing to compare: a single run, runs of different texts, or no such text.
        """
        nlls = [getattr(run.figures, f"{text}_nll") for run in self.runs]
        if not self.same_texts or len(nlls) < 2 or None in nlls:
            return None
        perplexities = np.exp(nlls)
        return float(perplexities.mean()), float(perplexities.std(ddof=1))


def repeated(settings: Settings, count: int) -> list[Settings]:
    """The same settings with the seeds seed, seed + 1, … UsageError for fewer than 2 runs."""
    if count < 2:
        raise UsageError(f"runs={count} is too few. Give runs >= 2, or a TOML file of runs.")
    first: Any = settings
    return [replace(first, output=None, seed=first.seed + i) for i in range(count)]


class Runs:
    """Runs in processes of their own, `jobs` at a time; None is as many as the cores allow, and one on a GPU.

    Each run trains the model that it would train alone; the order and the jobs make no difference. The mixture of all
    models with equal weights goes to `output`. A run whose settings name no `output` writes to that of the mixture with
    its number, m.rnnlm -> m.1.rnnlm, and its checkpoint beside it. With mixture=False there is no mixture, and `output`
    only gives the runs' files their names; the runs may then differ in their words and texts, and one run is enough.
    `reads` are files from which the settings come, which no run may replace. All outputs are locked against other
    processes until `conclude` has ended, or `fit` without being done; `command` is what those are told, and stands in
    the models' records.
    With `resume` the runs that have ended are kept, those that were cut off go on, the others start. Each has the
    `threads` of the settings; None shares the cores between the jobs. Everything is checked before the first run
    starts: UsageError and DataError as for `Run`, and DataError for runs whose vocabularies, validation or test texts
    differ, so that they could not be mixed. `data` are the texts of each run.
    """

    def __init__(
        self,
        settings: Sequence[Settings],
        output: str | Path,
        *,
        jobs: int | None = None,
        mixture: bool = True,
        reads: Sequence[NamedFile] = (),
        command: str = "",
    ) -> None:
        if mixture and len(settings) < 2:
            raise UsageError(
                f"there is {len(settings)} run, which is too few to be mixed. Give at least 2, or mixture=False."
            )
        if not settings:
            raise UsageError("there are no runs. Give at least one.")
        if jobs is not None and jobs < 1:
            raise UsageError(f"jobs={jobs} is too few. Give a whole number >= 1.")
        self.output, self.command, self.mixture = Path(output), command, mixture
        if mixture:
            require_writable(self.output, "the mixture")
        chosen, self.device = settings[0].on_this_machine()
        machine = ops.backend()
        # Backend and precision are chosen in this process, and its children use the same.
        same: dict[str, Any] = {"threads": None, "backend": chosen.backend, "precision": chosen.precision}
        self.settings = [
            replace(one, **same, output=one.output or path_with(self.output, str(number)))
            for number, one in enumerate(settings, 1)
        ]
        self._require_files()
        self._check_paths(reads)
        self.ended: set[int] = set()
        self._locks: list[OutputLock] = []
        try:
            for path in (*([self.output] if mixture else []), *(one.output for one in self.settings)):
                self._locks.append(OutputLock(str(path), command))
            self.data: list[Data] = []
            for number in range(1, len(settings) + 1):
                self.data.append(self._texts(number, self._checked(number)))
        except BaseException:
            self.release()
            raise
        release(self.device)  # memory that the checks took, which the processes need
        remaining = max(1, len(settings) - len(self.ended))
        default = 1 if self.device.name == "gpu" else max(1, ops.cores() // (settings[0].threads or 1))
        self.jobs = min(jobs or default, remaining)
        self.threads = settings[0].threads or max(1, machine.threads // self.jobs)

    def release(self) -> None:
        """Let other processes write to the outputs."""
        for lock in self._locks:
            lock.release()

    def fit(self, on_message: Callable[[int, Message], None] = lambda number, message: None) -> str:
        """Train the runs that have not ended yet; returns "done", or "interrupted" after Ctrl-C, which ends every run.

        `on_message` is called with a run's number and each of its messages. Where a run fails, the others go on to
        their ends; then UsageError or RnnlmError says which run failed, and why.
        """
        reason = ""
        try:
            reason = self._fit(on_message)
        finally:
            if reason != "done":
                self.release()
        return reason

    def _fit(self, on_message: Callable[[int, Message], None]) -> str:
        failures: dict[int, Failed] = {}

        def receive(number: int, values: dict[str, Any]) -> None:
            message = from_json(values)
            if isinstance(message, Failed):
                failures[number] = message
            on_message(number, message)

        requests = {
            number: {"settings": settings.to_json(), "command": self.command}
            for number, settings in enumerate(self.settings, 1)
            if number not in self.ended
        }
        ended = run_in_processes(requests, self.jobs, receive, self.threads)
        if len(ended) < len(requests) or any(worker.status == INTERRUPTED for worker in ended.values()):
            return "interrupted"
        for number, worker in sorted(ended.items()):
            if worker.status:
                raise _failure(number, worker, failures.get(number))
        return "done"

    def conclude(self) -> Outcome:
        """Score the models of all runs on validation and test text; write their mixture, if it is wanted."""
        try:
            return self._conclude()
        finally:
            self.release()

    def _conclude(self) -> Outcome:
        runs, models, records = [], [], []
        for number, (settings, data) in enumerate(zip(self.settings, self.data, strict=True), 1):
            path = Path(str(settings.output))
            model = load(path, device=self.device, trust=settings.names)
            records.append({**settings.to_json(), **_record(model)})  # how long a run may be is no part of its record
            if self.mixture:
                models.append(model)
            best = max(entry["epoch"] for entry in model.log if entry["kind"] == "epoch" and entry["best"])
            runs.append(Trained(number, settings.seed, best, figures_of(model, data, f"run {number}", path), {}))
        runs = [replace(run, differs=differs) for run, differs in zip(runs, differences(records), strict=True)]
        same_texts = all(data is self.data[0] for data in self.data)
        if not self.mixture:
            return Outcome(runs, None, same_texts)
        write_mixture(models, [run.figures.path for run in runs], self.output)
        return Outcome(runs, figures_of_mixture([run.figures for run in runs], "mixture", self.output))

    def _checked(self, number: int) -> Data:
        """The texts of a run, after checking that it can start or be resumed, or has ended with the same settings."""
        settings = self.settings[number - 1]
        path = Path(str(settings.output))
        unfinished = checkpoint_of(path).exists()
        if settings.resume and path.exists() and not unfinished:  # its checkpoint was deleted
            self.ended.add(number)
        self.settings[number - 1] = settings = replace(settings, resume=settings.resume and unfinished)
        try:
            run = Run(settings, locked=True)
            if run.resumed and run.has_ended and path.exists():
                self.ended.add(number)
            elif number in self.ended:
                ended = Snapshot(path, Stored({"run": _record(load_any(path, trust=None))}, {}))
                ended.require_same(_record(run.model), Settings.comparable)
        except RnnlmError as error:
            raise type(error)(f"run {number}: {error}") from error
        return run.data

    def _require_files(self) -> None:
        """UsageError for standard input, which could be read by one run only."""
        for settings in self.settings:
            for name in ("text", "valid", "test"):
                if str(getattr(settings, name)) == "-":
                    raise UsageError(
                        f"standard input can be read once, and there are several runs. Give the {name} as a file."
                    )

    def _check_paths(self, reads: Sequence[NamedFile]) -> None:
        """UsageError for an output that would replace another one, or a file that any run reads."""
        outputs = [NamedFile("the mixture", self.output)] if self.mixture else []
        sources = list(reads)
        for number, settings in enumerate(self.settings, 1):
            files = run_outputs(Path(str(settings.output)))
            outputs += [NamedFile(f"{use} of run {number}", path) for use, path in files]
            sources += Run.reads(settings)
        require_apart(sources, outputs)

    def _texts(self, number: int, data: Data) -> Data:
        """The texts of a run; those of an earlier run where they are the same, so that they are held once.

        DataError where they are others than those of run 1, and the models are to be mixed.
        """
        for earlier in self.data:
            if _difference(earlier, data) is None:
                return earlier
        difference = _difference(self.data[0], data) if self.data else None
        if difference is not None and self.mixture:
            name, advice = difference
            raise DataError(
                f"run {number} has another {name} than run 1, so they cannot be mixed. "
                f"Give all runs the same {advice}, or mixture=False."
            )
        return data


def _difference(one: Data, two: Data) -> tuple[str, str] | None:
    """The first difference between the texts of two runs, and the settings on which it depends."""
    for name, first, second, settings in (
        ("vocabulary", one.train.vocabulary.hash, two.train.vocabulary.hash, "text, max_vocab and min_count"),
        ("tokenizer", one.train.encoding, two.train.encoding, "tokens"),
        ("validation text", _identity(one.valid), _identity(two.valid), "text and valid"),
        ("test text", _identity(one.test), _identity(two.test), "text and test"),
    ):
        if first != second:
            return name, settings
    return None


def _failure(number: int, worker: Worker, failed: Failed | None) -> RnnlmError:
    """The error for a run that failed: its own message where it sent one, or else how its process ended."""
    status = worker.status or 0
    last = worker.errors[-1] if worker.errors else f"its process ended with status {status}."
    reason = failed.message if failed else f"killed by signal {-status}." if status < 0 else last
    kind = UsageError if failed is not None and failed.error == UsageError.__name__ else RnnlmError
    return kind(f"run {number} failed: {reason} What is done is kept; once that is put right, go on with `resume`.")


def _record(model: Model) -> dict[str, Any]:
    """The settings with which a model was trained, from its log."""
    run: dict[str, Any] = next((entry for entry in model.log if entry["kind"] == "run"), {})
    return {name: value for name, value in run.items() if name not in ("kind", "command")}


def _identity(corpus: Corpus | None) -> tuple[str, int] | None:
    return None if corpus is None else (corpus.sha256, len(corpus))
