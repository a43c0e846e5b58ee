"""Checks of whole models: distributions, independence of parallel streams, files, and the numbers of every backend."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..cache_folder import scratch_folder
from ..models import (
    CLASSIFIERS,
    KINDS,
    MODELS,
    CacheLM,
    Classifier,
    ContinuousCacheLM,
    CustomLM,
    LanguageModel,
    MixtureLM,
    NgramLM,
    RecurrentLM,
    WithUnkLM,
    load_any,
)
from ..models.model import Model, Network
from ..text.corpus import Corpus
from ..text.vocabulary import Vocabulary
from .cases import own
from .finding import Check, Measured, distance, furthest, worst
from .machines import NUMPY, Machine, host

V, H = 50, 64
T, B = 12, 48  # with H, enough work for a second thread
X, Y = np.random.default_rng(1).integers(0, V, (2, T, B))
SHAPE, LABELS = (16, 16, 1), ("a", "b", "c")
IMAGES = np.random.default_rng(2).normal(size=(6, *SHAPE))
ANSWERS = np.array([0, 2, 1, 1, 0, 2])
TRAIN = (3, 1)  # seed and number of the update, which dropout masks depend on

Make = Callable[[str], Any]  # precision -> model


def makers() -> Iterator[tuple[str, str, Make]]:
    """Yield (kind, variant, function that makes the model in a precision) for every kind of model."""
    for kind in MODELS:
        yield kind, "full softmax", partial(recurrent, kind, classes=0)
        yield kind, "classes", partial(recurrent, kind, classes=7)
    yield CustomLM.kind, "", partial(recurrent, CustomLM.kind, classes=7, recurrence=f"{own.__file__}:ELMAN")
    yield NgramLM.kind, "", ngram
    yield CacheLM.kind, "", lambda dtype: CacheLM(recurrent("elman", dtype), strengths=[5.0, 3.0], decay=0.9)
    yield ContinuousCacheLM.kind, "", lambda dtype: ContinuousCacheLM(recurrent("elman", dtype), size=7)
    yield MixtureLM.kind, "", lambda dtype: MixtureLM([recurrent("rnnlm", dtype), ngram(dtype)], [0.3, 0.7])
    yield WithUnkLM.kind, "", lambda dtype: WithUnkLM(recurrent("elman", dtype))
    for kind in CLASSIFIERS:
        yield kind, "", partial(classifier, kind)


def recurrent(kind: str, dtype: str, **config: Any) -> RecurrentLM:
    """Return a recurrent model with random weights, so that its distributions are far from uniform."""
    make: Any = KINDS[kind]
    model: RecurrentLM = make(vocabulary(), hidden=H, dropout=0.3, dtype=dtype, **config)
    rng = np.random.default_rng(3)
    for param in model.params.values():
        param.value += rng.normal(0, 0.1, param.value.shape).astype(np.float32)
    return model


def classifier(kind: str, dtype: str) -> Classifier:
    """Return a classifier of small images, with its initial weights."""
    make: Any = CLASSIFIERS[kind]
    return make(SHAPE, LABELS, dtype=dtype)


def ngram(dtype: str) -> LanguageModel:
    """Return a trigram model of 3,000 random tokens, whose frequencies follow Zipf's law."""
    ids = np.random.default_rng(4).zipf(1.5, 3000).clip(1, V) - 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that so small a vocabulary has no rare words
        return NgramLM.train(Corpus(ids.astype(np.int32), vocabulary()), order=3, dtype=dtype)


def vocabulary() -> Vocabulary:
    """Return a vocabulary of V words with falling counts, without `<unk>`."""
    return Vocabulary(["</s>", *(f"w{i}" for i in range(1, V))], np.arange(V, 0, -1) ** 2)


def checks() -> list[Check]:
    """Return a check for each model of `makers`."""
    return [
        Check("models", kind, variant, partial(measure, make), kind in MODELS or kind in CLASSIFIERS)
        for kind, variant, make in makers()
    ]


