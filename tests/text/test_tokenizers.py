"""The four rules: what a token is, where `</s>` stands, and that sampled tokens can be read."""

import random

import pytest

from rnnlm.errors import UsageError
from rnnlm.text import EOS, TOKENIZERS, Corpus, tokenizer


def read(text, name, **keywords):
    corpus = Corpus.from_text(text, tokenizer=name, **keywords)
    return corpus.vocabulary.decode(corpus.ids)


def test_words_are_what_blanks_separate_and_every_line_has_its_end():
    assert read(" a  b\tc \n\nd\n", "words") == ["a", "b", "c", EOS, EOS, "d", EOS]


@pytest.mark.parametrize("name", ["words", "prose", "chars"])
def test_crlf_is_a_newline(name):
    text = "Good day to you.\nIt rains.\n\nIt stopped.\n"
    assert read(text.replace("\n", "\r\n"), name) == read(text, name)


def test_bytes_keep_the_carriage_return():
    assert read("a\r\nb", "bytes") == ["a", "\r", EOS, "b"]


def test_last_line_without_newline_has_its_end():
    assert read("a b\nc", "words") == ["a", "b", EOS, "c", EOS]
    assert read("a b\nc   ", "words") == ["a", "b", EOS, "c", EOS]


def test_no_break_space_is_part_of_a_word():
    assert read("10\u00a0000 men", "words") == ["10\u00a0000", "men", EOS]


def test_chars_and_bytes_add_nothing():
    assert read("aé\n b", "chars") == ["a", "é", EOS, " ", "b"]
    assert read("aé\n b", "bytes") == ["a", "\xc3", "\xa9", EOS, " ", "b"]


def test_prose_finds_sentences_over_lines_and_keeps_paragraphs_apart():
    text = 'Mr. J. R. Smith went\nhome early. He can\'t\nsleep!\n\nA title\n\n"Really?" she asked. Yes--no.\n'
    assert read(text, "prose") == [
        *["Mr.", "J.", "R.", "Smith", "went", "home", "early", ".", EOS],
        *["He", "ca", "n't", "sleep", "!", EOS],
        *["A", "title", EOS],
        *["``", "Really", "?", "''", "she", "asked", ".", EOS],
        *["Yes", "--", "no", ".", EOS],
    ]


def test_prose_does_not_depend_on_blocks():
    from rnnlm.text.prose import Prose

    rng = random.Random(1)
    scraps = ["Dr. Who came. ", "Is it\nhe? ", "No!\n\n", "\n", "we  go\n", "   \n"]
    text = "".join(rng.choice(scraps) for _ in range(400))
    data = text.encode()
    whole = Prose().encoder("x")
    expected = [*whole.feed(data), *whole.finish()]
    for _ in range(5):
        encoder, found, rest = Prose().encoder("x"), [], data
        while rest:
            cut = 0
            while not cut:  # as text_pieces cuts: behind a blank
                cut = Prose.cut(rest[: rng.randrange(20, 60)])
            found += [*encoder.feed(rest[:cut])]
            rest = rest[cut:]
        assert [*found, *encoder.finish()] == expected
        assert sum(map(sum, encoder.characters)) == sum(map(sum, whole.characters))


def test_a_paragraph_longer_than_memory_allows_is_passed_on_in_sentences(monkeypatch):
    text = "This is the house. " * 300
    whole = read(text, "prose")
    monkeypatch.setattr("rnnlm.text.prose._LONG", 100)
    lines = text.replace("house.", "house.\n")
    assert read(lines, "prose") == whole
    assert whole.count(EOS) == 300


@pytest.mark.parametrize(
    "text",
    [
        "He said, \"don't\"; no, I cannot (ever) do Tom's 'work' for $5!",
        "It's the boys' dog, they've seen; 'tis 50% mine: isn't it?",
        '"Who is there?" he asked. "I am [not] the king," she said.',
        "Come,--you shall.",
        "Wanna go? Gimme that, I'm gonna stay.",
    ],
)
def test_prose_join_writes_what_was_read(text):
    rule = tokenizer("prose")
    assert rule.join(rule.prompt(text)).replace("\n", " ") == text


def test_join_of_words_chars_and_bytes():
    assert tokenizer("words").join(["a", "b", EOS, EOS, "c", EOS]) == "a b\n\nc\n"
    assert tokenizer("prose").join(["a", ".", EOS, "B"]) == "a.\nB"
    assert tokenizer("chars").join(["a", "é", EOS, " "]) == "aé\n "
    assert tokenizer("bytes").join(["a", "\xc3", "\xa9", EOS, "\xff"]) == "aé\n\ufffd"


def test_prompts_have_no_final_end():
    assert tokenizer("words").prompt("In the beginning\n") == ["In", "the", "beginning"]
    assert tokenizer("words").prompt("a\nb") == ["a", EOS, "b"]
    assert tokenizer("prose").prompt("Don't go") == ["Do", "n't", "go"]
    assert tokenizer("prose").prompt("Go. I stay") == ["Go", ".", EOS, "I", "stay"]
    assert tokenizer("chars").prompt("a\nb") == ["a", EOS, "b"]
    assert tokenizer("bytes").prompt("é") == ["\xc3", "\xa9"]
    assert [tokenizer(name).prompt("") for name in ("words", "prose", "chars", "bytes")] == [[]] * 4


def test_simple_sentences_get_the_tokens_of_the_rules():
    from rnnlm.text.prose import _SIMPLE, treebank_words, words

    rng = random.Random(2)
    parts = ["a", "King", "cannot", "wanna", "to-day", "x--y", "I", "it's", "3", "Dr."]
    parts += [",", ";", ":", "?", "!", ".", " ", " ", " ", " ", " ", "-"]
    tried = ["".join(rng.choice(parts) for _ in range(rng.randrange(1, 9))).strip() for _ in range(6000)]
    simple = [text for text in tried if _SIMPLE.fullmatch(text)]
    assert len(simple) > 500
    assert [text for text in tried if words(text) != treebank_words(text)] == []


@pytest.mark.parametrize("name", list(TOKENIZERS))
def test_a_prompt_gets_the_tokens_that_the_text_has(name):
    text = "The king said: Go. And he went\n"
    assert read(text, name) in (tokenizer(name).prompt(text), [*tokenizer(name).prompt(text), EOS])


def test_unknown_name():
    with pytest.raises(UsageError, match=r"'word'.*words, prose, chars, bytes"):
        tokenizer("word")
