"""A corpus in the catalogue, and its files once they are in the cache."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PARTS = ("train", "valid", "test")
TEXT, LABELLED = "text", "labelled data"  # the contents of a corpus: for `rnnlm train`, and for `rnnlm classify train`
_LABELLED_KINDS = ("digits",)


@dataclass(frozen=True)
class Entry:
    """A corpus in the catalogue.

    `size` (bytes) and `sha256` are those of the file that is fetched, None where nothing is fetched or the catalogue
    does not record them. `tokenizer` is the one that suits the text, "" for labelled data. `kind` is a key of
    `rnnlm.catalogue.sources.MAKERS`, which says how the files are made, and `options` are for that function.
    """

    name: str
    kind: str
    description: str
    licence: str
    source: str
    tokenizer: str = ""
    size: int | None = None
    sha256: str | None = None
    reference: str = ""
    options: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def content(self) -> str:
        """What the files hold: TEXT or LABELLED."""
        return LABELLED if self.kind in _LABELLED_KINDS else TEXT


@dataclass(frozen=True)
class Fetched:
    """The files of a corpus: texts, or .npz archives of labelled data (`rnnlm.datasets.read`).

    Where `valid` and `test` are None, held-out parts are taken from `train`, of a text from its end. `sha256` is that
    of what the files were made from. `source_perplexity` is known for grammars: on average no model can have a lower
    perplexity per token of the tokenizer `words`.
    """

    entry: Entry
    train: Path
    valid: Path | None
    test: Path | None
    tokenizer: str
    sha256: str
    source_perplexity: float | None = None
