"""Tokenizer `prose`: splits raw English text into sentences and Treebank tokens, with no data to download."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import numpy as np

from .detokenize import detokenize
from .lines import Line, plain_text
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
# Letters and single marks: here all that the rules do is to separate the marks from the words. A quantifier that ends
# in + never backtracks.
_SIMPLE = re.compile(r"[A-Za-z]++(?:-[A-Za-z]++)*+(?:[,;:?!]?+ [A-Za-z]++(?:-[A-Za-z]++)*+)*+[,;:?!.]?")
_SIMPLE_TOKEN = re.compile(r"[A-Za-z-]+|[,;:?!.]")
_TWO_IN_ONE = re.compile(r"(?i)\b(?:cannot|gimme|gonna|gotta|lemme|wanna)\b")
_LONG = 1 << 20  # characters of a paragraph after which its finished sentences are returned


class Prose(Tokenizer):
    """Words and punctuation marks of raw English text, one `</s>` a sentence.

    Blank lines separate paragraphs; the lines of a paragraph are joined. Sentences are found by NLTK's Punkt algorithm
    (Kiss and Strunk 2006) with a fixed list of abbreviations instead of a trained model, tokens by the Penn Treebank
    rules. Curly quotes and long dashes are read as the plain ones.
    """

    by_blanks = True
    help = "a word or mark of raw English text; </s> ends each sentence"
    unit = "word"
    cut = staticmethod(after_blank)

    def encoder(self, source: str) -> ProseEncoder:
        """Return an encoder for one text."""
        return ProseEncoder()

    def tokens(self, line: str) -> list[str]:
        """Return the tokens of a line, those of all its sentences."""
        return [token for sentence in sentences(" ".join(line.split())) for token in words(sentence)]

    def prompt(self, text: str) -> list[str]:
        """Return the tokens of a prompt, `</s>` between its sentences but not at the end."""
        tokens: list[str] = []
        for paragraph in re.split(r"\n\s*\n", plain_text(text)):
            for sentence in sentences(" ".join(paragraph.split())):
                tokens += [*words(sentence), EOS]
        return tokens[:-1]

    def places(self, text: str) -> list[Place]:
        """Return the place of each token; the `</s>` of a sentence stands, with no width, behind its last token.

        A token stands at the characters that it was made from: of "cannot", "can" at the first three and "not" at the
        last three.
        """
        locator = Locator(text)
        finder = SentenceFinder()
        all_sentences = [*finder.feed(plain_text(text)), *finder.finish()]
        letters = _Letters(text, locator.lines)
        places: list[Place] = []
        for sentence in all_sentences:
            stop = 0
            for token in words(sentence):
                first, last = letters.take(token)
                stop = last + 1
                places.append(locator.place(first, stop))
            places.append(locator.place(stop, stop)._replace(line=places[-1].line))
        return places

    def characters(self, ids: np.ndarray, vocabulary: Vocabulary) -> int:
        """Return the letters of the tokens, one blank between two, one newline a sentence."""
        return spelled(ids, vocabulary)

    def join(self, tokens: Iterable[str]) -> str:
        """Return the text as people write it, without blanks before punctuation, `n't` or `'s`; see `detokenize`."""
        return detokenize(tokens)


class _Letters:
    """The characters of a text without blanks, as they occur in the tokens, and the position of each in the text."""

    def __init__(self, text: str, lines: Iterable[Line]) -> None:
        positions = (position for line in lines for position in range(line.start, line.stop))
        plain = ((mark, position) for position in positions for mark in text[position].translate(_PLAIN))
        letters = [(mark, position) for mark, position in plain if not mark.isspace()]
        self._letters = "".join(mark for mark, _ in letters)
        self._places = [position for _, position in letters]
        self._next = 0

    def take(self, token: str) -> tuple[int, int]:
        """Return the positions in the text of the first and the last character of the next token."""
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
    """Yield the sentences of a paragraph in which each blank is a single space."""
    pending = ""
    for sentence in _nltk()[0].tokenize(paragraph):
        # Untrained Punkt ends a sentence at every ? and !, also within: "Who is there?" he asked.
        if pending and _OPEN_END.search(pending) and _GOES_ON.match(sentence):
            pending = f"{pending} {sentence}"
        else:
            if pending:
                yield pending
            pending = sentence
    if pending:
        yield pending


def words(sentence: str) -> list[str]:
    """Return the Treebank tokens of one sentence."""
    # Most sentences of plain prose need none of the thirty substitutions of the rules, which are the slow part.
    if _SIMPLE.fullmatch(sentence) and not _TWO_IN_ONE.search(sentence):
        return _SIMPLE_TOKEN.findall(sentence)
    return treebank_words(sentence)


def treebank_words(sentence: str) -> list[str]:
    """Return the Treebank tokens of one sentence by the full rules; `words` returns the same, faster."""
    plain = _PERIOD_BEFORE_DASH.sub(" . ", sentence.translate(_PLAIN))
    tokens: list[str] = _nltk()[1].tokenize(plain)
    return tokens


class SentenceFinder:
    """Finds the sentences of a text that comes in pieces, paragraph by paragraph; runs of blanks become one space."""

    def __init__(self) -> None:
        self._paragraph: list[str] = []
        self._size = 0
        self._line_is_blank = True

    def feed(self, piece: str) -> list[str]:
        """Return the sentences that end in this piece; the piece must end behind a blank or be the last."""
        complete: list[str] = []
        lines = piece.split("\n")
        for number, line in enumerate(lines):
            text = " ".join(line.split())
            if text:
                self._line_is_blank = False
                self._paragraph.append(text)
                self._size += len(text)
                if self._size > _LONG:
                    complete += self._flush(keep_last=True)
            if number < len(lines) - 1:  # a newline follows
                if self._line_is_blank:
                    complete += self._flush()
                self._line_is_blank = True
        return complete

    def finish(self) -> list[str]:
        """Return the sentences of the last paragraph."""
        return self._flush()

    def _flush(self, keep_last: bool = False) -> list[str]:
        complete = list(sentences(" ".join(self._paragraph)))
        self._paragraph = [complete.pop()] if keep_last and complete else []
        self._size = 0
        return complete


class ProseEncoder:
    """Encodes a text sentence by sentence; memory is bounded by the longest sentence, not by the longest line."""

    def __init__(self) -> None:
        self._types: dict[str, int] = {EOS: 0}
        self._finder = SentenceFinder()
        self.characters: list[np.ndarray] | None = []

    def feed(self, piece: bytes) -> np.ndarray:
        """Return the ids of the sentences that end in this piece; the piece must end behind a blank or be the last."""
        return self._ids(self._finder.feed(piece.decode("utf-8")))

    def finish(self) -> np.ndarray:
        """Return the ids of the last paragraph."""
        return self._ids(self._finder.finish())

    def types(self) -> list[str]:
        """Return the distinct tokens in order of first appearance."""
        return list(self._types)

    def _ids(self, complete: list[str]) -> np.ndarray:
        types = self._types
        tokens = [token for sentence in complete for token in (*words(sentence), EOS)]
        ids = np.fromiter((types.setdefault(token, len(types)) for token in tokens), dtype=np.int32, count=len(tokens))
        assert self.characters is not None
        self.characters.append(np.array([len(sentence) + 1 for sentence in complete], dtype=np.int32))
        return ids
