"""A training run of a language model, from settings to a model file: `rnnlm train` and `rnnlm.train` are made of it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .. import catalogue
from ..declared_files import NamedFile
from ..evaluation.baselines import Baselines, baselines
from ..evaluation.perplexity import Perplexity, perplexity
from ..layers import WithoutWeights
from ..models.recurrent import RecurrentLM
from ..optim import OPTIMIZERS
from ..option_help import signature
from ..own_source import Trust, file_of
from ..text.windows import window_count
from . import as_used, memory
from .base_run import BaseRun
from .checkpoint import Checkpoint
from .data import Data, load
from .events import Epoch, Event, Observer
from .fine_tuning import starting_model, with_structure
from .learning_rate import LearningRate, earlier_learning_rate, learning_rate_of
from .run_bar import RunBar
from .settings import Settings
from .trainer import Trainer
from .verdict import Verdict


class Run(BaseRun[Settings, RecurrentLM]):
    """One training run of a language model: see `BaseRun`. `test()` reports on the test text, once."""

    source_name = "text"
    model_class = RecurrentLM
    data: Data
    trainer: Trainer
    _warned = False

    def test(self) -> Perplexity | None:
        """The perplexity of the test text; None when the run has none. OutOfMemory where scoring needs too much."""
        if self.data.test is None:
            return None
        with np.errstate(all="ignore"), memory.explain_scoring_out_of_memory(self.model, 1):
            return perplexity(self.model, self.data.test, progress=False)

    def _source(self) -> dict[str, Any]:
        return {**super()._source(), "valid_left_out": self.data.valid.left_out}

    @staticmethod
    def reads(settings: Settings) -> list[NamedFile]:
        """See `BaseRun.reads`: the texts, the model from which it starts, and the user's own Python files."""
        texts = {"the text": settings.text, "the validation text": settings.valid, "the test text": settings.test}
        files = [NamedFile(use, path) for use, text in texts.items() if text for path in catalogue.files_of(text)]
        return [
            *files,
            NamedFile("the model that it starts from", settings.from_model),
            NamedFile("the recurrence", file_of(settings.model)),
            NamedFile("the tokenizer", file_of(settings.tokens or "")),
        ]

    def _earlier_model(self) -> RecurrentLM | None:
        if self.settings.from_model is None:
            return None
        model, sha256 = starting_model(self.settings, self.trust)
        self.settings = with_structure(self.settings, model)
        self._earlier_hash = {"from_model": sha256}
        return model

    def _trust(self, trust: Trust) -> Trust:
        return True if self.settings.trust else trust

    @cached_property
    def baselines(self) -> Baselines:
        """What the validation text costs without a network."""
        return baselines(self.data.valid)

    @property
    def verdict(self) -> Verdict | None:
        """The validation figure of the best epoch beside the baselines; None before the first epoch has ended."""
        best = [entry["valid_nll"] for entry in self.model.log if entry["kind"] == "epoch" and entry["best"]]
        return self._verdict(best[-1]) if best else None

    def _train(self) -> str:
        reason = super()._train()
        self.model.log[:] = [entry for entry in self.model.log if entry["kind"] != "verdict"]  # of a shorter run
        verdict = self.verdict
        if reason != "interrupted" and verdict is not None and verdict.text:
            self.model.log.append({"kind": "verdict", **verdict.as_dict()})
            self._warn(verdict)
        return reason

    def _watch(self, event: Event) -> None:
        """Warn where the best epoch so far is worse than no model at all, for a long run should not go on so."""
        if isinstance(event, Epoch) and event.best and event.valid_nll is not None and not event.stop:
            verdict = self._verdict(event.valid_nll)
            if verdict.is_hopeless:
                self._warn(verdict)

    def _warn(self, verdict: Verdict) -> None:
        """RuntimeWarning with the verdict, the first time."""
        if not self._warned:
            self._warned = True
            warnings.warn(verdict.text, RuntimeWarning, stacklevel=2)

    def _verdict(self, nll: float) -> Verdict:
        activation, updates = self.model.config.get("activation"), self.trainer.progress.updates
        return Verdict.of(
            nll,
            self.baselines,
            self.settings,
            lr=self.learning_rate.lr,
            updates=updates,
            activation=activation,
            unit=self.data.train.encoding.unit,
        )

    def _check(self) -> None:
        self.settings.model_keywords()

    def _load(self, resumed: RecurrentLM | None) -> Data:
        data = load(self.settings, resumed.encoding if resumed else None)
        if self.earlier_model is not None:
            data = replace(data, held_out_note="; ".join(filter(None, [data.held_out_note, self._unknown(data)])))
        window_count(len(data.train), self.settings.streams, self.settings.block)  # UsageError: too many streams
        return data

    def _unknown(self, data: Data) -> str:
        """How many training tokens are words that the model to start from does not have; empty where none is."""
        unknown = data.train.unknown
        lacks = f"training tokens are {data.train.encoding.unit}s that {self.settings.from_model} does not have"
        return f"{unknown:,} of {len(data.train):,} {lacks}" if unknown else ""

    def _new_model(self) -> RecurrentLM:
        keywords, encoding = self.settings.model_keywords(), self.data.train.encoding
        if not file_of(self.settings.model):  # only running a user's own file tells how many weights it has
            memory.require_room(self.settings.model_class(encoding, rng=WithoutWeights(), **keywords))
        return self.settings.model_class(encoding, **keywords)

    def _learning_rate(self, *, earlier: bool = False) -> LearningRate:
        _, updates = as_used.length_of(self.settings, len(self.data.train))
        rule = earlier_learning_rate if earlier else learning_rate_of
        return rule(self.settings, self.model, updates)

    def _needs(self) -> list[memory.Need]:
        s = self.settings
        optimizer = OPTIMIZERS[s.optimizer]
        return memory.of_training(self.model, optimizer, block=s.block, horizon=s.horizon, streams=s.streams)

    def _trainer(self, checkpoint: Checkpoint | None, observers: Sequence[Observer]) -> Trainer:
        s = self.settings
        epochs, _ = as_used.length_of(s, len(self.data.train))
        return Trainer(
            self.model,
            self._optimizer(),
            block=s.block,
            horizon=s.horizon,
            streams=s.streams,
            **self._loop_options(epochs, checkpoint, [*observers, self._watch]),
        )


def train(text: str | Path = "kjv", *, progress: bool | None = None, **settings: Any) -> RecurrentLM:
    """Train a model on a text and return it: `rnnlm.train("text.txt", hidden=200)`.

    The keywords are the fields of `rnnlm.training.Settings`, which are the options of `rnnlm train`. With `output` the
    model is written there too. `progress` shows a bar with the epoch and the perplexities; None does so in a notebook
    and at an interactive prompt. After Ctrl-C the model so far is returned. After SIGTERM and a closed terminal, which
    end a training in the same way, SystemExit ends the process. Raises UsageError, DataError, TrainingError and
    OutOfMemory.
    """
    with RunBar(progress, "token", perplexity=True) as bar:
        run = Run(Settings.of(text=text, **settings), observers=bar.observers)
        run.fit()
    run.trainer.obey()
    return run.model


signature(train, Settings)
