"""Whole models on the GPU and on the host: a part of tools/gpu_check.py."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from bench_measures import zipf
from gpu_check_operations import failed, relative, worst
from gpu_counts import counts

from rnnlm.checks.finding import Finding
from rnnlm.models import MODELS, load
from rnnlm.text import Corpus
from rnnlm.training import OPTIMIZERS, Trainer
from rnnlm.training.events import Update

ALLOWED = {"losses": 1e-4, "files": 1e-5}
SYNCHRONIZATIONS, LAUNCHES = 0, 40  # at most, in a window of training whose loss is not read


@dataclass(frozen=True)
class Sizes:
    """How large the models of the trainings are, and how long they train."""

    hidden: int = 64
    words: int = 500
    streams: int = 16
    steps: int = 20
    windows: int = 10


class Case(NamedTuple):
    """A kind of model and how it is trained."""

    kind: str
    config: dict[str, Any]
    rule: str  # the optimizer
    clip_by: str

    def __str__(self) -> str:
        return f"{self.kind}, {'classes' if self.config['classes'] else 'full softmax'}, {self.rule}"


def cases() -> Iterator[Case]:
    """Cases with every kind of model, full softmax and classes, every optimizer and both ways of clipping."""
    rules, ways = cycle(OPTIMIZERS), cycle(("norm", "value", "norm"))
    for kind in MODELS:
        for classes, more in ((0, {}), (7, {"layers": 2, "independent": True})):
            if kind == "convolution":
                more.pop("layers", None)
            config = {"classes": classes, "dropout": 0.1, "input_dropout": 0.1, **more}
            yield Case(kind, config, next(rules), next(ways))


def train(device: str, sizes: Sizes, case: Case) -> tuple[Any, list[float]]:
    """A model after some windows, and the loss of each."""
    corpus = zipf(sizes.words, sizes.streams * sizes.steps * (sizes.windows + 1))
    model = MODELS[case.kind](corpus.vocabulary, hidden=sizes.hidden, seed=3, **case.config).to(device)
    kind = OPTIMIZERS[case.rule]
    losses: list[float] = []

    def note(event: Any) -> None:
        if isinstance(event, Update):
            losses.append(event.nll)

    trainer = Trainer(
        model,
        kind(model.params, kind.default_rate / 2, l2=1e-5),
        block=sizes.steps,
        streams=sizes.streams,
        clip=0.5,
        clip_by=case.clip_by,
        max_updates=sizes.windows,
        observers=[note],
    )
    trainer.fit(corpus)
    return model, losses


def check_training(sizes: Sizes, kinds: list[str]) -> Iterator[Finding]:
    """Losses, bits and files of the kinds of models."""
    for case in cases():
        if case.kind in kinds:
            try:
                yield from check_case(sizes, case)
            except Exception as error:
                yield failed("training", str(case), "float32", error)


def check_case(sizes: Sizes, case: Case) -> Iterator[Finding]:
    """Losses, bits and files of one training on the GPU, twice, and on the host."""
    (on_gpu, losses), (again, _), (on_cpu, expected) = (train(device, sizes, case) for device in ("gpu", "gpu", "cpu"))
    error = worst(np.abs(np.array(losses) / np.array(expected) - 1))
    about: dict[str, Any] = {"section": "training", "what": str(case), "precision": "float32"}
    yield Finding(**about, judge="losses", error=error, allowed=ALLOWED["losses"], note=f"the last is {losses[-1]:.4f}")
    pairs = zip(on_gpu.params.values(), again.params.values(), strict=True)
    other = any(one.value.get().tobytes() != two.value.get().tobytes() for one, two in pairs)
    yield Finding(**about, judge="other bits", error=float(other))
    text, errors = zipf(sizes.words, 50 * sizes.streams), []
    with tempfile.TemporaryDirectory() as folder:
        for model, device in ((on_gpu, "cpu"), (on_cpu, "gpu")):
            file = Path(folder) / "model.rnnlm"
            model.save(file)
            opened = load(file, device=device)
            errors.append(relative(opened.perplexity(text).nll, model.perplexity(text).nll))
    yield Finding(**about, judge="files", error=worst(errors), allowed=ALLOWED["files"])


def check_counts(sizes: Sizes) -> Iterator[Finding]:
    """Waits and launches in a window of Elman and of the class-factorized softmax, whose loss is not read."""
    text = zipf(sizes.words, sizes.streams * sizes.steps)
    for kind, classes, rule in (("elman", 0, "sgd"), ("elman", 0, "adagrad"), ("rnnlm", 7, "adagrad")):
        model = MODELS[kind](text.vocabulary, hidden=sizes.hidden, classes=classes, dropout=0.1).to("gpu")
        counted = counts(unlogged(model, text, rule, sizes), sizes.windows)
        about = {"section": "counts", "what": f"{kind}, {'classes' if classes else 'full softmax'}, {rule}"}
        waits, launches = counted["synchronizations"], counted["launches"]
        yield Finding(**about, judge="waits", error=waits, allowed=SYNCHRONIZATIONS, note=counted["by"])
        note = "all" if launches is not None else "our own kernels only"
        launches = counted["ours"] if launches is None else launches
        yield Finding(**about, judge="launches", error=launches, allowed=LAUNCHES, note=note)


def unlogged(model: Any, text: Any, rule: str, sizes: Sizes) -> Callable[[int], None]:
    """A function that trains for so many windows, on a text so long that none of them is logged."""
    ids = np.resize(text.ids, 50 * 4 * sizes.windows * sizes.streams * sizes.steps)
    corpus = Corpus(ids, text.vocabulary, name=text.name)
    optimizer = OPTIMIZERS[rule](model.params, 0.01)

    def run(windows: int) -> None:
        settings: dict[str, Any] = {"block": sizes.steps, "streams": sizes.streams, "clip": 5.0}
        Trainer(model, optimizer, max_updates=windows, **settings).fit(corpus)

    return run
