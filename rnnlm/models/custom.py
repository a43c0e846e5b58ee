"""A language model around a recurrence of the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ..errors import DataError, UsageError
from ..layers import Affine
from ..ops.arrays import Array
from ..ops.device import Device
from ..options import option
from ..own_source import ObjectKind, Source, find, find_again
from ..recurrent import Custom, Recurrence, Recurrent, Stack
from ..recurrent.custom import NotRun
from ..stored import Stored
from ..text.encoding import Encoding
from ..text.vocabulary import Vocabulary
from .model import Header, set_params
from .recurrent import NetworkOptions, RecurrentLM

OWN_RECURRENCE = ObjectKind(
    "recurrence",
    "recurrences",
    "Recurrence",
    "NAME = Recurrence(parameters, step)",
    lambda value: isinstance(value, Recurrence),
)


class CustomLM(RecurrentLM):
    """h_t, s_t = step(params, E[w_t], s_{t-1}) with the user's own step, and P(next word) from h_t as in `ElmanLM`.

    `recurrence` is path/to/file.py:NAME, a `rnnlm.Recurrence` in a Python file. The model file holds the path and the
    SHA-256 of its source, never code: whoever loads the model needs the source, and lets it run. A relative path starts
    from the working directory, or from the model file's folder. `source` is the source where it has been read already;
    its value is None where it is not run, and the model can then only be described. Raises UsageError and DataError as
    `own_source.find` and `Custom` do.
    """

    kind = "custom"

    @dataclass(frozen=True, kw_only=True)
    class Options(NetworkOptions):
        """The options of every network but the activation: the step itself computes the units."""

        recurrence: str = option("", "Where the recurrence stands: path/to/file.py:NAME.", group="")  # named as a model

    def __init__(
        self,
        encoding: Encoding | Vocabulary,
        *,
        recurrence: str,
        source: Source | None = None,
        structure: Stored | None = None,
        **keywords: Any,
    ) -> None:
        self.source = source or find(recurrence, OWN_RECURRENCE)
        self._stored = structure if self.source.value is None else None
        keywords |= {"recurrence": recurrence}
        super().__init__(encoding, structure=structure, **keywords)

    def _recurrent(self, rng: np.random.Generator) -> Recurrent:
        o = self.options
        between = [Affine(o.hidden, o.hidden, rng=rng, bias=False, dtype=o.dtype) for _ in range(o.layers - 1)]
        layers: list[Recurrent]
        if self._stored is not None:
            layers = [NotRun(_arrays_of_layer(self._stored, i), o.recurrence) for i in range(o.layers)]
        else:
            layers = [
                Custom(self.source.value, o.hidden, rng=rng, name=o.recurrence, dtype=o.dtype) for _ in range(o.layers)
            ]
        return Stack(layers, between, o.dropout)

    def facts(self) -> dict[str, Any]:
        """See `Model.facts`; also the SHA-256 of the source."""
        return {**super().facts(), "source": self.source.sha256}

    def summary(self) -> list[tuple[str, str]]:
        """See `Model.summary`; also the Python file that the model names."""
        return [*super().summary(), ("code", f"{self.config['recurrence']}, sha256 {self.source.sha256[:12]}")]

    def _move(self, device: Device) -> None:
        if device.name != "cpu":
            raise UsageError(
                f"{self.config['recurrence']} is a recurrence of your own: autograd differentiates it on NumPy arrays "
                f"only, so it cannot move to {device}. Give device='cpu'."
            )

    def pack(self) -> tuple[Header, dict[str, Array]]:
        """See `Model.pack`; the header also holds the SHA-256 of the source."""
        header, arrays = super().pack()
        return {**header, "source": self.source.sha256}, arrays

    @classmethod
    def unpack(cls, encoding: Encoding, stored: Stored) -> Self:
        """See `LanguageModel.unpack`. The user's file is run, if `stored.trust` says so; with None it is not needed.

        DataError where the file is missing, is another one than at the training, or is not trusted.
        """
        config, sha256 = stored.options("config", cls.Options), stored.text("source")
        name = config.get("recurrence", "")
        if stored.trust is None:
            source = Source(None, sha256)
        else:
            source = find_again(name, OWN_RECURRENCE, stored.folder, sha256, stored.trust)
        try:
            model = cls(encoding, structure=stored, source=source, **config)
            set_params(model.params, stored)
        except UsageError as error:
            raise DataError(str(error)) from error
        except DataError as error:
            raise DataError(
                f"the recurrence {name} has other parameters than those in the model ({error}). Train again."
            ) from error
        return model


def _arrays_of_layer(stored: Stored, number: int) -> dict[str, np.ndarray]:
    """The parameters of a layer by the names that its recurrence gave them."""
    prefix = f"recurrent.{number}."
    keys = [name.removeprefix(prefix) for name in stored.names() if name.startswith(prefix)]
    return {key: stored.array(prefix + key) for key in keys if key.isidentifier()}  # others are of the layers between
