"""The three texts of a run: training, validation and test text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import catalogue
from ..errors import DataError
from ..options import option
from ..text.corpus import Corpus
from ..text.encoding import Encoding
from ..text.tokenizers import forms

HELD_OUT = 0.05  # the share of the text that is held out for each part that is not given


@dataclass(frozen=True, kw_only=True)
class TextOptions:
    """The texts of a run and the words of its vocabulary. `tokens` None is the corpus's own rule, or `words`."""

    text: str | Path = option(
        "kjv", "The text: a path, - for standard input, or the name of a corpus.", group="Text", free=True
    )
    valid: str | Path | None = option(
        None,
        "Text by which choices are made, such as the best epoch; without it the end of TEXT is held out.",
        group="Text",
        metavar="FILE",
        free=True,
        common=True,
    )
    test: str | Path | None = option(
        None, "Text whose perplexity is reported at the end.", group="Text", metavar="FILE", free=True, common=True
    )
    tokens: str | None = option(
        None,
        f"{', '.join(forms())}, or your own as FILE.py:NAME; words unless the corpus says otherwise.",
        group="Text",
        metavar="RULE",
        common=True,
    )
    max_vocab: int | None = option(None, "Keep the V most frequent words.", group="Text", metavar="V")
    min_count: int = option(1, "Keep words seen at least N times.", group="Text", metavar="N")


@dataclass(frozen=True)
class Data:
    """Training, validation and test text, all in the ids of one encoding, and a note on what was held out."""

    train: Corpus
    valid: Corpus
    test: Corpus | None
    held_out_note: str
    source_perplexity: float | None = None  # of an artificial grammar: what a perfect model would reach

    @property
    def hashes(self) -> dict[str, str | int | None]:
        """Hashes and sizes of the texts by name, for the model file and for the check of a resumed run."""
        return {
            "train": self.train.sha256,
            "valid": self.valid.sha256,
            "test": self.test.sha256 if self.test else None,
            "train_tokens": len(self.train),
            "valid_tokens": len(self.valid),
            "vocabulary": self.train.vocabulary.hash,
            **({} if self.train.encoding.is_plain else {"encoding": self.train.encoding.hash}),
        }


def load(settings: TextOptions, encoding: Encoding | None = None) -> Data:
    """The texts of a run: paths or names of the catalogue. DataError for a text that cannot be used.

    A named corpus brings its own parts. Where no validation text is given, one is held out from the end of the text,
    and a test part after it when none is given either; vocabulary and tokenizer are learned without them. `encoding` is
    that of a run that is resumed.
    """
    text, valid, test = settings.text, settings.valid, settings.test
    tokenizer, source_perplexity = settings.tokens, None
    if isinstance(text, str) and catalogue.is_name(text) and not Path(text).exists():
        corpus = catalogue.get(text)
        text, tokenizer = corpus.train, tokenizer or corpus.tokenizer
        valid, test = valid or corpus.valid, test or corpus.test
        source_perplexity = corpus.source_perplexity
    rules: dict[str, Any] = {"encoding": encoding}
    if encoding is None:
        rules = {"tokenizer": tokenizer or "words", "max_vocab": settings.max_vocab, "min_count": settings.min_count}
    shares = [] if valid else [HELD_OUT] if test else [HELD_OUT, HELD_OUT]
    name = "standard input" if str(text) == "-" else str(settings.text)
    train, *held_out = Corpus.encode_split(text, [1 - sum(shares), *shares], **rules)
    if len(train.vocabulary) < 2:
        raise DataError(
            f"{name} has no word besides the sentence end, so there is nothing to predict. Give another text."
        )

    def encode(path: str | Path) -> Corpus:
        return Corpus.encode(path, encoding=train.encoding)

    held_out_note = ""
    if held_out:
        use = "validation and test" if len(held_out) > 1 else "validation"
        sizes = " and ".join(f"{len(part):,}" for part in held_out)
        held_out_note = f"held out the last {sizes} tokens of {name} for {use}"
    valid_part = encode(valid) if valid else held_out.pop(0)
    test_part = encode(test) if test else held_out.pop(0) if held_out else None
    return Data(train, valid_part, test_part, held_out_note, source_perplexity)
