"""The tokenizers by name, and how one is made from a short text.

| text           | a token is                 | `</s>` stands for                  | read from                      |
|----------------|----------------------------|------------------------------------|--------------------------------|
| `words`        | what blanks separate       | the end of a line, empty lines too | text that is already tokenized |
| `prose`        | a word or punctuation mark | the end of a sentence              | raw English text               |
| `chars`        | a Unicode character        | a newline                          | any UTF-8 text                 |
| `bytes`        | a byte                     | a newline byte                     | any file                       |
| `FILE.py:NAME` | what your own class says   | the end of a line, or your own     | any UTF-8 text                 |

A new tokenizer is a file beside this one with a subclass of `Tokenizer`, and a line in `TOKENIZERS`.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from ..errors import UsageError, unknown_name
from ..own_source import ObjectKind, Trust, file_of, find, find_again
from .characters import Bytes, Characters
from .prose import Prose
from .tokenizer import Tokenizer
from .words import Words

TOKENIZERS: dict[str, type[Tokenizer]] = {
    "words": Words,
    "prose": Prose,
    "chars": Characters,
    "bytes": Bytes,
}

OWN_TOKENIZER = ObjectKind(
    "tokenizer",
    "tokenizers",
    "Tokenizer",
    "class NAME(rnnlm.Tokenizer)",
    lambda value: isinstance(value, type) and issubclass(value, Tokenizer) and not inspect.isabstract(value),
)


def forms() -> list[str]:
    """Return how each tokenizer of the table is asked for: NAME, or NAME:ARGUMENT."""
    return [f"{name}:{rule.argument}" if rule.argument else name for name, rule in TOKENIZERS.items()]


def unit_of(spec: str) -> str:
    """Return what messages call one token: "word", "character", "byte", and "token" for a user's own tokenizer.

    It takes the short text alone, so that nobody's file is run to write a message.
    """
    rule = TOKENIZERS.get(spec.partition(":")[0])
    return rule.unit if rule is not None and file_of(spec) is None else Tokenizer.unit


def tokenizer(
    spec: str, *, state: Any = None, source: str = "", folder: Path = Path(), trust: Trust = False
) -> Tokenizer:
    """Return a new tokenizer made from a short text: NAME, NAME:ARGUMENT, or a user's own as path/to/file.py:NAME.

    `state` is what `Tokenizer.state` returned for it earlier. A user's file is run. `source` is its SHA-256 as a model
    file records it, and `folder` the folder of that model: the file is then looked for in the working directory and in
    `folder`, and run only if it has this SHA-256 and `trust` says so. Raises UsageError that lists what is allowed for
    another text, and what `rnnlm.own_source.find` and `find_again` raise.
    """
    rule = _own(spec, source, folder, trust) if file_of(spec) else _named(spec)
    rule.spec = spec
    if state is not None:
        rule.restore(state)
    return rule


def _named(spec: str) -> Tokenizer:
    name, colon, argument = spec.partition(":")
    if name not in TOKENIZERS:
        known = unknown_name(f"the tokenizer {name!r}", name, forms())
        raise UsageError(f"{known[:-1]}, or your own as FILE.py:NAME.")
    kind: Any = TOKENIZERS[name]
    if colon and not kind.argument:
        raise UsageError(f"the tokenizer {name} takes nothing behind a colon, and got {spec!r}. Give {name} alone.")
    return kind(argument) if argument else kind()


def _own(spec: str, source: str, folder: Path, trust: Trust) -> Tokenizer:
    loaded = find_again(spec, OWN_TOKENIZER, folder, source, trust) if source else find(spec, OWN_TOKENIZER)
    rule: Tokenizer = loaded.value()
    rule.source = loaded.sha256
    return rule
