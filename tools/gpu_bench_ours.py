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
TEXT = 1_000_000  # words that are drawn; longer texts repeat them


@dataclass(frozen=True)
class Size:
    """What is trained: H hidden units, B streams of T steps, V words; classes None: √V of them, 0: the full softmax."""

    hidden: int
    streams: int
    words: int
    classes: int | None = 0
    steps: int = 35


def text(size: Size) -> Corpus:
    """Some windows of words."""
    return zipf(size.words, min(TEXT, 100 * size.streams * size.steps))


class Enough(BaseException):
    """Ends a training where the slice ends: copying the best weights to the host is no part of a window."""


class Ours:
    """A model of ours on a machine; `run` is so many windows of its training -> seconds."""

    def __init__(self, size: Size, where: str, base: Corpus) -> None:
        self.size, self.where, self.corpus = size, where, base
        kind = "elman" if size.classes == 0 else "rnnlm"
        self.model = MODELS[kind](base.vocabulary, hidden=size.hidden, classes=size.classes, activation="tanh").to(
            where
        )
        self.optimizer = SGD(self.model.params, RATE)

    def fit(self, windows: int, observers: Any = ()) -> None:
        """So many windows from the beginning of the text, none of them logged."""
        need = 50 * (windows + 1) * self.size.streams * self.size.steps
        if len(self.corpus) < need:
            self.corpus = Corpus(np.resize(self.corpus.ids, need), self.corpus.vocabulary, name=self.corpus.name)
        settings: dict[str, Any] = {"block": self.size.steps, "streams": self.size.streams, "clip": CLIP}
        Trainer(self.model, self.optimizer, max_updates=windows, observers=observers, **settings).fit(self.corpus)

    def run(self, windows: int) -> float:
        times: list[float] = []

        def tick(event: Any) -> None:
            if isinstance(event, Update) and event.updates in (WARM_UP, WARM_UP + windows):
                wait(self.where)
                times.append(time.perf_counter())
                if len(times) == 2:
                    raise Enough

        with suppress(Enough):
            self.fit(WARM_UP + windows, [tick])
        return times[1] - times[0]


def wait(where: str) -> None:
    """Until the GPU has done everything."""
    if where != "cpu":
        importlib.import_module("cupy").cuda.Device().synchronize()


def held() -> float:
    """MB of the GPU's memory that are taken, by anybody."""
    free, total = importlib.import_module("cupy").cuda.Device().mem_info
    return (total - free) / 1e6


def clean() -> None:
    """Let go of the models before."""
    gc.collect()
    device.release(device.current_gpu())
