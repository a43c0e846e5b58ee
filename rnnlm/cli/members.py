"""What a mixture is made of, as typed: models and files of probabilities, the texts that they score, the weights."""

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
    from ..text import Corpus


@dataclass(frozen=True, kw_only=True)
class ScoringOptions:
    """How texts are scored."""

    unknown: str = declare(
        "<unk>",
        "Unknown words: <unk> as that word, skip leaves them out, a number N divides P(<unk>) over N types.",
        group="Text",
        metavar="RULE",
    )
    streams: int = declare(
        1, "Parts scored side by side; 1 is exact, more is faster.", group="Machine", metavar="B", least=1
    )


@dataclass(frozen=True, kw_only=True)
class MixingOptions(ScoringOptions):
    """How models are mixed, and how texts are scored with them."""

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
    """A model, or the files in which another program left its probabilities of the text and of the --fit text."""

    name: str
    model: LanguageModel | None = None
    files: tuple[str, ...] = ()


def members(paths: Sequence[str], device: Device) -> list[Member]:
    """The members that the arguments name: MODEL, on the device, FILE or FILE@FITFILE. Errors as of `load`."""
    from ..evaluation.external import is_external
    from ..models import load_together

    files: dict[str, tuple[str, ...]] = {}
    for path in paths:
        if is_external(path):
            files[path] = (path,)
        elif "@" in path and not Path(path).exists():
            files[path] = _pair(path)
    models = iter(load_together([path for path in paths if path not in files], device=device))
    return [Member(path, files=files[path]) if path in files else Member(path, next(models)) for path in paths]


def _pair(path: str) -> tuple[str, ...]:
    from ..evaluation.external import is_external

    files = path.split("@")
    if len(files) != 2:
        raise UsageError(f"{path!r} is not the path of a file, nor two of them. Give FILE@FITFILE.")
    for file in files:
        if not is_external(file):
            why = "holds no probabilities of tokens" if Path(file).exists() else "does not exist"
            raise DataError(f"{file}, a part of {path}, {why}. Give the files for TEXT and for the --fit text.")
    return tuple(files)


def real_models(found: Sequence[Member], purpose: str) -> list[LanguageModel]:
    """The models, where nothing but models will do; UsageError for a file of probabilities."""
    for member in found:
        if member.model is None:
            raise UsageError(
                f"{member.name} holds the probabilities of one text only, and {purpose} needs every word's. "
                "Give a model file."
            )
    return [member.model for member in found if member.model is not None]


@dataclass
class Scorer:
    """Scores texts, each read once for all models that cut and number it the same way."""

    options: ScoringOptions
    corpora: dict[tuple[str, str, str], Corpus] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from ..evaluation.stream import unseen_types

        check(self.options)
        unseen_types(self.options.unknown)  # a rule that is none is refused before the work

    def corpus(self, model: LanguageModel, text: str) -> Corpus:
        from ..text import Corpus

        key = (text, model.vocabulary.hash, model.tokenizer)
        if key not in self.corpora:
            if text == "-" and any(other == "-" for other, _, _ in self.corpora):
                raise UsageError(
                    "standard input can be read once, and these models have different vocabularies. "
                    "Give the text as a file."
                )
            self.corpora[key] = Corpus.encode(text, vocabulary=model.vocabulary, tokenizer=model.tokenizer)
        return self.corpora[key]

    def scored(self, found: Sequence[Member], text: str, fit: bool = False) -> list[Stream]:
        """The members' streams over a text, under the rule for unknown words; `fit`: it is the --fit text."""
        from ..evaluation import score
        from ..evaluation.external import external
        from ..training.memory import explain_scoring_out_of_memory

        first = next((member.model for member in found if member.model is not None), None)
        if first is None:
            raise UsageError("files of probabilities have no vocabulary of their own. Give at least one model file.")
        streams = []
        for member in found:
            if member.model is not None:
                corpus = self.corpus(member.model, text)
                with explain_scoring_out_of_memory(member.model, self.options.streams):
                    stream = score(member.model, corpus, streams=self.options.streams, name=member.name)
            elif fit and len(member.files) < 2:
                raise UsageError(
                    f"--fit needs the probabilities of {text} too, and {member.name} has those of one text. "
                    f"Give {member.name}@FITFILE."
                )
            else:
                stream = external(member.files[fit], self.corpus(first, text))
            streams.append(stream.with_unknown(self.options.unknown))
        return streams


def choose_weights(found: Sequence[Member], mixing: MixingOptions, scorer: Scorer) -> tuple[np.ndarray, list[Stream]]:
    """The weights: fitted, given or equal; and where they are fitted, the streams over the --fit text."""
    from ..evaluation import fit_geometric, fit_linear

    fit, weights = mixing.fit, mixing.weights
    if fit is not None and weights is not None:
        raise UsageError("`fit` and `weights` both say what the weights are. Give one of them.")
    if weights is not None:
        return parse_weights(weights), []
    if fit is None:
        return np.full(len(found), 1 / len(found)), []
    streams = scorer.scored(found, fit, fit=True)
    if mixing.mix == "linear":
        return fit_linear(streams), streams
    models = real_models(found, "a geometric mixture")
    corpus = scorer.corpus(models[0], fit)
    return fit_geometric(models, corpus, skip_unknown=scorer.options.unknown == "skip", tell=_tell), streams


def parse_weights(text: str) -> np.ndarray:
    """The numbers between the commas; UsageError for anything else."""
    try:
        return np.array([float(part) for part in text.split(",")])
    except ValueError:
        raise UsageError(f"weights={text!r} is not a list of numbers. Give one a model, such as 0.7,0.3.") from None


def combined(
    found: Sequence[Member], streams: Sequence[Stream], weights: np.ndarray, mix: str, scorer: Scorer, text: str
) -> Stream:
    """The mixture's stream over a text, of which `streams` are the members'."""
    from ..evaluation import mixture, score
    from ..models import MixtureLM

    if mix == "linear":
        return mixture(streams, weights)
    model = MixtureLM(real_models(found, "a geometric mixture"), weights, mix)
    return score(model, scorer.corpus(model, text), streams=scorer.options.streams).with_unknown(scorer.options.unknown)


def shown(weight: float) -> str:
    """A weight for a table; only a true 0 is shown as 0."""
    return f"{weight:.4f}" if weight else "0"


def _tell(nll: float) -> None:
    say(f"geometric fit: PPL {ppl(nll)} so far")
