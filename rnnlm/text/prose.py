"""Tokenizer `prose`: raw English text into sentences and Treebank tokens, with no data to download."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import numpy as np

from .detokenize import detokenize
from .pieces import after_blank
from .places import Locator, Place
from .tokenizer import Tokenizer
from .vocabulary import EOS, Vocabulary
from .words import spelled

# Words whose period does not end a sentence. Single letters (initials) are known to the splitter itself.
_ABBREVIATIONS = """
adm apr apt assn aug ave blvd bros capt cf ch cmdr co col corp dec dept dist dr e.g ed eds esp est etc feb fig figs fr
ft gen gov hon i.e inc jan jr jul jun lib lt ltd maj mar messrs mlle mme mr mrs ms mt nov oct op p.m a.m ph.d pl pp pres
prof pt rep rev sen sep sept sgt sr st ste supt u.k u.n u.s u.s.a univ viz vol vols vs
"""

# Typographic marks that Treebank's rules do not know; the tokens use the plain ones.
_PLAIN = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "—": "--", "\u00a0": " "})
_GOES_ON = re.compile(r"[\"')\]]*[a-z]")  # the next sentence would start with a small letter
_OPEN_END = re.compile(r"[?!][\"')\]]*$")
# The Treebank rules split off only the last period of a sentence; in "him.--Stand, ho!" there is one before.
_PERIOD_BEFORE_DASH = re.compile(r"(?<=\w\w)\.(?=--)")
# Letters and single marks: here the rules only part the marks from the words. Quantifiers that end in + never go back.
_SIMPLE = re.compile(r"[A-Za-z]++(?:-[A-Za-z]++)*+(?:[,;:?!]?+ [A-Za-z]++(?:-[A-Za-z]++)*+)*+[,;:?!.]?")
_SIMPLE_TOKEN = re.compile(r"[A-Za-z-]+|[,;:?!.]")
_TWO_IN_ONE = re.compile(r"(?i)\b(?:cannot|gimme|gonna|gotta|lemme|wanna)\b")
_LONG = 1 << 20  # characters of a paragraph after which its finished sentences are passed on


class Prose(Tokenizer):
    """Words and punctuation marks of raw English text, one `</s>` a sentence.

    Blank lines separate paragraphs; the lines of a paragraph are joined. Sentences are found by NLTK's Punkt algorithm
    (Kiss and Strunk 2006) with a fixed list of abbreviations instead of a trained model, tokens by the Penn Treebank
    rules. Curly quotes and long dashes are read as the plain ones.
    """

    help = "a word or mark of raw English text; </s> ends each sentence"
    cut = staticmethod(after_blank)

    def encoder(self, source: str) -> ProseEncoder:
        """Return an encoder for one text."""
        return ProseEncoder()

    def tokens(self, line: str) -> list[str]:
        """Return the tokens of a line, those of all its sentences."""
        return [token for sentence in sentences(" ".join(line.split())) for token in words(sentence)]

    def prompt(self, text: str) -> list[str]:
        """Return the tokens of a prompt, `</s>` between its sentences but not at the end."""
        found: list[str] = []
        for paragraph in re.split(r"\n\s*\n", text):
            for sentence in sentences(" ".join(paragraph.split())):
                found += [*words(sentence), EOS]
        return found[:-1]

    def places(self, text: str) -> list[Place]:
        """Return the place of each token; the `</s>` of a sentence stands, with no width, behind its last token.

        Of "cannot" the first token is "can" and the second "not"; both tokens of a long dash that is part of three in
        a row, and so on, stand at the characters of which they were made.
        """
        locator = Locator(text)
        finder = SentenceFinder()
        found = [*finder.feed(text[locator.begin :]), *finder.finish()]
        letters = _Letters(text, locator.begin)
        places: list[Place] = []
        for sentence in found:
            at = 0
            for token in words(sentence):
                first, last = letters.take(token)
                at = last + 1
                places.append(locator.place(first, at))
            places.append(locator.place(at, at)._replace(line=places[-1].line))
        return places

    def characters(self, ids: np.ndarray, vocabulary: Vocabulary) -> int:
        """Return the letters of the tokens, one blank between two, one newline a sentence."""
        return spelled(ids, vocabulary)

    def join(self, tokens: Iterable[str]) -> str:
        """Return the text as one would write it: no blank before punctuation, `n't` or `'s`, quotes closed."""
        return detokenize(tokens)


class _Letters:
    """The characters of a text without blanks, as the tokens have them, and where each stands in the text."""

    def __init__(self, text: str, begin: int) -> None:
        plain = ((mark, at) for at in range(begin, len(text)) for mark in text[at].translate(_PLAIN))
        kept = [(mark, at) for mark, at in plain if not mark.isspace()]
        self._letters = "".join(mark for mark, _ in kept)
        self._places = [at for _, at in kept]
        self._next = 0

    def take(self, token: str) -> tuple[int, int]:
        """The places of the first and the last character of the next token."""
        size = len(token)
        if token in ("``", "''") and self._letters[self._next] == '"':
            size = 1
        first, self._next = self._next, self._next + size
        return self._places[first], self._places[self._next - 1]


@cache
def _nltk() -> tuple[Any, Any]:
    # Imported when first used: NLTK takes longer to load than everything else in this package.
    from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer
    from nltk.tokenize.treebank import TreebankWordTokenizer

    parameters = PunktParameters()
    parameters.abbrev_types = set(_ABBREVIATIONS.split())
    return PunktSentenceTokenizer(parameters), TreebankWordTokenizer()


def sentences(paragraph: str) -> Iterator[str]:
    """Yield the sentences of a paragraph whose blanks are single."""
    held = ""
    for sentence in _nltk()[0].tokenize(paragraph):
        # Untrained Punkt ends a sentence at every ? and !, also within: "Who is there?" he asked.
        if held and _OPEN_END.search(held) and _GOES_ON.match(sentence):
            held = f"{held} {sentence}"
        else:
            if held:
                yield held
            held = sentence
    if held:
        yield held


def words(sentence: str) -> list[str]:
    """Return the Treebank tokens of one sentence."""
    # Most sentences of plain prose need none of the thirty substitutions of the rules, which are the slow part.
    if _SIMPLE.fullmatch(sentence) and not _TWO_IN_ONE.search(sentence):
        return _SIMPLE_TOKEN.findall(sentence)
    return treebank_words(sentence)


def treebank_words(sentence: str) -> list[str]:
    """Return the Treebank tokens of one sentence by the rules alone: what `words` must agree with."""
    plain = _PERIOD_BEFORE_DASH.sub(" . ", sentence.translate(_PLAIN))
    found: list[str] = _nltk()[1].tokenize(plain)
    return found


class SentenceFinder:
    """Finds the sentences of a text that comes in pieces, paragraph by paragraph; their blanks become single."""

    def __init__(self) -> None:
        self._paragraph: list[str] = []
        self._size = 0
        self._line_is_blank = True

    def feed(self, piece: str) -> list[str]:
        """Return the sentences that end in this piece, which ends behind a blank or is the last."""
        done: list[str] = []
        lines = piece.split("\n")
        for number, line in enumerate(lines):
            text = " ".join(line.split())
            if text:
                self._line_is_blank = False
                self._paragraph.append(text)
                self._size += len(text)
                if self._size > _LONG:
                    done += self._flush(keep_last=True)
            if number < len(lines) - 1:  # a newline follows
                if self._line_is_blank:
                    done += self._flush()
                self._line_is_blank = True
        return done

    def finish(self) -> list[str]:
        """Return the sentences of the last paragraph."""
        return self._flush()

    def _flush(self, keep_last: bool = False) -> list[str]:
        found = list(sentences(" ".join(self._paragraph)))
        self._paragraph = [found.pop()] if keep_last and found else []
        self._size = 0
        return found


class ProseEncoder:
    """Encodes a text sentence by sentence; memory is bounded by the longest sentence, not by the longest line."""

    def __init__(self) -> None:
        self._types: dict[str, int] = {EOS: 0}
        self._finder = SentenceFinder()
        self.characters: list[np.ndarray] | None = []

    def feed(self, piece: bytes) -> np.ndarray:
        """Return the ids of the sentences that end in this piece; it ends behind a blank or is the last."""
        return self._ids(self._finder.feed(piece.decode("utf-8")))

    def finish(self) -> np.ndarray:
        """Return the ids of the last paragraph."""
        return self._ids(self._finder.finish())

    def types(self) -> list[str]:
        """Return the distinct tokens in order of first appearance."""
        return list(self._types)

    def _ids(self, done: list[str]) -> np.ndarray:
        types = self._types
        tokens = [token for sentence in done for token in (*words(sentence), EOS)]
        ids = np.fromiter((types.setdefault(token, len(types)) for token in tokens), dtype=np.int32, count=len(tokens))
        assert self.characters is not None
        self.characters.append(np.array([len(sentence) + 1 for sentence in done], dtype=np.int32))
        return ids
