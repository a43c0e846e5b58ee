"""A mixture of language models, itself a language model."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..errors import DataError, UsageError
from ..evaluation.mixing import check_weights, weighted_sum
from ..evaluation.stream import Stream, require_same, unknown_rule
from ..ops import ops_for
from ..ops.arrays import Array
from ..stored import Stored
from ..text.encoding import Encoding
from ..text.encoding import require_same as require_same_encoding
from ..text.vocabulary import Vocabulary
from .files import language_model, load_member
from .language_model import LanguageModel
from .model import Header, State, submodel_facts, submodels_summary
from .with_unk import over
from .wrapping import keep_for, next_of

MIXES = ("linear", "geometric")


class MixtureLM(LanguageModel):
    """Several models over one vocabulary as one, P_i weighted by w_i.

    `mix` "linear" is P(w) = Σ_i w_i P_i(w) with Σ_i w_i = 1; "geometric" is P(w) = Π_i P_i(w)^w_i / Z, Z being the sum
    over the whole vocabulary. A single weight of 1 gives that member's numbers bit for bit; a member with the weight 0
    is not computed. The state is that of all members with a weight, one after the other. A member whose config says
    `independent` starts anew at each sentence end, whatever the others do.

    `files` are the paths of the members' own files: the file that `save` writes then refers to them, by their path from
    its own folder, and holds their checksums; without them, and inside of another model, it holds the members
    themselves. Raises DataError where the members differ in their encoding, UsageError for no members,
    another `mix`, or weights that `evaluation.mixing.check_weights` refuses.
    """

    kind = "mixture"

    def __init__(
        self,
        members: Sequence[LanguageModel],
        weights: Sequence[float] | np.ndarray,
        mix: str = "linear",
        files: Sequence[str | Path] | None = None,
    ) -> None:
        if mix not in MIXES:
            raise UsageError(f"mix={mix!r} is not known. Give one of {', '.join(MIXES)}.")
        if not members:
            raise UsageError("a mixture needs at least one model, and there is none.")
        require_same([_empty_stream(member, place) for place, member in enumerate(members, 1)])
        self.members = self.submodels = list(members)
        self.files = None if files is None else [Path(file) for file in files]
        self.weights = check_weights(weights, len(members), mix)
        self.config = {"mix": mix, "weights": [float(w) for w in weights]}
        self.encoding = members[0].encoding
        self.log: list[dict[str, Any]] = []
        self._folder: Path | None = None  # of the file that is being written: members' paths are relative to it
        self._active = [member for member, w in zip(members, self.weights, strict=True) if w > 0]
        self._shares = self.weights[self.weights > 0]
        self._is_single = len(self._active) == 1 and self._shares[0] == 1
        self._sizes = [len(member.start(1)) for member in self._active]

    @property
    def units_per_token(self) -> int:
        """The members' units together; of a geometric mixture, which sums over all words, V for each."""
        if self.config["mix"] == "linear" or self._is_single:
            return sum(member.units_per_token for member in self._active)
        return len(self.vocabulary) * len(self._active)

    def start(self, batch: int = 1) -> State:
        """The states of the members that have a weight, one after the other."""
        return tuple(part for member in self._active for part in member.start(batch))

    def score(self, x: np.ndarray, y: np.ndarray, state: State, keep: np.ndarray | None = None) -> tuple[Array, State]:
        """log P(y_t | x_t, earlier words) of the mixture in nats, (T, B), as `LanguageModel.score`."""
        if self.config["mix"] == "geometric" and not self._is_single:
            logp, state = self.distributions(x, state, keep)
            target = np.take_along_axis(logp, np.maximum(y, 0)[..., None], axis=-1)
            return np.where(y < 0, 0.0, target[..., 0]), state
        scores = [m.score(x, y, part, keep_for(m, x, keep)) for m, part in self._active_parts(state)]
        logp, state = self._mix(scores)
        return (logp if self._is_single else np.where(y < 0, 0.0, logp)), state

    def next(self, x: np.ndarray, state: State) -> tuple[Array, State]:
        """log P of every word after x (B,), (B, V), as `LanguageModel.next`."""
        x = np.asarray(x)
        return self._mix([next_of(member, x, part) for member, part in self._active_parts(state)])

    def distributions(self, x: np.ndarray, state: State, keep: np.ndarray | None = None) -> tuple[Array, State]:
        """log P of every word after each x, (T, B, V), as `LanguageModel.distributions`."""
        return self._mix([m.distributions(x, part, keep_for(m, x, keep)) for m, part in self._active_parts(state)])

    def _active_parts(self, state: State) -> Iterator[tuple[LanguageModel, State]]:
        """Each member that has a weight, with its part of the state."""
        first = 0
        for member, size in zip(self._active, self._sizes, strict=True):
            yield member, state[first : first + size]
            first += size

    def _mix(self, outcomes: Sequence[tuple[Array, State]]) -> tuple[Array, State]:
        """The mixture of the members' log-probabilities, and the state, from what a method of each member returned.

        A geometric mixture is normalised over the last axis, that of the words.
        """
        state = tuple(part for _, parts in outcomes for part in parts)
        if self._is_single:
            return outcomes[0][0], state
        logps = [ops_for(logp).to_host(logp) for logp, _ in outcomes]
        if self.config["mix"] == "linear":
            return weighted_sum(logps, self._shares), state
        total = np.multiply(self._shares[0], logps[0], dtype=np.float64)
        for w, logp in zip(self._shares[1:], logps[1:], strict=True):
            total += np.multiply(w, logp, dtype=np.float64)
        top = total.max(-1, keepdims=True)
        total -= np.where(np.isfinite(top), top, 0.0)  # where the members exclude all words together, all stay -inf
        Z = np.exp(total).sum(-1, keepdims=True)
        total -= np.log(np.where(Z > 0, Z, 1.0))
        return total, state

    def facts(self) -> dict[str, Any]:
        """See `Model.facts`: of each member its weight and `submodel_facts`, and its file where it is referred to."""
        files: Sequence[Path | None] = self.files or [None] * len(self.members)
        return {
            "members": [
                {"weight": float(w), **submodel_facts(m)} | ({} if file is None else {"file": str(file)})
                for m, w, file in zip(self.members, self.weights, files, strict=True)
            ]
        }

    def _repr_parts(self) -> list[str]:
        parts = [f"{w:.4g} × {type(m).__name__}" for m, w in zip(self.members, self.weights, strict=True)]
        return [self.encoding.size, self.config["mix"], *parts]

    def summary(self) -> list[tuple[str, str]]:
        """See `Model.summary`: each member, the command that made it, and what it is made of itself."""
        return submodels_summary(self.facts())

    def save(self, path: str | Path) -> None:
        """See `Model.save`; members with files of their own are referred to, relative to the folder of `path`."""
        self._folder = Path(path).parent.resolve()
        try:
            super().save(path)
        finally:
            self._folder = None

    def pack(self) -> tuple[Header, dict[str, Array]]:
        """See `Model.pack`: references to the members' files, or the members' own headers and arrays."""
        if self.files is not None and self._folder is not None:
            return {
                "members": [
                    {
                        "path": Path(os.path.relpath(file.resolve(), self._folder)).as_posix(),
                        "sha256": _sha256(file),
                        "vocabulary": self.vocabulary.hash,
                    }
                    for file in self.files
                ]
            }, {}
        headers: list[Header] = []
        arrays: dict[str, Array] = {}
        for place, member in enumerate(self.members):
            header, member_arrays = member.to_arrays()
            headers.append(header)
            arrays |= {f"members.{place}.{name}": array for name, array in member_arrays.items()}
        return {"members": headers}, arrays

    @classmethod
    def unpack(cls, encoding: Encoding, stored: Stored) -> Self:
        """See `LanguageModel.unpack`. DataError for a member's file that is missing or has changed."""
        members, files = [], []
        for entry in stored.parts("members"):
            if "path" in entry:
                files.append(stored.folder / entry.text("path"))
                members.append(_load_member(files[-1], entry, encoding.vocabulary))
            else:
                members.append(language_model(entry))
        config = stored.part("config", "")
        weights = config.sequence("weights")
        if not all(type(w) in (int, float) for w in weights):
            config.refuse("weights", "a list of numbers")
        if files and len(files) < len(members):
            raise DataError("some of its members are files and some are not. It must be all or none.")
        model = cls(members, weights, config.text("mix", choices=MIXES), files or None)
        require_same_encoding(encoding, model.encoding, "it does not fit its own members")
        return model


def _empty_stream(member: LanguageModel, place: int) -> Stream:
    """The member's stream over an empty text, which holds all that must agree between streams that are mixed."""
    return Stream(
        ids=np.zeros(0, dtype=np.int32),
        logp=np.zeros(0),
        model=f"member {place} ({member.kind})",
        text="",
        sha256="",
        encoding=member.encoding,
        unknown=unknown_rule(member.vocabulary),
        characters=0,
    )


def _load_member(path: Path, entry: Stored, vocabulary: Vocabulary) -> LanguageModel:
    """The model in a member's own file. DataError where it is missing, or is not the one that `entry` describes."""
    if not path.is_file():
        missing = "is not an ordinary file" if path.exists() else "does not exist"
        raise DataError(f"its member {path} {missing}. Put it back, or build the mixture again.")
    if _sha256(path) != entry.text("sha256"):
        raise DataError(f"its member {path} has changed since the mixture was built. Build the mixture again.")
    member = over(load_member(path, entry, vocabulary), vocabulary)
    if member.vocabulary.hash != entry.text("vocabulary"):
        raise DataError(f"its member {path} has another vocabulary than the mixture. Build the mixture again.")
    return member


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
