"""Tokenizer and vocabulary as one value: ids and back, hash, JSON, differences, learned data."""

import json
import re
from collections import Counter

import numpy as np
import pytest

import rnnlm
from rnnlm.errors import DataError, UsageError
from rnnlm.evaluation import in_ids_of, read_stream, score, write_binary, write_tsv
from rnnlm.models import average, load
from rnnlm.models.elman import ElmanLM
from rnnlm.models.mixture import MixtureLM
from rnnlm.stored import Stored
from rnnlm.text import EOS, TOKENIZERS, Corpus, Encoding, Tokenizer, Vocabulary, as_encoding, check_tokenizer, tokenizer
from rnnlm.text.encoding import difference, require_same

WORDS = Vocabulary([EOS, "<unk>", "the", "sea", "."], [3, 1, 5, 2, 1])
TEXT = "the sea is low\nthe low sea\nthe tide is low\n"


class Pairs(Tokenizer):
    """Characters of a word, of which the most frequent pairs are merged: a byte-pair encoding, told shortly."""

    argument = "MERGES"

    def __init__(self, merges="4"):
        self.count = int(merges)
        self.merges = None

    def learn(self, lines):
        words = Counter(word for line in lines for word in line.split())
        split = {word: list(word) for word in words}
        self.merges = []
        for _ in range(self.count):
            pairs = Counter()
            for word, n in words.items():
                for pair in zip(split[word], split[word][1:], strict=False):
                    pairs[pair] += n
            if not pairs:
                break
            best = max(sorted(pairs), key=pairs.__getitem__)
            self.merges.append(list(best))
            split = {word: self._merged(parts, best) for word, parts in split.items()}

    def state(self):
        return self.merges

    def restore(self, state):
        self.merges = state

    def tokens(self, line):
        found = []
        for word in line.split():
            parts = list(word)
            for pair in self.merges:
                parts = self._merged(parts, tuple(pair))
            found += [*(f"{part}@" for part in parts[:-1]), parts[-1]]
        return found

    def spans(self, line, tokens):
        return super().spans(line, [token.removesuffix("@") for token in tokens])

    def join(self, tokens):
        text = " ".join(tokens).replace("@ ", "").removesuffix("@")
        return re.sub(f" ?{EOS} ?", "\n", text)

    @staticmethod
    def _merged(parts, pair):
        found = []
        for part in parts:
            if found and (found[-1], part) == pair:
                found[-1] += part
            else:
                found.append(part)
        return found


@pytest.fixture
def pairs(monkeypatch):
    monkeypatch.setitem(TOKENIZERS, "pairs", Pairs)  # the one line


def test_ids_and_back():
    encoding = Encoding("prose", WORDS)
    assert encoding.encode("The sea. the\nsea").tolist() == [1, 3, 4, 0, 2, 3, 0]
    assert encoding.encode("The sea.").dtype == np.int32
    assert encoding.decode([2, 3, 4, 0, -1]) == ["the", "sea", ".", EOS, "<unk>"]
    assert encoding.join(["the", "sea", ".", EOS, "the"]) == "the sea.\nthe"
    assert encoding.prompt("the sea. the") == ["the", "sea", ".", EOS, "the"]
    assert encoding.encode("").tolist() == []


@pytest.mark.parametrize("name", ["words", "prose", "chars", "bytes"])
def test_a_text_in_memory_has_the_ids_of_a_corpus(name):
    text = "\ufeffThe sea.\r\nthe sea é"
    corpus = Corpus.from_text(text, tokenizer=name)
    assert corpus.encoding.encode(text).tolist() == corpus.ids.tolist()
    assert len(corpus.encoding.places(text)) == len(corpus)


def test_a_vocabulary_alone_is_that_of_words():
    assert as_encoding(WORDS) == Encoding("words", WORDS)
    assert as_encoding(WORDS) != Encoding("chars", WORDS)
    assert as_encoding(WORDS) != WORDS
    encoding = Encoding("chars", WORDS)
    assert as_encoding(encoding) is encoding
    assert len({Encoding("words", WORDS), as_encoding(WORDS), encoding}) == 2


def test_the_hash_is_that_of_rule_learned_data_source_and_words():
    base = Encoding("words", WORDS)
    others = [
        Encoding("prose", WORDS),
        Encoding("words", Vocabulary([EOS, "the", "<unk>", "sea", "."], [3, 1, 5, 2, 1])),
        Encoding("words", WORDS, learned=[1]),
        Encoding("words", WORDS, source="ab"),
    ]
    assert len({base.hash, *(other.hash for other in others)}) == 5
    assert Encoding("words", Vocabulary(WORDS.words, [9, 9, 9, 9, 9])).hash == base.hash  # counts change no id
    assert Encoding("a/own.py:Mine", WORDS, source="ab").hash == Encoding("/b/own.py:Mine", WORDS, source="ab").hash


