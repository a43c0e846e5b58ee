"""Where each token stands: line, characters, and the word that it is a part of."""

import random

import pytest

from rnnlm.text import EOS, Encoding, Vocabulary, tokenizer
from rnnlm.text.encoding import first_numbers

NOTHING = Vocabulary([EOS], [0])
BLANKS = " \t\n\r\x0b\x0c"


def read(name, text):
    """(token, line, what stands there, word) of every token."""
    types, numbers = first_numbers(tokenizer(name), text)
    places = Encoding(name, NOTHING).places(text)
    tokens = [types[number] for number in numbers]
    return [(token, p.line, text[p.start : p.stop], p.word) for token, p in zip(tokens, places, strict=True)]


def test_words():
    assert read("words", "\ufeff the  old\u00a0man\r\n\r\n\tsea é") == [
        *[("the", 1, "the", 0), ("old\u00a0man", 1, "old\u00a0man", 1), (EOS, 1, "\n", -1)],
        *[(EOS, 2, "\n", -1), ("sea", 3, "sea", 2), ("é", 3, "é", 3), (EOS, 3, "", -1)],
    ]
    assert read("words", "a\n") == [("a", 1, "a", 0), (EOS, 1, "\n", -1)]
    assert read("words", "a\n \t") == [("a", 1, "a", 0), (EOS, 1, "\n", -1)]


def test_characters():
    assert read("chars", "\ufeffhé\r\n\r 𝄞") == [
        *[("h", 1, "h", 0), ("é", 1, "é", 0), (EOS, 1, "\r\n", -1)],
        *[(EOS, 2, "\r", -1), (" ", 3, " ", -1), ("𝄞", 3, "𝄞", 1)],
    ]


def test_bytes_of_a_character_share_its_place():
    assert read("bytes", "aé\r\n€") == [
        *[("a", 1, "a", 0), ("\xc3", 1, "é", 0), ("\xa9", 1, "é", 0), ("\r", 1, "\r", -1), (EOS, 1, "\n", -1)],
        *[("\xe2", 2, "€", 1), ("\x82", 2, "€", 1), ("\xac", 2, "€", 1)],
    ]


def test_prose_over_lines_with_quotes_dashes_and_two_in_one():
    text = "\ufeff“We can’t,”\r\nhe said—“we  cannot\nstay''.\r\n\r\nGo!  Gimme---that"
    assert read("prose", text) == [
        *[("``", 1, "“", 0), ("We", 1, "We", 0), ("ca", 1, "ca", 1), ("n't", 1, "n’t", 1), (",", 1, ",", 1)],
        *[("''", 1, "”", 1), ("he", 2, "he", 2), ("said", 2, "said", 3), ("--", 2, "—", 3), ("''", 2, "“", 3)],
        *[("we", 2, "we", 3), ("can", 2, "can", 4), ("not", 2, "not", 4), ("stay", 3, "stay", 5)],
        *[("''", 3, "''", 5), (".", 3, ".", 5), (EOS, 3, "", -1)],
        *[("Go", 5, "Go", 6), ("!", 5, "!", 6), (EOS, 5, "", -1)],
        *[("Gim", 5, "Gim", 7), ("me", 5, "me", 7), ("--", 5, "--", 7), ("-that", 5, "-that", 7), (EOS, 5, "", -1)],
    ]


def test_a_prose_sentence_end_stands_behind_its_last_token():
    text = "It is he.\n\n\nYes"
    places = Encoding("prose", NOTHING).places(text)
    assert [(p.line, p.start, p.stop) for p in places if p.start == p.stop] == [(1, 9, 9), (4, 15, 15)]


PLAIN = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "—": "--"})
SCRAPS = ["the", "Dr.", "cannot", "Wanna", "it’s", "don't", "“Oh”", "„so“", '"I', 'am"', "''x''", "``y``", "—", "a—b"]
SCRAPS += ["--", "---", "-—", "3.5%", "$4", "(no)", "him.--Stand", "him.—Yes", "é", "10\u00a0km", "…", "...", "?", "!"]
SCRAPS += [".", ",", ";", "'tis", "d'ye", "it's.)"]


@pytest.mark.parametrize("seed", range(40))
def test_prose_tokens_are_made_of_what_stands_at_their_places(seed):
    """Any text: every character but blanks is in the place of a token, in order; the word is the one around it."""
    rng = random.Random(seed)
    gaps = [" ", " ", " ", "", "  ", "\n", "\r\n", "\n\n", "\t", "\u2003"]
    text = "".join(rng.choice(SCRAPS) + rng.choice(gaps) for _ in range(60))
    words = list(_words(text))
    found = Encoding("prose", NOTHING).places(text)
    types, numbers = first_numbers(tokenizer("prose"), text)
    assert len(found) == len(numbers)
    covered = set()
    at = 0
    for number, place in zip(numbers, found, strict=True):
        token, source = types[number], text[place.start : place.stop]
        assert place.start >= at or source == "—" or text[at - 1] == "—"  # only a long dash is in two tokens
        assert place.line == text.count("\n", 0, place.start) + 1 or token == EOS
        covered |= set(range(place.start, place.stop))
        at = place.stop
        if token == EOS:
            assert (source, place.word) == ("", -1)
            continue
        start, word = words[place.word]
        assert start <= place.start < start + len(word)
        plain = "".join(source.translate(PLAIN).split())
        if token in ("``", "''"):
            assert plain in ('"', "''", "``")
        else:
            assert token == plain or "—" in source
    assert covered >= {i for i, c in enumerate(text) if not c.isspace()}


def _words(text):
    at = 0
    for word in "".join(" " if c in BLANKS else c for c in text).split(" "):
        if word:
            yield at, word
        at += len(word) + 1


@pytest.mark.parametrize("name", ["words", "prose", "chars", "bytes"])
def test_a_text_without_a_word_has_no_place_of_a_word(name):
    assert [place.word for place in Encoding(name, NOTHING).places(" \n\n ")] in ([], [-1] * 2, [-1] * 4)
    assert Encoding(name, NOTHING).places("") == []
