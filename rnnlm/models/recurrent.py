"""The recurrent language model: input table, recurrence, output layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from ..errors import DataError, UsageError
from ..layers import Affine, Dropout, Embedding, Param
from ..layers.activations import check_activation
from ..ops import ops_for
from ..ops.arrays import Array
from ..ops.device import require_same
from ..outputs import ClassMap, ClassSoftmax, Output, Softmax
from ..recurrent import Elman, Recurrent, Stack
from ..text.encoding import Encoding, as_encoding
from ..text.vocabulary import Vocabulary
from .language_model import LanguageModel, State
from .model import Header, Network, set_params

FULL_SOFTMAX_BELOW = 1000  # words: under this a full softmax costs no more than two small ones
PARTITIONS = {"sqrt": ClassMap.by_sqrt_frequency, "frequency": ClassMap.by_frequency}


class Tape(NamedTuple):
    """What one window's forward pass leaves for its backward pass."""

    steps: int
    embedding: Any
    dropout: Any
    recurrent: Any
    output: Any  # None once the losses of this window have been used


class RecurrentLM(LanguageModel, Network):
    """Word -> row of the input table -> recurrent layers -> output layer -> P(next word).

    `hidden` units H in each of `layers` recurrent layers with the `activation` f. `classes`: None chooses √V classes
    (the full softmax under 1,000 words), 0 is the full softmax, C > 0 the class-factorized one, partitioned by
    `class_by`: "sqrt" (equal shares of √count) or "frequency". `dropout` acts on each layer's way up and on the way
    to the output, `input_dropout` on the rows of the input table. `independent`: the state is cleared at each
    sentence end. `seed` fixes the starting weights, `dtype` ("float32", "float64") the precision. Raises UsageError
    for a value out of range, DataError for a vocabulary of one word.
    """

    kind = "recurrent"

    def __init__(
        self,
        encoding: Encoding | Vocabulary,
        *,
        hidden: int = 200,
        layers: int = 1,
        activation: str = "tanh",
        classes: int | None = None,
        class_by: str = "sqrt",
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        independent: bool = False,
        seed: int = 1,
        dtype: str = "float32",
        class_map: ClassMap | None = None,
        **more: Any,
    ) -> None:
        self.config = {
            "hidden": hidden,
            "layers": layers,
            "activation": activation,
            "classes": classes,
            "class_by": class_by,
            "dropout": dropout,
            "input_dropout": input_dropout,
            "independent": independent,
            "seed": seed,
            "dtype": dtype,
            **more,
        }
        self.encoding = as_encoding(encoding)
        vocabulary = self.encoding.vocabulary
        _check(vocabulary, self.config)
        self._check_activation(activation)
        self.log: list[dict[str, Any]] = []
        rng = np.random.default_rng(seed)
        self.class_map = class_map or self._class_map(classes, class_by)
        self.embedding = Embedding(len(vocabulary), self.embedding_size, rng=rng, dtype=dtype)
        self.input_dropout = Dropout(input_dropout)
        self.output: Output
        if self.class_map is None:
            self.output = Softmax(len(vocabulary), self.output_size, rng=rng, dtype=dtype)
        else:
            self.output = ClassSoftmax(self.class_map, self.output_size, rng=rng, dtype=dtype)
        self.output.start_from(vocabulary.counts)
        self.recurrent = self._recurrent(rng)
        self.params: dict[str, Param] = {
            f"{part}.{name}": param
            for part, layer in (("embedding", self.embedding), ("recurrent", self.recurrent), ("output", self.output))
            for name, param in layer.params.items()
        }

    def facts(self) -> dict[str, Any]:
        classes = 0 if self.class_map is None else len(self.class_map)
        return {"classes": classes, "weights": sum(param.value.size for param in self.params.values())}

    def pack(self) -> tuple[Header, dict[str, Array]]:
        arrays = {name: param.value for name, param in self.params.items()}
        if self.class_map is not None:
            arrays["class_start"] = self.class_map.start
        return {}, arrays

    @classmethod
    def unpack(cls, encoding: Encoding, header: Header, arrays: dict[str, np.ndarray], folder: Path) -> Self:
        class_map = ClassMap(arrays["class_start"]) if "class_start" in arrays else None
        model = cls(encoding, class_map=class_map, **header["config"])
        set_params(model.params, arrays)
        return model

    @property
    def embedding_size(self) -> int:
        """The size of a row of the input table."""
        return self.config["hidden"]

    @property
    def output_size(self) -> int:
        """The size of the vector that goes into the output layer."""
        return self.config["hidden"]

    @property
    def look_back(self) -> int:
        """How many words before the newest one the model can see, where that is a number; 0 where it is not."""
        return 0

    def _check_activation(self, name: str) -> None:
        """UsageError for an activation that the layers do not have."""
        check_activation(name)

    def _recurrent(self, rng: np.random.Generator) -> Recurrent:
        """The recurrent layers; a subclass with another kind of layer writes this."""
        c = self.config
        H, dtype = c["hidden"], c["dtype"]
        between = [Affine(H, H, rng=rng, bias=False, dtype=dtype) for _ in range(c["layers"] - 1)]
        layers = [Elman(H, rng=rng, activation=c["activation"], dtype=dtype) for _ in range(c["layers"])]
        return Stack(layers, between, c["dropout"])

    def _class_map(self, classes: int | None, class_by: str) -> ClassMap | None:
        words = len(self.vocabulary)
        if classes is None:
            classes = 0 if words < FULL_SOFTMAX_BELOW else round(words**0.5)
        return PARTITIONS[class_by](self.vocabulary.counts, classes) if classes else None

    @property
    def units_per_token(self) -> int:
        if self.class_map is None:
            return len(self.vocabulary)
        return len(self.class_map) + int(self.class_map.sizes.max())

    def start(self, batch: int = 1) -> State:
        return self.recurrent.start(batch)

    def forward(
        self,
        x: np.ndarray,
        y: np.ndarray,
        state: State,
        keep: np.ndarray | None = None,
        *,
        train: tuple[int, int] | None = None,
        gradient: bool = True,
    ) -> tuple[Array, State, Tape]:
        """Score a window: x, y (T, B) word ids -> nll (T, B) in nats, the state after it, the tape for `backward`.

        With `gradient` False the tape is of no use, and the scores cost less. UsageError for a state that is on
        another device than the model.
        """
        rows, looked_up = self.embedding.forward(x)  # (T, B, H)
        require_same("state", state, rows)
        rows, mask = self.input_dropout.forward(rows, train=train)
        if keep is not None:
            keep = ops_for(rows).asarray(keep, rows.dtype)
        h, state, tape = self.recurrent.forward(rows, state, keep, train=train)  # (T, B, H)
        flat = h.reshape(-1, h.shape[-1])
        nll, scored = self.output.forward(flat, y.reshape(-1), gradient=gradient)  # (N,)
        return nll.reshape(x.shape), state, Tape(len(x), looked_up, mask, tape, scored)

    def backward(self, tape: Tape, scale: float | None, dstate: State | None = None, stop: int = 0) -> State:
        """Add the gradient of scale · Σ nll to every parameter; returns that of the state before step `stop`.

        `scale` None: this window's losses count no more, only `dstate` flows back through it.
        """
        dh = None
        if scale is not None:
            dh = self.output.backward(tape.output, scale)
            dh = dh.reshape(tape.steps, -1, dh.shape[-1])
        dx, dstate = self.recurrent.backward(dh, dstate, tape.recurrent, stop)
        dx = self.input_dropout.backward(dx, tape.dropout)
        self.embedding.backward(dx[stop:], tape.embedding[stop:])
        return dstate

    def score(self, x: np.ndarray, y: np.ndarray, state: State, keep: np.ndarray | None = None) -> tuple[Array, State]:
        nll, state, _ = self.forward(x, y, state, keep, gradient=False)
        return -nll, state

    def _step(self, x: np.ndarray, state: State) -> tuple[Array, State]:
        """One step is a window with T = 1: x (B,) -> h (B, H)."""
        h, state = self.hidden(np.asarray(x)[None], state)
        return h[0], state

    def hidden(self, x: np.ndarray, state: State, keep: np.ndarray | None = None) -> tuple[Array, State]:
        """The output layer's input after each word of a window: x (T, B) -> h (T, B, H), and the state after it."""
        rows, _ = self.embedding.forward(x)
        require_same("state", state, rows)
        if keep is not None:
            keep = ops_for(rows).asarray(keep, rows.dtype)
        h, state, _ = self.recurrent.forward(rows, state, keep)
        return h, state

    def distributions(self, x: np.ndarray, state: State, keep: np.ndarray | None = None) -> tuple[Array, State]:
        h, state = self.hidden(x, state, keep)
        return self.output.logprobs(h.reshape(-1, h.shape[-1])).reshape(*x.shape, -1), state

    def next(self, x: np.ndarray, state: State) -> tuple[Array, State]:
        h, state = self._step(x, state)
        return self.output.logprobs(h), state

    def draw(self, x: np.ndarray, state: State, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, State]:
        h, state = self._step(x, state)
        return *self.output.draw(h, rng), state


def _check(vocabulary: Vocabulary, config: dict[str, Any]) -> None:
    """Every constructor value in its range, before anything is allocated."""
    words = len(vocabulary)
    if words < 2:
        raise DataError(
            f"the vocabulary holds {words} word, so there is nothing to predict. Give a text with at least one word "
            "besides the sentence end, or a larger --max-vocab."
        )
    for name in ("hidden", "layers"):
        if config[name] < 1:
            raise UsageError(f"{name}={config[name]} is too small. Give {name} >= 1.")
    if config["seed"] < 0:
        raise UsageError(f"seed={config['seed']} is not possible. Give a whole number >= 0.")
    classes = config["classes"]
    if classes is not None and not 0 <= classes <= words:
        raise UsageError(
            f"classes={classes} is not possible with a vocabulary of {words:,} words. "
            f"Give 1 <= classes <= {words:,}, or 0 for the full softmax."
        )
    if config["class_by"] not in PARTITIONS:
        raise UsageError(f"class_by={config['class_by']!r} is not known. Give one of {', '.join(PARTITIONS)}.")
    if config["dtype"] not in ("float32", "float64"):
        raise UsageError(f"dtype={config['dtype']!r} is not known. Give float32 or float64.")