def test_the_hash_stays_the_same_between_versions():
    """Files and caches keep it: this number may never change."""
    assert Encoding("words", Vocabulary([EOS, "a"], [1, 1])).hash == (
        "00ce36a79c83d52584598c4016851422296a48e723a23c5bfca62b9656873751"
    )


@pytest.mark.parametrize("learned", [None, [["a", "b"]], {"é": [1, 2.5]}])
def test_json_and_arrays_give_the_same_encoding(learned):
    encoding = Encoding("own.py:Mine", WORDS, learned, source="ab")
    again = Encoding.from_json(json.loads(json.dumps(encoding.to_json())))
    header, arrays = encoding.to_arrays()
    third = Encoding.unpack(Stored(json.loads(json.dumps(header)), arrays))
    for other in (again, third):
        assert (other, other.learned, other.source) == (encoding, learned, "ab")
        assert other.vocabulary.counts.tolist() == WORDS.counts.tolist()
    assert set(Encoding("words", WORDS).to_arrays()[0]) == {"tokenizer"}  # as files have always been
    assert set(Encoding("words", WORDS).to_json()) == {"tokenizer", "vocabulary"}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Encoding("words", Vocabulary([EOS, "the"], [1, 1])), "word 1 of their vocabularies differs, '<unk>' against"),
        (Encoding("words", Vocabulary(WORDS.words[:3], [1, 1, 1])), "differ in size, 5 words against 3 words"),
        (Encoding("prose", WORDS), "different rules, words against prose"),
        (Encoding("words", WORDS, source="ab"), "the source of words differs, sha256 .* against sha256 ab"),
        (Encoding("words", WORDS, learned=[2]), "has learned different data, sha256 74234e98afe7 against sha256 0389"),
    ],
)
def test_the_first_difference_is_named(other, message):
    base = as_encoding(WORDS)
    assert difference(base, as_encoding(WORDS)) is None
    require_same(base, as_encoding(WORDS), "never")
    with pytest.raises(DataError, match=f"^a and b do not fit: .*{message}"):
        require_same(base, other, "a and b do not fit")


def test_a_text_that_names_no_tokenizer(pairs):
    with pytest.raises(
        UsageError,
        match=r"tokenizer 'word' is not known\. Did you mean words\? Give .* words, prose, chars, bytes, pairs:MERGES",
    ):
        tokenizer("word")
    with pytest.raises(UsageError, match=r"chars takes nothing behind a colon, and got 'chars:2'"):
        tokenizer("chars:2")
    assert (tokenizer("pairs:7").count, tokenizer("pairs").count) == (7, 4)
    assert tokenizer("pairs:7").spec == "pairs:7"


def test_keywords_that_say_the_same_twice(pairs):
    with pytest.raises(UsageError, match="Give the encoding alone"):
        Corpus.from_text(TEXT, encoding=as_encoding(WORDS), tokenizer="chars")
    with pytest.raises(UsageError, match="Give the encoding alone"):
        Corpus.from_text(TEXT, encoding=as_encoding(WORDS), vocabulary=WORDS)
    with pytest.raises(UsageError, match="pairs:2 learns from a text, and a vocabulary alone does not say"):
        Corpus.from_text(TEXT, tokenizer="pairs:2", vocabulary=WORDS)
    with pytest.raises(UsageError, match="the tokenizer Pairs has no text that it can be made from again"):
        Corpus.from_text(TEXT, tokenizer=Pairs())


def test_what_a_tokenizer_learns_is_in_the_encoding(pairs, tmp_path):
    corpus = Corpus.from_text(TEXT, tokenizer="pairs:3")
    assert corpus.encoding.learned == [["h", "e"], ["l", "o"], ["lo", "w"]]  # 4, 3, 3 times
    check_tokenizer("pairs:3", TEXT)
    words = corpus.encoding.decode(corpus.ids)
    assert corpus.encoding.join(words) == TEXT
    assert corpus.characters == len(TEXT)
    again = Encoding.from_json(json.loads(json.dumps(corpus.encoding.to_json())))
    assert again == corpus.encoding
    assert again.encode(TEXT).tolist() == corpus.ids.tolist()


def test_learned_data_come_from_the_first_part_alone(pairs, tmp_path):
    """What is held out is full of a pair that would be merged first."""
    path = tmp_path / "t.txt"
    path.write_text("ab ab cd\n" * 90 + "xy xy xy xy\n" * 10)
    for _ in range(2):  # new, and from the cache
        train, valid = Corpus.encode_split(path, [0.86, 0.14], tokenizer="pairs:1")
        assert train.encoding.learned == [["a", "b"]]
        assert train.sentences + valid.sentences == 100
        assert train.ids[-1] == valid.ids[-1] == 0
        assert valid.encoding is train.encoding
        assert "x@" not in train.vocabulary
    resumed = Corpus.encode_split(path, [0.86, 0.14], encoding=train.encoding)
    assert [part.ids.tolist() for part in resumed] == [train.ids.tolist(), valid.ids.tolist()]
    assert Corpus.encode(path, tokenizer="pairs:1").encoding.learned == [["a", "b"]]


