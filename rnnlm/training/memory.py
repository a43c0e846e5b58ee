"""Estimates of the memory that a run needs, for the error where a machine has less of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from .. import limits
from ..errors import OutOfMemory
from ..evaluation.score import CELLS, LEAST, STEPS
from ..models.classifier import Classifier
from ..models.language_model import LanguageModel
from ..models.model import Network
from ..models.recurrent import RecurrentLM
from ..ops.device import Device, device_of
from ..ops.no_gpu import is_out_of_memory
from ..optim.optimizer import Optimizer

SMALLER_MODEL, SMALLER_CLASSIFIER = "fewer `hidden` units, a smaller `max_vocab`", "smaller `layers` or `blocks`"


class Need(NamedTuple):
    """Something that takes memory: what it is, how many bytes it takes at most, and what would make it smaller."""

    what: str
    bytes: int
    advice: str


@contextmanager
def explain_out_of_memory(needs: Sequence[Need], where: Device) -> Iterator[None]:
    """A context in which a MemoryError, or that of CUDA, becomes an OutOfMemory that names all needs."""
    try:
        yield
    except OutOfMemory:
        raise
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        place = "this machine" if where.name == "cpu" else where.description
        parts = ", ".join(f"{need.what} {_mb(need.bytes)}" for need in needs)
        largest = max(needs, key=lambda need: need.bytes)
        raise OutOfMemory(
            f"not enough memory on {place}. It takes about {_mb(sum(need.bytes for need in needs))}: {parts}. "
            f"What lowers the largest part: {largest.advice}."
        ) from error


def require_room(network: Network) -> None:
    """Raise OutOfMemory for a new network that this machine surely cannot hold, before any of it is made.

    The network has shapes only (`layers.WithoutWeights`). It is made on the host, wherever it is trained. Linux grants
    memory that is not there, and ends the process once it is written to.
    """
    sizes = [param.value.size for param in network.params.values()]
    drawn = max(sizes, default=0) * (_itemsize(network) + np.dtype(np.float64).itemsize)
    weights, room = _bytes(network), limits.memory(math.inf)
    if max(weights, drawn) > room:
        smaller = SMALLER_CLASSIFIER if isinstance(network, Classifier) else SMALLER_MODEL
        raise OutOfMemory(
            f"not enough memory on this machine for a network of {sum(sizes):,} weights: they take {_mb(weights)}, the "
            f"largest of its arrays {_mb(drawn)} while it is drawn in float64, and there are {_mb(int(room))} in all. "
            f"What lowers it: {smaller}."
        )


@contextmanager
def explain_scoring_out_of_memory(model: LanguageModel, streams: int) -> Iterator[None]:
    """`explain_out_of_memory` for the scoring of a text by a network; any other model's MemoryError stays as it is."""
    if not isinstance(model, RecurrentLM):
        yield
        return
    with explain_out_of_memory(of_scoring(model, streams), device_of(model.embedding.params["W"].value)):
        yield


def of_training(
    model: RecurrentLM, optimizer: type[Optimizer], *, block: int, horizon: int | None, streams: int
) -> list[Need]:
    """The memory to train a language model: N = streams · block tokens an update, tapes of horizon + block steps.

    These are upper limits, those of plain array code with gradients as large as the weights; kernels may need less.
    """
    reach = block + model.look_back if horizon is None else horizon
    steps = block if reach == block else reach + block
    shorter = "fewer `streams`, a shorter `block`"
    cheaper = f"{model.output.cheaper}, " if model.output.cheaper else ""
    output = model.output.numbers_per_token * _itemsize(model)
    return [
        *_of_weights(model, optimizer, SMALLER_MODEL),
        Need("tapes of a window", steps * streams * _per_token(model), f"{shorter}, fewer `hidden` units"),
        Need("its output layer", block * streams * output, f"{cheaper}{shorter}"),
    ]


def of_classifier(model: Classifier, optimizer: type[Optimizer], *, batch: int) -> list[Need]:
    """The memory to train a classifier by mini-batches of so many inputs; upper limits, as in `of_training`."""
    numbers = math.prod(model.shape) + model.units_per_input
    return [
        *_of_weights(model, optimizer, SMALLER_CLASSIFIER),
        Need("a mini-batch", 2 * batch * numbers * _itemsize(model), "a smaller `batch`"),
    ]


def of_scoring(model: RecurrentLM, streams: int) -> list[Need]:
    """The memory to score a text: the weights, and a window of `evaluation.score`."""
    units = model.units_per_token
    tokens = max(streams, min(max(STEPS, LEAST // units), CELLS // units))
    window = tokens * (_per_token(model) + model.output.numbers_per_token * _itemsize(model))
    return [
        Need("weights", _bytes(model), "device=cpu"),
        Need("a window", window, "fewer `streams`"),
    ]


def _of_weights(model: Network, optimizer: type[Optimizer], smaller: str) -> list[Need]:
    """The memory of weights, gradients and the optimizer; `smaller` is the advice that makes all of them smaller."""
    weights = _bytes(model)
    unallocated = object.__new__(optimizer)  # only its slot shapes are needed, so no memory is taken
    memory = sum(
        math.prod(unallocated.slot_shape(param, slot)) * param.value.dtype.itemsize
        for param in model.params.values()
        for slot in optimizer.slots
    )
    return [
        Need("weights", weights, smaller),
        Need("gradients", weights, smaller),
        Need("the optimizer's memory", memory, f"optimizer=row-adagrad or sgd, {smaller}"),
    ]


def _bytes(model: Network) -> int:
    return sum(param.value.nbytes for param in model.params.values())


def _itemsize(model: Network) -> int:
    return np.dtype(model.config["dtype"]).itemsize


def _per_token(model: RecurrentLM) -> int:
    """Bytes of one token between the input table and the output layer: each vector, and as much for its gradient."""
    states = sum(part.shape[1] for part in model.start(1))
    return 2 * (model.embedding_size + states + model.output_size) * _itemsize(model)


def _mb(size: int) -> str:
    return f"{max(size / 1e6, 0.1):,.1f} MB"
