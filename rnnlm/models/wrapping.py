"""Models that stand on others: each member starts anew at sentence ends if that is its way."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np

from ..ops import ops_for
from ..ops.arrays import Array
from ..options import as_dict
from ..text.encoding import Encoding
from .files import language_model
from .language_model import LanguageModel
from .model import Header, State, part_text


def keep_for(member: LanguageModel, x: np.ndarray, keep: np.ndarray | None) -> np.ndarray | None:
    """The mask (T, B) of fresh starts for a member: the window's own, and its sentence ends if it is independent."""
    if not member.config.get("independent"):
        return keep
    own = (x != member.vocabulary.eos).astype(np.float32)
    return own if keep is None else own * keep


def next_of(member: LanguageModel, x: np.ndarray, state: State) -> tuple[Array, State]:
    """The member's `next`, x (B,), from a fresh state after a sentence end if it is independent."""
    if member.config.get("independent"):
        fresh = member.start(len(x))
        ended = x == member.vocabulary.eos
        state = tuple(ops_for(old).choose_rows(ended, new, old) for new, old in zip(fresh, state, strict=True))
    return member.next(x, state)


class WrappedLM(LanguageModel):
    """A model on top of one other, `model`, whose words it shares and which its file embeds.

    The constructor takes the model and the keywords of its `Options`, which it keeps in `config`.
    """

    def __init__(self, model: LanguageModel, options: Any) -> None:
        self.model, self.stands_on, self.config = model, [model], as_dict(options)
        self.encoding = model.encoding
        self.log: list[dict[str, Any]] = []

    def facts(self) -> dict[str, Any]:
        return {"base": {"model": self.model.kind, "config": self.model.config, **self.model.facts()}}

    def _about(self) -> list[str]:
        return [*(f"{name} {value}" for name, value in self.config.items() if value is not None), f"on {self.model!r}"]

    def summary(self) -> list[tuple[str, str]]:
        return [("on", part_text(self.facts()["base"]))]

    def pack(self) -> tuple[Header, dict[str, Array]]:
        header, arrays = self.model.to_arrays()
        return {"model": header}, {f"model.{name}": array for name, array in arrays.items()}

    @classmethod
    def unpack(cls, encoding: Encoding, header: Header, arrays: dict[str, np.ndarray], folder: Path) -> Self:
        own = {name.removeprefix("model."): array for name, array in arrays.items() if name.startswith("model.")}
        make_again: Any = cls
        return make_again(language_model(header["model"], own, folder), **header["config"])
