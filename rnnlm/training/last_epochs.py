"""Two cheap ensembles of one run: the mean of its last epochs' weights, and the mixture of their models."""

from __future__ import annotations

import glob
from pathlib import Path

from ..declared_files import NamedFile, require_apart
from ..errors import UsageError
from ..models import LanguageModel, load
from ..models.averaging import average
from ..models.recurrent import RecurrentLM
from ..output_files import require_writable
from ..output_lock import OutputLock
from .events import Epoch, Event
from .figures import Figures, figures_of, figures_of_mixture, path_with, write_mixture
from .run import Run
from .run_files import run_outputs
from .settings import Settings


class LastEpochs:
    """An observer of a run that keeps the models of its last `count` epochs in files beside the output.

    m.rnnlm -> m.epoch-7.rnnlm. So a run that was cut off and resumed still has them. An epoch whose weights the
    schedule discarded (`halving` does, after an epoch that was worse) does not count. Raises UsageError for count < 2
    and for a run without an output.
    """

    def __init__(self, run: Run, count: int) -> None:
        self.check(run.settings, count)
        self.run, self.count, self.output = run, count, Path(str(run.output))
        self.average, self.mixture = path_with(self.output, "average"), path_with(self.output, "checkpoints")
        run.trainer.observers.append(self)

    @staticmethod
    def check(settings: Settings, count: int) -> None:
        """Raise what the constructor would, before the run is made and reads its texts.

        UsageError for a file of the last epochs that the run reads, DataError for one that cannot be written.
        """
        if count < 2:
            raise UsageError(f"last={count} is too few epochs to average. Give a whole number >= 2.")
        if settings.output is None:
            raise UsageError("last needs an output file, beside which to keep the epochs' models. Give it as `output`.")
        output = Path(settings.output)
        average, mixture = path_with(output, "average"), path_with(output, "checkpoints")
        # Of the models of epochs those that exist: no other can be a file that is read.
        epochs = output.parent.glob(f"{glob.escape(output.stem)}.epoch-*{glob.escape(output.suffix)}")
        files = [NamedFile("the average", average), NamedFile("the mixture of the epochs", mixture)]
        files += [NamedFile("the epoch's model", path) for path in epochs]
        require_apart(Run.reads(settings), [*run_outputs(output), *files])
        require_writable(average, "the average")
        require_writable(mixture, "the mixture of the epochs")  # no name of an epoch's model is longer

    def __call__(self, event: Event) -> None:
        if isinstance(event, Epoch) and not event.restored:
            self.run.model.save(self.path(event.epoch))
            for epoch in self._epochs()[: -self.count]:
                self.path(epoch).unlink(missing_ok=True)

    def path(self, epoch: int) -> Path:
        """The file of an epoch's model."""
        return path_with(self.output, f"epoch-{epoch}")

    def conclude(self, *, keep: bool = False) -> list[Figures]:
        """Write the average and the mixture of the last epochs, and return their figures after those of the best epoch.

        To be called when the run has ended. The files are m.average.rnnlm and m.checkpoints.rnnlm; the epochs' models
        are removed unless `keep`. The list is empty when fewer than two epochs have left a model.
        """
        with OutputLock(self.output):
            epochs = [epoch for epoch in self._epochs()[-self.count :] if self.path(epoch).exists()]
            models = [load(self.path(epoch), device=self.run.device, trust=self.run.settings.names) for epoch in epochs]
            figures = self._figures(epochs, models) if len(epochs) > 1 else []
            if not keep:
                for epoch in epochs:
                    self.path(epoch).unlink()
            return figures

    def _figures(self, epochs: list[int], models: list[LanguageModel]) -> list[Figures]:
        """Write the average and the mixture of the epochs' models; their figures, and before them the best epoch's."""
        mean = average([model for model in models if isinstance(model, RecurrentLM)])
        data, best = self.run.data, self.run.trainer.progress.best_epoch
        epochs_text = f"epochs {', '.join(map(str, epochs))}"
        members = [figures_of(model, data, "", self.path(epoch)) for model, epoch in zip(models, epochs, strict=True)]
        mean.save(self.average)
        write_mixture(models, [self.path(epoch) for epoch in epochs], self.mixture)
        return [
            figures_of(self.run.model, data, f"best epoch, {best}", self.output),
            figures_of(mean, data, f"average of {epochs_text}", self.average),
            figures_of_mixture(members, f"mixture of {epochs_text}", self.mixture),
        ]

    def _epochs(self) -> list[int]:
        """The epochs of this run whose weights it kept."""
        log = self.run.model.log
        return [entry["epoch"] for entry in log if entry["kind"] == "epoch" and not entry["restored"]]
