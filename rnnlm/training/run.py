"""A training run of a language model, from settings to a model file: `rnnlm train` and `rnnlm.train` are made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..evaluation.perplexity import Perplexity, perplexity
from ..models.recurrent import RecurrentLM
from ..optim import OPTIMIZERS
from ..options import signature
from ..own_source import file_of
from ..text.windows import window_count
from . import as_used, memory
from .base_run import BaseRun
from .checkpoint import Checkpoint
from .data import Data, load
from .events import Observer
from .fine_tuning import starting_model, with_structure
from .run_bar import RunBar
from .settings import Settings
from .trainer import Trainer


class Run(BaseRun[Settings, RecurrentLM]):
    """One training run of a language model: see `BaseRun`. `test()` reports on the test text, once."""

    source_names = ("text", "valid", "test", "from_model")
    model_class = RecurrentLM
    data: Data
    trainer: Trainer

    def test(self) -> Perplexity | None:
        """The perplexity of the test text; None when the run has none. OutOfMemory where scoring needs too much."""
        if self.data.test is None:
            return None
        with np.errstate(all="ignore"), memory.explain_scoring_out_of_memory(self.model, 1):
            return perplexity(self.model, self.data.test, progress=False)

    def _source(self) -> dict[str, Any]:
        return {**super()._source(), "valid_left_out": self.data.valid.left_out}

    def _sources(self) -> Mapping[str, str | Path | None]:
        code = {"recurrence": file_of(self.settings.model), "tokenizer": file_of(self.settings.tokens or "")}
        return {**super()._sources(), **code}

    def _start(self) -> RecurrentLM | None:
        if self.settings.from_model is None:
            return None
        model, sha256 = starting_model(self.settings)
        self.settings = with_structure(self.settings, model)
        self._start_hash = {"from_model": sha256}
        return model

    def _check(self) -> None:
        self.settings.model_keywords()

    def _load(self, resumed: RecurrentLM | None) -> Data:
        data = load(self.settings, resumed.encoding if resumed else None)
        if self.start is not None:
            data = replace(data, held_out_note="; ".join(filter(None, [data.held_out_note, self._unknown(data)])))
        window_count(len(data.train), self.settings.streams, self.settings.block)  # UsageError: more streams than words
        return data

    def _unknown(self, data: Data) -> str:
        """How many training tokens are words that the model to start from does not have; empty where none is."""
        unknown = data.train.unknown
        lacks = f"training tokens are words that {self.settings.from_model} does not have"
        return f"{unknown:,} of {len(data.train):,} {lacks}" if unknown else ""

    def _new_model(self) -> RecurrentLM:
        keywords = self.settings.model_keywords()
        return self.settings.model_class(self.data.train.encoding, **keywords)

    def _needs(self) -> list[memory.Need]:
        s = self.settings
        optimizer = OPTIMIZERS[s.optimizer]
        return memory.of_training(self.model, optimizer, block=s.block, horizon=s.horizon, streams=s.streams)

    def _trainer(self, checkpoint: Checkpoint | None, observers: Sequence[Observer]) -> Trainer:
        s = self.settings
        epochs, warmup = as_used.length_of(s, len(self.data.train))
        return Trainer(
            self.model,
            self._optimizer(as_used.rate_for(s.optimizer, self.model.config.get("activation"))),
            block=s.block,
            horizon=s.horizon,
            streams=s.streams,
            **self._loop_options(epochs, warmup, checkpoint, observers),
        )


def train(text: str | Path = "kjv", *, progress: bool | None = None, **settings: Any) -> RecurrentLM:
    """Train a model on a text and return it: `rnnlm.train("text.txt", hidden=200)`.

    The keywords are the fields of `rnnlm.training.Settings`, which are the options of `rnnlm train`. With `output` the
    model is written there too. `progress` shows a bar with the epoch and the perplexities; None does so in a notebook
    and at an interactive prompt. Raises UsageError, DataError, TrainingError and OutOfMemory.
    """
    with RunBar(progress, "token", perplexity=True) as bar:
        run = Run(Settings.of(text=text, **settings), observers=bar.observers)
        run.fit()
    return run.model


signature(train, Settings)
