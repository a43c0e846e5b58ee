"""Treebank tokens back into text as people write it."""

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

    No blank before `.`, `n't`, `'s` and their kind, none behind an opening bracket or quote, none around a dash.
    `can not` becomes `cannot`: the tokenizer makes the same two tokens of both. A lone `'` closes: the Treebank rules
    leave an opening one at its word.
    """
    pieces: list[str] = []
    before = EOS
    for token in tokens:
        if token == EOS:
            pieces.append("\n")
        else:
            if before != EOS and not _is_glued(before, token):
                pieces.append(" ")
            pieces.append(_QUOTES.get(token, token))
        before = token
    return "".join(pieces)


def _is_glued(left: str, right: str) -> bool:
    small = right.lower()
    return (
        small in _NO_BLANK_BEFORE
        or left in _NO_BLANK_AFTER
        or left in _NO_BLANK_AROUND
        or right in _NO_BLANK_AROUND
        or (left.lower(), small) in _PAIRS
    )
