"""A corpus in the catalogue, and its files once they are here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PARTS = ("train", "valid", "test")
TEXT, LABELLED = "text", "labelled data"  # what a corpus is: read by `rnnlm train`, or by `rnnlm classify train`
_LABELLED_KINDS = ("digits",)


@dataclass(frozen=True)
class Entry:
    """A corpus in the catalogue.

    `size` (bytes) and `sha256` are those of what is fetched, None where nothing is or they are not recorded;
    `tokenizer` is the rule that suits the text, "" for labelled data; `kind` and `options` say how the files are made.
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

    Without `valid` and `test`, held-out parts are taken from `train`, of a text from its end. `sha256` was computed
    from what the files were made of; `source_perplexity` is known for grammars: no model can have a lower one, on
    average, per token of the tokenizer `words`.
    """

    entry: Entry
    train: Path
    valid: Path | None
    test: Path | None
    tokenizer: str
    sha256: str
    source_perplexity: float | None = None
