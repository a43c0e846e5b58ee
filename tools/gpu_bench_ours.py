"""Our side of tools/gpu_bench.py: a model of a size, trained by `Trainer` on words drawn from Zipf's law."""

from __future__ import annotations

import gc
import importlib
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from bench_measures import zipf
from gpu_peers import CLIP, RATE

from rnnlm.models import MODELS
from rnnlm.ops import device
from rnnlm.text import Corpus
from rnnlm.training import SGD, Trainer
from rnnlm.training.events import Update

WARM_UP = 2  # windows before each slice
DRAWN = 1_000_000  # words at most; longer texts repeat them


@dataclass(frozen=True)
class Size:
    """A model's size and its windows: H hidden units, B streams of T steps, V words; classes 0 is the full softmax."""

    hidden: int
    streams: int
    words: int
    classes: int | None = 0
    steps: int = 35


def text(size: Size) -> Corpus:
    """A text of a hundred windows, of words drawn from Zipf's law."""
    return zipf(size.words, min(DRAWN, 100 * size.streams * size.steps))


class SliceEnded(BaseException):
    """Ends a training with its slice: copying the best weights to the host is no part of a window."""


class Ours:
    """A model of ours on the device `where`, and its training on the text `base`."""

    def __init__(self, size: Size, where: str, base: Corpus) -> None:
        self.size, self.where, self.corpus = size, where, base
        kind = "elman" if size.classes == 0 else "rnnlm"
        self.model = MODELS[kind](base.vocabulary, hidden=size.hidden, classes=size.classes, activation="tanh").to(
            where
        )
        self.optimizer = SGD(self.model.params, RATE)

    def fit(self, windows: int, observers: Any = ()) -> None:
        """Train for so many windows from the beginning of the text, none of them logged."""
        need = 50 * (windows + 1) * self.size.streams * self.size.steps
        if len(self.corpus) < need:
            self.corpus = Corpus(np.resize(self.corpus.ids, need), self.corpus.vocabulary, name=self.corpus.name)
        settings: dict[str, Any] = {"block": self.size.steps, "streams": self.size.streams, "clip": CLIP}
        Trainer(self.model, self.optimizer, max_updates=windows, observers=observers, **settings).fit(self.corpus)

    def run(self, windows: int) -> float:
        """The seconds of so many windows of training, after a few that warm up."""
        times: list[float] = []

        def tick(event: Any) -> None:
            if isinstance(event, Update) and event.updates in (WARM_UP, WARM_UP + windows):
                synchronize(self.where)
                times.append(time.perf_counter())
                if len(times) == 2:
                    raise SliceEnded

        with suppress(SliceEnded):
            self.fit(WARM_UP + windows, [tick])
        return times[1] - times[0]


def synchronize(where: str) -> None:
    """Wait until the GPU has done everything."""
    if where != "cpu":
        importlib.import_module("cupy").cuda.Device().synchronize()


def used_mb() -> float:
    """MB of the GPU's memory in use, by all processes together."""
    free, total = importlib.import_module("cupy").cuda.Device().mem_info
    return (total - free) / 1e6


def free_memory() -> None:
    """Free the GPU memory of models that are not used any more."""
    gc.collect()
    device.release(device.current_gpu())