def test_a_text_without_newlines_is_cut_at_a_blank_for_a_tokenizer_that_learns(pairs, tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("ab cd " * 200)
    one, other = Corpus.encode_split(path, [0.501, 0.499], tokenizer="pairs:2")
    assert one.encoding.decode(one.ids) == ["ab", "cd"] * 100 + ["ab", EOS]  # byte 601 is in the word after it
    assert other.encoding.decode(other.ids) == ["cd", *["ab", "cd"] * 99, EOS]
    path.write_text("é" * 50)
    parts = Corpus.encode_split(path, [0.41, 0.59], tokenizer="pairs:1")
    assert [part.characters for part in parts] == [20 + 1, 30 + 1]  # byte 41 is inside of a character
    path.write_text("a")
    with pytest.raises(DataError, match="has 1 bytes, too few to cut"):
        Corpus.encode_split(path, [0.5, 0.5], tokenizer="pairs:1")


def test_a_model_with_learned_data(pairs, tmp_path):
    """Train, save, load, score and sample; the file has what was learned, and the text is not needed again."""
    path = tmp_path / "t.txt"
    path.write_text(TEXT * 60)
    output = tmp_path / "m.rnnlm"
    model = rnnlm.train(path, tokens="pairs:5", hidden=8, epochs=2, streams=2, output=output, threads=1)
    again = load(output)
    assert (again.encoding, again.encoding.learned) == (model.encoding, model.encoding.learned)
    assert len(again.encoding.learned) == 5
    run = again.log[0]
    assert (run["data.vocabulary"], run["data.encoding"]) == (model.vocabulary.hash, model.encoding.hash)
    np.testing.assert_array_equal(score(again, path).logp, score(model, path).logp)
    assert again.perplexity(path).ppl < 0.7 * len(again.vocabulary)
    assert again.sample("the lo", 12, seed=1) == model.sample("the lo", 12, seed=1)
    assert str(again.sample("the low", 3, seed=1)).startswith("the low")
    assert "@" not in str(again.sample("the", 30, seed=2, count=1)[0]).split("\n")[0][:-1]
    stream = score(again, path)
    write_binary(stream, tmp_path / "s.stream")
    assert read_stream(tmp_path / "s.stream").encoding == model.encoding
    write_tsv(stream, tmp_path / "s.tsv")
    assert f"# encoding: {model.encoding.hash}" in (tmp_path / "s.tsv").read_text()
    assert read_stream(tmp_path / "s.tsv", model.encoding).encoding == model.encoding
    with pytest.raises(DataError, match="was scored with the tokenizer pairs:5 in an encoding of hash"):
        read_stream(tmp_path / "s.tsv", model.vocabulary)


def test_models_whose_tokenizers_learned_differently_do_not_mix(pairs):
    words = Vocabulary([EOS, "a", "b"], [1, 1, 1])
    one, other = (ElmanLM(Encoding("pairs", words, [[merge, "b"]]), hidden=3) for merge in "ac")
    for refuse in (lambda: MixtureLM([one, other], [0.5, 0.5]), lambda: average([one, other])):
        with pytest.raises(DataError, match="the tokenizer pairs has learned different data"):
            refuse()
    corpus = Corpus(np.array([1, 2, 0]), other.encoding)
    with pytest.raises(DataError, match="do not have the same encoding: the tokenizer pairs has learned"):
        score(one, corpus)
    np.testing.assert_array_equal(score(one, in_ids_of(one.encoding, corpus)).ids, [1, 2, 0])


def test_words_as_a_table_shows_them():
    encoding = as_encoding(Vocabulary([EOS, "\t", "a\nb", "\\t", "\r"], [1] * 5))
    assert encoding.cells == [EOS, "\\t", "a\\nb", "\\t", "\\r"]
    assert (encoding.cell_ids["\\t"], encoding.cell_ids["a\\nb"], encoding.cell_ids["\\r"]) == (3, 2, 4)


def test_state_that_is_no_json_is_refused(monkeypatch):
    class Bad(Pairs):
        def state(self):
            return self.merges and {"merges": {1, 2}}

    class Silent(Pairs):
        def state(self):
            return None

    monkeypatch.setitem(TOKENIZERS, "bad", Bad)
    monkeypatch.setitem(TOKENIZERS, "silent", Silent)
    with pytest.raises(UsageError, match="state of the tokenizer Bad is not JSON-able data"):
        Corpus.from_text(TEXT, tokenizer="bad")
    with pytest.raises(UsageError, match="Silent learns, but its method state returns None"):
        Corpus.from_text(TEXT, tokenizer="silent")
