"""Models that are built on other models, and how the state of an independent one is cleared at sentence ends."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ..ops import ops_for
from ..ops.arrays import Array
from ..options import as_dict
from ..stored import Stored
from ..text.encoding import Encoding, require_same
from .files import language_model
from .language_model import LanguageModel
from .model import Header, State, submodel_facts, submodels_summary


def keep_for(member: LanguageModel, x: np.ndarray, keep: np.ndarray | None) -> np.ndarray | None:
    """The `keep` mask (T, B) for a member: that of the window, and 0 after sentence ends too if it is independent."""
    if not member.config.get("independent"):
        return keep
    within_sentence = (x != member.vocabulary.eos).astype(np.float32)
    return within_sentence if keep is None else within_sentence * keep


def next_of(member: LanguageModel, x: np.ndarray, state: State) -> tuple[Array, State]:
    """`member.next` for x (B,), from a cleared state after a sentence end where the member is independent."""
    if member.config.get("independent"):
        fresh = member.start(len(x))
        ended = x == member.vocabulary.eos
        state = tuple(ops_for(old).choose_rows(ended, new, old) for new, old in zip(fresh, state, strict=True))
    return member.next(x, state)


class WrappedLM(LanguageModel):
    """A model on top of one other, `model`, whose encoding it shares and which its file contains.

    The constructor takes the model and the keywords of its `Options`, which it keeps in `config`.
    """

    def __init__(self, model: LanguageModel, options: Any) -> None:
        self.model, self.submodels, self.config = model, [model], as_dict(options)
        self.encoding = model.encoding
        self.log: list[dict[str, Any]] = []

    def facts(self) -> dict[str, Any]:
        """See `Model.facts`: the `submodel_facts` of the model below."""
        return {"base": submodel_facts(self.model)}

    def _repr_parts(self) -> list[str]:
        return [*(f"{name} {value}" for name, value in self.config.items() if value is not None), f"on {self.model!r}"]

    def summary(self) -> list[tuple[str, str]]:
        """See `Model.summary`: the model below, the command that made it, and what it is made of itself."""
        return submodels_summary(self.facts())

    def pack(self) -> tuple[Header, dict[str, Array]]:
        """See `Model.pack`: the header and the arrays of the model below."""
        header, arrays = self.model.to_arrays()
        return {"model": header}, {f"model.{name}": array for name, array in arrays.items()}

    @classmethod
    def unpack(cls, encoding: Encoding, stored: Stored) -> Self:
        """See `LanguageModel.unpack`: first the model below, then the one on top of it."""
        constructor: Any = cls
        config = stored.options("config", constructor.Options)
        model = constructor(language_model(stored.part("model", "model.")), **config)
        require_same(encoding, model.encoding, "it does not fit the model that it is on top of")
        return model
