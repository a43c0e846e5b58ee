"""Turning Treebank tokens back into text as people write it."""

from __future__ import annotations

from collections.abc import Iterable

from .vocabulary import EOS

_NO_BLANK_BEFORE = frozenset(
    (".", ",", ":", ";", "?", "!", "%", ")", "]", "}", "…", "''", "'", "n't", "'s", "'m", "'d", "'ll", "'re", "'ve")
)
_NO_BLANK_AFTER = frozenset(("(", "[", "{", "$", "#", "``"))
_NO_BLANK_AROUND = frozenset(("--", "–", "—"))
# The Treebank rules split these words in two; every pair here is one word again.
_PAIRS = frozenset(
    (left, right)
    for left, right in zip(
        ("can", "gon", "wan", "got", "gim", "lem", "d", "more", "'t", "'t"),
        ("not", "na", "na", "ta", "me", "me", "'ye", "'n", "is", "was"),
        strict=True,
    )
)
_QUOTES = {"``": '"', "''": '"'}


def detokenize(tokens: Iterable[str]) -> str:
    """Return the text of Treebank tokens; `</s>` becomes a newline.

    There is no blank before `.`, `n't`, `'s` and the like, none behind an opening bracket or quote, and none around a
    dash. `can not` becomes `cannot`, since the tokenizer makes the same two tokens of both. A `'` that is a token of
    its own is a closing quote: the Treebank rules leave an opening one at its word.
    """
    pieces: list[str] = []
    previous = EOS
    for token in tokens:
        if token == EOS:
            pieces.append("\n")
        else:
            if previous != EOS and not _is_glued(previous, token):
                pieces.append(" ")
            pieces.append(_QUOTES.get(token, token))
        previous = token
    return "".join(pieces)


def _is_glued(left: str, right: str) -> bool:
    right_lower = right.lower()
    return (
        right_lower in _NO_BLANK_BEFORE
        or left in _NO_BLANK_AFTER
        or left in _NO_BLANK_AROUND
        or right in _NO_BLANK_AROUND
        or (left.lower(), right_lower) in _PAIRS
    )
