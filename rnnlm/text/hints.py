"""What a person should know about a text that is read into words: that it is probably not what it is taken for.

The first bytes of a text are looked at, once, so that a hint costs nothing. Nothing is said of texts for `chars`,
`bytes` and tokenizers of the user's own, which suit every text, and of the parts of named corpora.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from .lines import plain
from .remedies import filtered

HEAD = 1 << 16  # bytes of a text that are looked at
_MOST = 0.9  # the share of lines that must have a form: texts have headings and lines that were cut
_LONG_WORD = 30  # letters in the mean word, above which blanks do not separate words
_LONG_LINE = 1000  # words in a line that is no sentence …
_TYPES = 100  # … of so many different words; the artificial languages have fewer
_ENOUGH, _ENOUGH_LETTERS = 20, 300  # letters of a script, and of any, that say something

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# Scripts that are written without blanks between words: letters, the longest mean word of a text whose words were
# separated, and the packages that separate them.
_SCRIPTS = {
    "Japanese": (f"\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9d{_HAN}", 4, "fugashi, SudachiPy or Janome"),
    "Chinese": (_HAN, 4, "jieba"),
    "Thai": ("\u0e00-\u0e7f", 10, "pythainlp"),
    "Lao": ("\u0e80-\u0eff", 10, "laonlp"),
    "Khmer": ("\u1780-\u17ff", 10, "khmer-nltk"),
    "Burmese": ("\u1000-\u109f", 10, "pyidaungsu"),
}
_KANA = re.compile("[\u3040-\u30ff]")
_CUE = re.compile(r"(\d+:)?\d\d:\d\d[,.]\d{3} --> (\d+:)?\d\d:\d\d[,.]\d{3}")
_FIRST_TAG = re.compile(r"<(\?xml|!doctype|html|[a-z][\w:.-]*(\s+[\w:.-]+\s*=\s*[\"'][^<>]*)?/?>)", re.IGNORECASE)
_TAG = re.compile(r"</?([A-Za-z][\w:.-]*)[^<>]*>")
_JSON_KEY = re.compile(r'\s*"[^"]*"\s*:')


class Hint(NamedTuple):
    """What is to be said after the name of the text, and a filter that helps, for the shell; "" for none."""

    text: str
    command: str = ""

    def about(self, name: str) -> str:
        """Return the hint as a sentence on the text that messages call `name`."""
        return f"{name} {self.text}{f': {filtered(name, self.command)}' if self.command else ''}."


def of_beginning(head: bytes, tokenizer: str) -> Hint | None:
    """Return the hint on a text with these first bytes, None for an ordinary one; for `prose` it may be one line."""
    text = plain(head[:HEAD]).decode("utf-8", "ignore")
    lines = text.split("\n")
    if len(head) >= HEAD and len(lines) > 1:
        lines.pop()  # it was cut
    lines = [line for line in lines if line.strip()]
    return _form(lines) or _without_blanks(text) or (_one_line(text) if tokenizer == "words" else None)


def of_blank_lines(blank: int) -> Hint | None:
    """Return the hint on a text with so many lines without words, each of which is a sentence."""
    if not blank:
        return None
    lines, them = ("a blank line, which", "it") if blank == 1 else (f"{blank:,} blank lines, each of which", "them")
    return Hint(f"has {lines} is a sentence of </s> alone; without {them}", "sed '/^[[:space:]]*$/d'")


def of_unknown_words(tokens: int, sentences: int, unknown: int) -> Hint | None:
    """Return the hint on a text none of whose words is known."""
    if not unknown or unknown + sentences < tokens:
        return None
    return Hint(
        f"has no word of the vocabulary: all {unknown:,} are unknown. Its language, spelling and tokens should be "
        "those of the training text"
    )


def _form(lines: Sequence[str]) -> Hint | None:
    """The hint on a file that is a table or in a markup, whose marks would become words."""
    if not lines:
        return None
    if sum(map(bool, map(_CUE.match, lines))) * 10 >= len(lines):
        command = "sed -E -e '/^[0-9]+[[:space:]]*$/d' -e '/-->/d' -e '/^WEBVTT/d' -e '/^[[:space:]]*$/d'"
        return Hint("looks like subtitles, whose numbers and times would become words; take them out", command)
    if _is_json(lines):
        return Hint("looks like JSON, whose keys and marks would become words; take the text out of it")
    if _is_markup(lines):
        tags = "looks like XML, HTML or SGML, whose tags would become words; take the tags out"
        return Hint(tags, "sed 's/<[^>]*>//g'")
    if _share(lines, [" ||| " in line for line in lines]):
        return Hint(
            "looks like an n-best list or a table with |||, whose fields would become words; take one out",
            "awk -F ' *[|][|][|] *' '{print $2}'",
        )
    tabs = Counter(line.strip().count("\t") for line in lines)
    if _is_table(tabs, len(lines), 1):
        return Hint("looks like a table with tabs, whose columns would become words; take one out", "cut -f 1")
    for mark, name in ((",", "commas"), (";", "semicolons")):
        if _is_csv(lines, mark):
            return Hint(f"looks like a CSV table with {name}, whose cells would become words; take one column out")
    return None


def _share(lines: Sequence[str], has_form: Sequence[bool]) -> bool:
    return len(lines) >= 2 and sum(has_form) >= _MOST * len(lines)


def _is_json(lines: Sequence[str]) -> bool:
    def is_object(line: str) -> bool:
        try:
            return isinstance(json.loads(line), dict | list)
        except (ValueError, RecursionError):
            return False

    first = lines[0].lstrip("\ufeff \t")
    if not first.startswith(("{", "[")):
        return False
    if _share(lines, [line.strip().startswith(("{", "[")) for line in lines]) or len(lines) == 1:
        return all(map(is_object, lines[:5])) or (len(lines) == 1 and bool(_JSON_KEY.search(first)))
    return sum(map(bool, map(_JSON_KEY.match, lines))) * 3 >= len(lines)


def _is_markup(lines: Sequence[str]) -> bool:
    if first := _FIRST_TAG.match(lines[0].strip()):
        name = first[1].lower()
        if name in ("?xml", "!doctype", "html") or first[2]:
            return True
    closed = {match[1] for line in lines for match in _TAG.finditer(line) if match[0].startswith("</")}
    tagged = [any(match[1] in closed for match in _TAG.finditer(line)) for line in lines]
    opened = any(match[1] in closed and match[0][1] != "/" for line in lines for match in _TAG.finditer(line))
    return opened and 10 * sum(tagged) >= 3 * len(lines)


def _is_table(counts: Counter[int], lines: int, least: int) -> bool:
    """Whether nearly every one of at least three lines has the same number of marks, `least` or more."""
    (marks, frequency), *_ = counts.most_common(1)
    return lines >= 3 and marks >= least and frequency >= _MOST * lines


def _is_csv(lines: Sequence[str], mark: str) -> bool:
    """Whether the lines are rows of equally many cells; a mark before a blank or at the end is punctuation."""
    try:
        rows = [row for row in csv.reader([line.rstrip().rstrip(mark) for line in lines], delimiter=mark) if row]
    except csv.Error:
        return False
    widths = Counter(sum(not cell.startswith(" ") for cell in row[1:]) for row in rows)
    least = 1 if len(rows) >= 10 else 2
    return len(rows) >= 3 and _is_table(widths, len(rows), least)


def _without_blanks(text: str) -> Hint | None:
    """The hint on a text whose words are not separated by blanks: of a script that has none, or of long rows."""
    tokens = text.split()
    letters = sum(map(len, tokens))
    for language, (script, longest, packages) in _SCRIPTS.items():
        if language == "Japanese" and not _KANA.search(text):
            continue
        found = [len(word) for token in tokens if (word := re.sub(f"[^{script}]", "", token))]
        if sum(found) >= max(_ENOUGH, 0.3 * letters) and sum(found) > longest * len(found):
            return Hint(
                f"is {language} without blanks between words, so that whole phrases would be words. Give tokens=chars, "
                f"or separate the words first, for instance with {packages}"
            )
    if letters >= _ENOUGH_LETTERS and letters > _LONG_WORD * len(tokens):
        return Hint(
            f"has words of {letters // len(tokens):,} letters in the mean: blanks do not separate words in it. Give "
            "tokens=chars, or separate the words first"
        )
    return None


def _one_line(text: str) -> Hint | None:
    words = text.split()
    if "\n" in text.rstrip() or len(words) < _LONG_LINE or len(set(words)) < _TYPES:
        return None
    return Hint(
        f"begins with a line of {len(words):,} words or more: each line is a sentence, and ends in </s>. Write a "
        "sentence a line; of English text, tokens=prose finds the sentences, and tokens=chars needs none"
    )
