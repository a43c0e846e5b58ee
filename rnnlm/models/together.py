"""Loading the models that are to be mixed or compared, over the same words in the same order where that is possible."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from ..ngram.arpa_lines import is_arpa
from ..ops.device import Device
from ..own_source import Trust
from ..text.files import Head
from ..text.vocabulary import UNK, Vocabulary
from .files import load
from .language_model import LanguageModel
from .with_unk import over, with_unk


def load_together(
    files: Sequence[str | Path | Head], *, device: str | Device = "cpu", trust: Trust = False
) -> list[LanguageModel]:
    """The models in several files, on one device.

    An ARPA file does not fix the order of its words: it takes that of the first other model, and keeps its own order
    where the words differ. Where only some of the models have `<unk>`, as KenLM's files always do, the others get it
    with probability 0, and a RuntimeWarning names them. Raises what `load` raises.
    """
    models = [load(file, device=device, trust=trust) for file in files]
    arpa = [place for place, file in enumerate(files) if _is_arpa(file)]
    fixed = [place for place in range(len(files)) if place not in arpa]
    if len(models) < 2:
        return models
    first = models[(fixed or arpa)[0]]
    same = [
        place
        for place, model in enumerate(models)
        if model.tokenizer == first.tokenizer and _plain(model.vocabulary) == _plain(first.vocabulary)
    ]
    with_it = [place for place in same if models[place].vocabulary.unk is not None]
    given = next((models[place].vocabulary for place in with_it if place in fixed), None)
    words = given or (with_unk(first.vocabulary) if with_it and first.vocabulary.unk is None else first.vocabulary)
    for place in same:
        had_unk = models[place].vocabulary.unk is not None
        if place not in arpa:
            models[place] = over(models[place], words)
        elif models[place].vocabulary.hash != words.hash:
            models[place] = load(files[place], words)
        if not had_unk and models[place].vocabulary.unk is not None:
            warnings.warn(
                f"{_name(files[place])} has no word {UNK}, and {_name(files[with_it[0]])} has: beside it unknown words "
                f"have the probability 0 in {_name(files[place])}.",
                RuntimeWarning,
                stacklevel=2,
            )
    return models


def _plain(vocabulary: Vocabulary) -> set[str]:
    """The words apart from `<unk>`."""
    return set(vocabulary.words) - {UNK}


def _name(file: str | Path | Head) -> str | Path:
    return file.path if isinstance(file, Head) else file


def _is_arpa(file: str | Path | Head) -> bool:
    """Whether the file exists and is in the ARPA format."""
    return (isinstance(file, Head) or Path(file).is_file()) and is_arpa(file)