def measure(make: Make, machine: Machine, dtype: str) -> Measured:
    """Return the errors of one model: of its distributions, its file, and on other machines against NumPy."""
    model = placed(make(dtype), machine)
    errors = of_classifier(model) if isinstance(model, Classifier) else of_language_model(model)
    errors["file"] = reloaded(model, machine)
    if machine != NUMPY:
        with NUMPY.working():
            theirs = numbers(make(dtype))
        errors["NumPy"] = furthest(numbers(placed(make(dtype), machine)), theirs)
    return errors


def placed(model: Any, machine: Machine) -> Any:
    """Return the model after moving its parameters, if it has any, to a machine."""
    if isinstance(model, Network):
        machine.place(model.params)
    return model


def of_language_model(lm: LanguageModel) -> dict[str, tuple[float, str]]:
    """Return the errors of sums of P, of scores against distributions, and of a batch against single streams."""
    logp, _ = lm.distributions(X, lm.start(B))
    logp, scores = host(logp).astype(np.float64), host(lm.score(X, Y, lm.start(B))[0])
    alone = [host(lm.score(X[:, b : b + 1], Y[:, b : b + 1], lm.start(1))[0]) for b in (0, B // 2, B - 1)]
    return {
        "Σ P = 1": (float(np.abs(np.exp(logp).sum(2) - 1).max()), ""),
        "scores": (distance(scores, np.take_along_axis(logp, Y[:, :, None], 2)[:, :, 0]), ""),
        "alone": (distance(scores[:, [0, B // 2, B - 1]], np.concatenate(alone, 1)), ""),
    }


def of_classifier(model: Classifier) -> dict[str, tuple[float, str]]:
    """Return the errors of sums of P, of losses against probabilities, and of a batch against single images."""
    p, outputs = model.probabilities(IMAGES), model.outputs(IMAGES)
    losses = host(model.forward(IMAGES, ANSWERS)[0])
    return {
        "Σ P = 1": (float(np.abs(p.sum(1) - 1).max()), ""),
        "scores": (distance(losses, -np.log(p[np.arange(len(p)), ANSWERS])), ""),
        "alone": (distance(outputs, model.outputs(IMAGES, batch=1)), ""),
    }


def reloaded(model: Model, machine: Machine) -> tuple[float, str]:
    """Return the largest error of a saved and loaded model (arrays, scores, the file that it writes), and its name."""
    with scratch_folder() as folder:
        first, second = Path(folder, "first.rnnlm"), Path(folder, "second.rnnlm")
        model.save(first)
        again = load_any(first, trust=True)
        again.save(second)
        same = first.read_bytes() == second.read_bytes()
    error, name = furthest(*({k: a for k, a in m.to_arrays()[1].items() if a.size} for m in (again, model)))
    scores = distance(scored(placed(again, machine)), scored(model))
    return worst({name: error, "scores": scores, "the file of the loaded model": 0.0 if same else float("inf")})


def scored(model: Any) -> np.ndarray:
    """Return the outputs of a classifier for the images, or log P of a language model (T, B)."""
    if isinstance(model, Classifier):
        return model.outputs(IMAGES)
    return host(model.score(X, Y, model.start(B))[0])


def numbers(model: Any) -> dict[str, np.ndarray]:
    """Return by name the scores, and for networks the losses and gradients of one training window or batch."""
    arrays = {"scores": scored(model)}
    if isinstance(model, Network):
        network: Any = model
        arguments = (IMAGES, ANSWERS) if isinstance(model, Classifier) else (X, Y, network.start(B))
        loss, _, tape = network.forward(*arguments, train=TRAIN)
        network.backward(tape, 1 / loss.size)
        arrays["losses"] = host(loss)
        arrays |= {name: host(param.grad) for name, param in model.params.items()}
    return arrays
