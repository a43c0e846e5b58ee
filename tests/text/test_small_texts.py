"""Of a very small text the reason is given that is the true one."""

import pytest

import rnnlm
from rnnlm.errors import DataError, TextWarning
from rnnlm.evaluation import compare, score
from rnnlm.models import NgramLM
from rnnlm.text import Corpus

TEXT = "a b c d e f\n" * 20


@pytest.fixture
def path(tmp_path):
    return tmp_path / "t.txt"


@pytest.mark.parametrize("text", ["\n", "\n\n\n", "\r\r", "\n" * 500])
@pytest.mark.parametrize("name", ["words", "chars", "prose"])
def test_line_ends_alone_are_no_words(path, text, name):
    path.write_text(text)
    with pytest.raises(DataError, match=r"has no word besides the sentence end|holds no words"):
        rnnlm.train(path, tokens=name, hidden=2)


@pytest.mark.parametrize(
    ("text", "said"), [("", "is empty"), (" \t ", "holds no words"), ("a", "2 tokens, too few to cut")]
)
def test_texts_of_next_to_nothing(path, text, said):
    path.write_text(text)
    with pytest.raises(DataError, match=said):
        rnnlm.train(path, hidden=2)


def test_one_token_is_no_plural(path):
    path.write_text("a")
    with pytest.raises(DataError, match="1 token, too few"):
        rnnlm.train(path, tokens="chars", hidden=2)


def test_one_sentence_cannot_be_resampled():
    model = NgramLM.train(Corpus.from_text(TEXT), order=2)
    for text, said in (("a b\n", "is one sentence"), ("a b\nc\n", r"2 sentences.*1 block of 10.*block=1")):
        stream = score(model, Corpus.from_text(text, encoding=model.encoding))
        with pytest.raises(DataError, match=said) as caught:
            compare(stream, stream)
        assert ("smaller block" in str(caught.value)) == (text != "a b\n")


def test_a_text_without_known_words_says_so(path):
    encoding = Corpus.from_text(TEXT).encoding
    path.write_text("q r s\nt u\n")
    for _ in range(2):  # the second time from the cache of ids
        with pytest.warns(TextWarning, match=r"t\.txt has no word of the vocabulary: all 5 are unknown"):
            corpus = Corpus.encode(path, encoding=encoding)
        assert (len(corpus), corpus.left_out) == (7, 5)
    with pytest.warns(TextWarning, match="all 1 are unknown"):
        Corpus.from_text("q", encoding=Corpus.from_text(TEXT, max_vocab=4).encoding)


@pytest.mark.filterwarnings("error::rnnlm.errors.TextWarning")
def test_a_text_with_a_known_word_or_without_any_says_nothing():
    encoding = Corpus.from_text(TEXT).encoding
    for text in ("q a\n", "a", "q\nb r s t\n"):
        Corpus.from_text(text, encoding=encoding)
