"""The contract of tokenizers, as a check that can be run on any of them."""

from __future__ import annotations

import json
from copy import deepcopy
from itertools import pairwise

from ..errors import DataError
from .encoding import first_numbers
from .lines import lines_of, plain_text
from .tokenizer import Tokenizer
from .tokenizers import tokenizer as find_tokenizer
from .vocabulary import EOS


def check_tokenizer(tokenizer: Tokenizer | str, text: str) -> None:
    """Check on a text that a tokenizer, a user's own or one given by its name, keeps what the package relies on.

    The same text gives the same tokens twice. Each token has a place in the text; places are in order, and none
    contains the end of a line, except that of `</s>`. `join` returns the text, blanks apart; a tokenizer that changes
    what it reads, as `prose` does with curly quotes, can pass this only on a text in which there is nothing to change.
    A tokenizer that learns does so from the text, and one that is restored from its `state` gives the same tokens.

    Raises DataError that names the first fault.
    """
    rule = find_tokenizer(tokenizer) if isinstance(tokenizer, str) else deepcopy(tokenizer)
    rule.spec = rule.spec or type(rule).__name__
    if not rule.is_ready:
        rule.learn(lines_of(text))
    tokens = _tokens(rule, text)
    if _tokens(rule, text) != tokens:
        raise DataError(f"the tokenizer {rule.spec} gives other tokens when it reads the text again.")
    if rule.learns:
        again = deepcopy(rule) if not isinstance(tokenizer, str) else find_tokenizer(tokenizer)
        again.restore(json.loads(json.dumps(rule.state())))
        if _tokens(again, text) != tokens:
            raise DataError(f"the tokenizer {rule.spec} gives other tokens once its state is saved and restored.")
    _check_places(rule, text, tokens)
    joined = rule.join(tokens)
    if "".join(joined.split()) != "".join(plain_text(text).split()):
        raise DataError(
            f"the tokenizer {rule.spec} does not join its tokens to the text that they were made from: {_short(text)} "
            f"becomes {_short(joined)}."
        )


def _tokens(rule: Tokenizer, text: str) -> list[str]:
    """Return the tokens of a text, from the ids that the tokenizer's encoder returns."""
    types, numbers = first_numbers(rule, text)
    return [types[number] for number in numbers]


def _check_places(rule: Tokenizer, text: str, tokens: list[str]) -> None:
    places = rule.places(text)
    if len(places) != len(tokens):
        raise DataError(
            f"the tokenizer {rule.spec} gives {len(tokens):,} tokens and {len(places):,} places. There is one for each."
        )
    for token, place in zip(tokens, places, strict=True):
        inside = 0 <= place.start <= place.stop <= len(text)
        if not inside or (token != EOS and "\n" in text[place.start : place.stop]):
            raise DataError(
                f"the tokenizer {rule.spec} puts the token {token!r} of line {place.line} at {place.start}:"
                f"{place.stop}, which is not inside of a line."
            )
    for (token, place), (_, after) in pairwise(zip(tokens, places, strict=True)):
        if after.start < place.start or after.stop < place.stop:
            raise DataError(
                f"the places of the tokenizer {rule.spec} do not rise: in line {place.line} {token!r} is at "
                f"{place.start}:{place.stop}, and the token after it at {after.start}:{after.stop}."
            )


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
