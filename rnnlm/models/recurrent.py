"""The recurrent language model: input table, recurrent layers, output layer."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from ..errors import DataError
from ..layers import Affine, Dropout, Embedding, Param, WeightsOfFile
from ..ops import ops_for
from ..ops.arrays import Array
from ..ops.device import require_same
from ..ops.reference.elementwise import ACTIVATIONS
from ..options import make, option
from ..outputs import Output, OutputOptions, make_output
from ..recurrent import Elman, Recurrent, Stack
from ..stored import Stored
from ..text.encoding import Encoding, as_encoding
from ..text.vocabulary import Vocabulary
from .language_model import LanguageModel
from .model import Header, Network, State, set_params


class Tape(NamedTuple):
    """What one window's forward pass keeps for its backward pass: the number of steps T, and each layer's tape."""

    steps: int
    embedding: Any
    dropout: Any
    recurrent: Any
    output: Any  # None once the losses of this window have been used


@dataclass(frozen=True, kw_only=True)
class SizeOptions:
    """The size of a network; its options are the first that `rnnlm info` shows."""

    hidden: int = option(200, "Hidden units.", metavar="H", least=1, common=True)
    layers: int = option(1, "Recurrent, convolution or other hidden layers on top of each other.", metavar="N", least=1)


@dataclass(frozen=True, kw_only=True)
class NetworkOptions(OutputOptions, SizeOptions):
    """The options that every network has, beside those of the output layers.

    `dropout` is applied to the output of each recurrent layer, `input_dropout` to the rows of the input table.
    `independent`: the state is cleared at each sentence end. `seed` decides the initial weights, `dtype` ("float32",
    "float64") is the precision.
    """

    dropout: float = option(
        0.0,
        "Share of the units dropped after each layer while training.",
        group="Regularisation",
        metavar="P",
        least=0,
        below=1,
        common=True,
    )
    input_dropout: float = option(
        0.0, "The same for the word vectors at the input.", group="Regularisation", metavar="P", least=0, below=1
    )
    independent: bool = option(False, "Each sentence on its own: clear the state at sentence ends.")
    seed: int = option(1, "Same seed, same model.", group="Training", metavar="N", least=0, common=True)
    dtype: str = option("float32", "float32 or float64.", choices=("float32", "float64"))


@dataclass(frozen=True, kw_only=True)
class EmbeddingOptions:
    """The option of networks in which a row of the input table may have another size than the hidden vector."""

    embedding: int | None = option(
        None, "Size of the rows of the input table; the hidden units without it.", metavar="E", least=1
    )


class RecurrentLM(LanguageModel, Network):
    """Word -> row of the input table -> recurrent layers -> output layer -> P(next word).

    `hidden` units H in each of `layers` recurrent layers with the `activation` f; all keywords are those of `Options`.
    `structure` is what a model file says, from which the output layer is built as it was (its word classes); `rng`
    draws the weights instead of a generator with the `seed`.
    Raises UsageError for a value out of range, DataError for a vocabulary of one word.
    """

    kind = "recurrent"
    label: ClassVar[str] = ""  # what the help of the option `model` adds to the kind
    feeds_itself: ClassVar[bool] = True  # whether what a step computes goes into the next one

    @dataclass(frozen=True, kw_only=True)
    class Options(NetworkOptions):
        """The options of a network whose units have one activation by name."""

        activation: str = option(
            "tanh", "What the hidden units compute.", choices=tuple(ACTIVATIONS), names=("--activate_f",)
        )

    def __init__(
        self,
        encoding: Encoding | Vocabulary,
        *,
        structure: Stored | None = None,
        rng: np.random.Generator | None = None,
        **keywords: Any,
    ) -> None:
        self.options = o = make(self.Options, keywords)
        self.config = asdict(o)
        self.encoding = as_encoding(encoding)
        vocabulary = self.encoding.vocabulary
        _require_words(vocabulary)
        self.log: list[dict[str, Any]] = []
        if structure is not None:
            rng = WeightsOfFile(structure)
        elif rng is None:
            rng = np.random.default_rng(o.seed)
        self.embedding = Embedding(len(vocabulary), self.embedding_size, rng=rng, dtype=o.dtype)
        self.input_dropout = Dropout(o.input_dropout)
        self.output: Output = make_output(
            vocabulary.counts,
            o,
            self.output_size,
            rng=rng,
            dtype=o.dtype,
            structure=structure,
            usual=self._usual_output(),
        )
        self.recurrent = self._recurrent(rng)
        self.params: dict[str, Param] = {
            f"{part}.{name}": param
            for part, layer in (("embedding", self.embedding), ("recurrent", self.recurrent), ("output", self.output))
            for name, param in layer.params.items()
        }

    def facts(self) -> dict[str, Any]:
        """See `Model.facts`: those of the output layer, and how many weights there are."""
        return {**self.output.facts(), "weights": self._weights()}

    def summary(self) -> list[tuple[str, str]]:
        """See `Model.summary`: the output layer in words, and how many weights there are."""
        return [("output", self.output.description), ("weights", f"{self._weights():,}")]

    def _weights(self) -> int:
        return sum(param.value.size for param in self.params.values())

    def _repr_parts(self) -> list[str]:
        o = self.options
        units = f"{o.hidden} {getattr(o, 'activation', 'hidden')} units in {o.layers} layer{'s' * (o.layers > 1)}"
        return [
            self.encoding.size,
            units,
            self.output.description,
            f"{self._weights():,} weights",
        ]

    def pack(self) -> tuple[Header, dict[str, Array]]:
        """See `Model.pack`: the parameters by name, and what the output layer needs to be built again."""
        return {}, {**{name: param.value for name, param in self.params.items()}, **self.output.structure()}

    @classmethod
    def unpack(cls, encoding: Encoding, stored: Stored) -> Self:
        """See `LanguageModel.unpack`."""
        model = cls(encoding, structure=stored, **stored.options("config", cls.Options))
        set_params(model.params, stored)
        return model

    @property
    def embedding_size(self) -> int:
        """The size E of a row of the input table."""
        return self.options.hidden

    @property
    def output_size(self) -> int:
        """The size H of the vector that goes into the output layer."""
        return self.options.hidden

    @property
    def look_back(self) -> int:
        """How many words before the newest one the model can see; 0 for a recurrence, where there is no limit."""
        return 0

    def _usual_output(self) -> dict[str, Any]:
        """The options of the output layer where none is asked for; a subclass with other defaults overrides this."""
        return {}

    def _recurrent(self, rng: np.random.Generator) -> Recurrent:
        """The recurrent layers; a subclass with another kind of layer overrides this."""
        o = self.options
        between = [Affine(o.hidden, o.hidden, rng=rng, bias=False, dtype=o.dtype) for _ in range(o.layers - 1)]
        layers = [Elman(o.hidden, rng=rng, activation=o.activation, dtype=o.dtype) for _ in range(o.layers)]
        return Stack(layers, between, o.dropout)

    @property
    def units_per_token(self) -> int:
        """Output units that scoring a token computes at most; the output layer knows."""
        return self.output.units_per_token

    def start(self, batch: int = 1) -> State:
        """The recurrent layers' state before the first word of `batch` streams."""
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

        `keep` is that of `LanguageModel.score`. `train` (seed, number of the update) switches dropout on and decides
        its masks. With `gradient` False the scores cost less and the tape cannot be used. UsageError for a state that
        is on another device than the model.
        """
        rows, embedding_tape = self.embedding.forward(x)  # (T, B, H)
        require_same("state", state, rows)
        rows, mask = self.input_dropout.forward(rows, train=train)
        if keep is not None:
            keep = ops_for(rows).asarray(keep, rows.dtype)
        h, state, recurrent_tape = self.recurrent.forward(rows, state, keep, train=train)  # (T, B, H)
        flat = h.reshape(-1, h.shape[-1])
        nll, output_tape = self.output.forward(flat, y.reshape(-1), gradient=gradient)  # (N,)
        return nll.reshape(x.shape), state, Tape(len(x), embedding_tape, mask, recurrent_tape, output_tape)

    def backward(self, tape: Tape, scale: float | None, dstate: State | None = None, stop: int = 0) -> State:
        """Add the gradient of scale · Σ nll to every parameter; returns that of the state before step `stop`.

        `dstate` is the gradient of the state after the window, from the next one. `scale` None: the losses of this
        window have been used already, and only `dstate` flows back through it.
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
        """log P(y_t | x_t, earlier words) in nats, (T, B), as `LanguageModel.score`, by a forward pass alone."""
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
        """log P of every word after each x, (T, B, V), as `LanguageModel.distributions`, in one forward pass."""
        h, state = self.hidden(x, state, keep)
        return self.output.logprobs(h.reshape(-1, h.shape[-1])).reshape(*x.shape, -1), state

    def next(self, x: np.ndarray, state: State) -> tuple[Array, State]:
        """log P of every word after x (B,), (B, V), as `LanguageModel.next`."""
        h, state = self._step(x, state)
        return self.output.logprobs(h), state

    def draw(self, x: np.ndarray, state: State, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, State]:
        """One word a stream, as `LanguageModel.draw`; the output layer draws, the class first where it has classes."""
        h, state = self._step(x, state)
        return *self.output.draw(h, rng), state


def _require_words(vocabulary: Vocabulary) -> None:
    """DataError for a vocabulary of the sentence end alone."""
    if len(vocabulary) < 2:
        raise DataError(
            f"the vocabulary holds {len(vocabulary)} word, so there is nothing to predict. Give a text with at least "
            "one word besides the sentence end, or a larger `max_vocab`."
        )
