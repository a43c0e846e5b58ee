"""The members of a mixture on the command line: models and files of probabilities, their streams and weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import DataError, UsageError
from ..options import check
from ..options import option as declare
from .console import ppl, say
from .options import with_options

if TYPE_CHECKING:
    from ..evaluation import Stream
    from ..models import LanguageModel
    from ..ops.device import Device
    from ..own_source import Trust
    from ..text import Corpus


@dataclass(frozen=True, kw_only=True)
class ScoringOptions:
    """Options of the scoring of texts."""

    unknown: str = declare(
        "<unk>",
        "Unknown words: <unk> as that word, skip leaves them out, a number N divides P(<unk>) over N types.",
        group="Text",
        metavar="RULE",
    )
    independent: bool | None = declare(
        None,
        "Score every sentence as a text of its own, or the text as one stream whose state is carried over sentence "
        "ends.",
        group="Text",
        off="--carry",
        usual="carry; a network trained with --independent: cleared at sentence ends",
    )
    streams: int = declare(
        1, "Parts scored side by side; 1 is exact, more is faster.", group="Machine", metavar="B", least=1
    )


@dataclass(frozen=True, kw_only=True)
class MixingOptions(ScoringOptions):
    """Options of the mixing of models, and of the scoring of texts with them."""

    fit: str | None = declare(
        None, "Fit the weights to this text; without it they are equal.", group="Model", metavar="VALID"
    )
    weights: str | None = declare(None, "The weights, given by hand.", group="Model", metavar="W,W,...")
    mix: str = declare(
        "linear",
        "linear: Σ w P, or geometric: the product of P^w, renormalised at every token, which takes far longer.",
        group="Model",
        choices=("linear", "geometric"),
    )


scoring_options = with_options(ScoringOptions, into="scoring")
mixing_options = with_options(MixingOptions, into="mixing")


@dataclass
class Member:
    """A model, or the files with another program's probabilities of the text and of the --fit text."""

    name: str
    model: LanguageModel | None = None
    files: tuple[str, ...] = ()


def load_members(paths: Sequence[str], device: Device, trust: Trust) -> list[Member]:
    """The members that the arguments name: MODEL, on the device, FILE or FILE@FITFILE.

    `trust` and the errors are those of `load`.
    """
    from ..evaluation.external import is_external
    from ..models import load_together
    from ..text.files import Head

    files: dict[str, tuple[str, ...]] = {}
    heads: dict[str, Head] = {}  # so that the first bytes of each file are read once
    for path in paths:
        if Path(path).is_file():
            heads[path] = Head.of(path)
        if is_external(heads.get(path, path)):
            files[path] = (path,)
        elif "@" in path and not Path(path).exists():
            files[path] = _pair(path)
    model_files = [heads.get(path, path) for path in paths if path not in files]
    models = iter(load_together(model_files, device=device, trust=trust))
    return [Member(path, files=files[path]) if path in files else Member(path, next(models)) for path in paths]


def _pair(path: str) -> tuple[str, ...]:
    """The two files in FILE@FITFILE. UsageError and DataError where they are not two files of probabilities."""
    from ..evaluation.external import is_external

    files = path.split("@")
    if len(files) != 2:
        raise UsageError(f"{path!r} is not the path of a file, nor two of them. Give FILE@FITFILE.")
    for file in files:
        if not is_external(file):
            why = "holds no probabilities of tokens" if Path(file).exists() else "does not exist"
            raise DataError(f"{file}, a part of {path}, {why}. Give the files for TEXT and for the --fit text.")
    return tuple(files)


def require_models(members: Sequence[Member], purpose: str) -> list[LanguageModel]:
    """The models of the members. UsageError for a file of probabilities, which `purpose` cannot use."""
    for member in members:
        if member.model is None:
            raise UsageError(
                f"{member.name} holds the probabilities of one text only, and {purpose} needs every word's. "
                "Give a model file."
            )
    return [member.model for member in members if member.model is not None]


