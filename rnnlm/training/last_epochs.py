"""Two cheap ensembles of one run: the mean of its last epochs' weights, and the mixture of their models."""

from __future__ import annotations

from pathlib import Path

from ..errors import UsageError
from ..models import LanguageModel, load
from ..models.averaging import average
from ..models.recurrent import RecurrentLM
from .events import Epoch, Event
from .figures import Figures, beside, judge, mixed, write_mixture
from .run import Run


class LastEpochs:
    """An observer of a run that keeps the models of its last `count` epochs in files beside the output.

    m.rnnlm -> m.epoch-7.rnnlm. So a run that was cut off and resumed still has them. An epoch whose weights the
    schedule threw away (`halving` does, after one that was worse) does not count. Raises UsageError for count < 2 and
    for a run without an output.
    """

    def __init__(self, run: Run, count: int) -> None:
        if count < 2:
            raise UsageError(f"last={count} is too few epochs to average. Give a whole number >= 2.")
        if run.output is None:
            raise UsageError(
                "last needs an output file, beside which to keep the epochs' models. Give it with -o FILE."
            )
        self.run, self.count, self.output = run, count, run.output
        run.trainer.observers.append(self)

    def __call__(self, event: Event) -> None:
        if isinstance(event, Epoch) and not event.restored:
            self.run.model.save(self.path(event.epoch))
            for epoch in self._epochs()[: -self.count]:
                self.path(epoch).unlink(missing_ok=True)

    def path(self, epoch: int) -> Path:
        """The file of an epoch's model."""
        return beside(self.output, f"epoch-{epoch}")

    def conclude(self, *, keep: bool = False) -> list[Figures]:
        """The figures of the best epoch, the average and the mixture, once the run has ended; the last two are written.

        They go to m.average.rnnlm and m.checkpoints.rnnlm; the epochs' models are removed unless `keep`. The list is
        empty when fewer than two epochs have left a model.
        """
        epochs = [epoch for epoch in self._epochs()[-self.count :] if self.path(epoch).exists()]
        models = [load(self.path(epoch), device=self.run.device) for epoch in epochs]
        figures = self._figures(epochs, models) if len(epochs) > 1 else []
        if not keep:
            for epoch in epochs:
                self.path(epoch).unlink()
        return figures

    def _figures(self, epochs: list[int], models: list[LanguageModel]) -> list[Figures]:
        """Writes the average and the mixture of the epochs' models."""
        mean = average([model for model in models if isinstance(model, RecurrentLM)])
        data, best = self.run.data, self.run.trainer.progress.best_epoch
        several = f"epochs {', '.join(map(str, epochs))}"
        alone = [judge(model, data, "", self.path(epoch)) for model, epoch in zip(models, epochs, strict=True)]
        averaged, mixture = beside(self.output, "average"), beside(self.output, "checkpoints")
        mean.save(averaged)
        write_mixture(models, [self.path(epoch) for epoch in epochs], mixture)
        return [
            judge(self.run.model, data, f"best epoch, {best}", self.output),
            judge(mean, data, f"average of {several}", averaged),
            mixed(alone, f"mixture of {several}", mixture),
        ]

    def _epochs(self) -> list[int]:
        """The epochs of this run whose weights it went on with."""
        log = self.run.model.log
        return [entry["epoch"] for entry in log if entry["kind"] == "epoch" and not entry["restored"]]
