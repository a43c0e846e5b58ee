"""How a text becomes tokens: the rules, by the short text that names them.

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

from ..errors import UsageError
from ..own_source import Wanted, file_of, find, find_again
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

OWN_TOKENIZER = Wanted(
    "tokenizer",
    "tokenizers",
    "Tokenizer",
    "class NAME(rnnlm.Tokenizer)",
    lambda value: isinstance(value, type) and issubclass(value, Tokenizer) and not inspect.isabstract(value),
)


def forms() -> list[str]:
    """Return how each tokenizer of the table is asked for: NAME, or NAME:ARGUMENT."""
    return [f"{name}:{rule.argument}" if rule.argument else name for name, rule in TOKENIZERS.items()]


def tokenizer(spec: str, *, state: Any = None, source: str = "", folder: Path = Path()) -> Tokenizer:
    """Return a new tokenizer made from a short text: NAME, NAME:ARGUMENT, or a user's own as path/to/file.py:NAME.

    `state` is what one like it has learned. `source` is the SHA-256 of the user's file as a model's file has it, and
    `folder` where that model is: the user's file is looked for in the working directory and there, and is run. Raises
    UsageError for another text, listing the allowed, and what `rnnlm.own_source.find` and `find_again` raise.
    """
    rule = _own(spec, source, folder) if file_of(spec) else _named(spec)
    rule.spec = spec
    if state is not None:
        rule.restore(state)
    return rule


def _named(spec: str) -> Tokenizer:
    name, colon, argument = spec.partition(":")
    if name not in TOKENIZERS:
        allowed = ", ".join(forms())
        raise UsageError(f"there is no tokenizer {name!r}; choose one of {allowed}, or your own as FILE.py:NAME.")
    kind: Any = TOKENIZERS[name]
    if colon and not kind.argument:
        raise UsageError(f"the tokenizer {name} takes nothing behind a colon, and got {spec!r}. Give {name} alone.")
    return kind(argument) if argument else kind()


def _own(spec: str, source: str, folder: Path) -> Tokenizer:
    found = find_again(spec, OWN_TOKENIZER, folder, source, 4) if source else find(spec, OWN_TOKENIZER, folder)
    rule: Tokenizer = found.value()
    rule.source, rule.running = source or found.sha256, found.sha256
    return rule