@dataclass
class Scorer:
    """Scores texts; each text is read once for all models with the same encoding.

    `corpora` holds the texts that were read, by path and hash of the encoding. UsageError for options out of range.
    """

    options: ScoringOptions
    corpora: dict[tuple[str, str], Corpus] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from ..evaluation.stream import unseen_types

        check(self.options)
        unseen_types(self.options.unknown)  # raises UsageError for an unknown rule, before any work

    def corpus(self, model: LanguageModel, text: str) -> Corpus:
        """The text in the ids of the model. UsageError where standard input would have to be read twice."""
        from ..text import Corpus

        key = (text, model.encoding.hash)
        if key not in self.corpora:
            if text == "-" and any(other == "-" for other, _ in self.corpora):
                raise UsageError(
                    "standard input can be read once, and these models have different vocabularies. "
                    "Give the text as a file."
                )
            self.corpora[key] = Corpus.encode(text, encoding=model.encoding)
        return self.corpora[key]

    def streams(self, members: Sequence[Member], text: str, fit: bool = False) -> list[Stream]:
        """The members' streams over a text, with the rule for unknown words applied; `fit`: it is the --fit text.

        UsageError without any model, and for a member without probabilities of the text.
        """
        from ..evaluation import score
        from ..evaluation.external import external
        from ..training.memory import explain_scoring_out_of_memory

        first = next((member.model for member in members if member.model is not None), None)
        if first is None:
            raise UsageError("files of probabilities have no vocabulary of their own. Give at least one model file.")
        streams = []
        for member in members:
            if member.model is not None:
                corpus = self.corpus(member.model, text)
                with explain_scoring_out_of_memory(member.model, self.options.streams):
                    stream = score(
                        member.model,
                        corpus,
                        streams=self.options.streams,
                        independent=self.options.independent,
                        name=member.name,
                    )
            elif fit and len(member.files) < 2:
                raise UsageError(
                    f"--fit needs the probabilities of {text} too, and {member.name} has those of one text. "
                    f"Give {member.name}@FITFILE."
                )
            else:
                stream = external(member.files[fit], self.corpus(first, text))
            streams.append(stream.with_unknown(self.options.unknown))
        return streams


def choose_weights(members: Sequence[Member], mixing: MixingOptions, scorer: Scorer) -> tuple[np.ndarray, list[Stream]]:
    """The weights, fitted, given or equal; and the streams over the --fit text where they are fitted.

    UsageError for --fit together with --weights.
    """
    from ..evaluation import fit_geometric, fit_linear

    fit, weights = mixing.fit, mixing.weights
    if fit is not None and weights is not None:
        raise UsageError("`fit` and `weights` both say what the weights are. Give one of them.")
    if weights is not None:
        return parse_weights(weights), []
    if fit is None:
        return np.full(len(members), 1 / len(members)), []
    streams = scorer.streams(members, fit, fit=True)
    if mixing.mix == "linear":
        return fit_linear(streams), streams
    models = require_models(members, "a geometric mixture")
    weights_found = fit_geometric(
        models,
        scorer.corpus(models[0], fit),
        skip_unknown=scorer.options.unknown == "skip",
        independent=scorer.options.independent or None,
        tell=_tell,
    )
    return weights_found, streams


def parse_weights(text: str) -> np.ndarray:
    """The numbers between the commas; UsageError for anything else."""
    try:
        return np.array([float(part) for part in text.split(",")])
    except ValueError:
        raise UsageError(f"weights={text!r} is not a list of numbers. Give one a model, such as 0.7,0.3.") from None


def mixture_stream(
    members: Sequence[Member], streams: Sequence[Stream], weights: np.ndarray, mix: str, scorer: Scorer, text: str
) -> Stream:
    """The mixture's stream over a text; `streams` are those of its members. UsageError as of `require_models`."""
    from ..evaluation import mixture, score
    from ..models import MixtureLM

    if mix == "linear":
        return mixture(streams, weights)
    model = MixtureLM(require_models(members, "a geometric mixture"), weights, mix)
    o = scorer.options
    stream = score(model, scorer.corpus(model, text), streams=o.streams, independent=o.independent)
    return stream.with_unknown(o.unknown)


def weight_text(weight: float) -> str:
    """A weight for a table; only a true 0 is shown as 0."""
    return f"{weight:.4f}" if weight else "0"


def _tell(nll: float) -> None:
    """Print how far a geometric fit has come."""
    say(f"geometric fit: PPL {ppl(nll)} so far")
