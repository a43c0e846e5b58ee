"""A figure that is none is an error that names the token, and never a perplexity below 1, nan or -."""

from __future__ import annotations

import math

import numpy as np
import pytest
from altered import altered, array, element, entry, packed

import rnnlm
from rnnlm.cli import run
from rnnlm.errors import DataError, NotANumber
from rnnlm.evaluation import read_stream, score, write_binary
from rnnlm.evaluation.perplexity import perplexity, stream_perplexity
from rnnlm.models import ElmanLM, FeedForward, NgramLM
from rnnlm.text import Vocabulary
from rnnlm.text.corpus import Corpus

WORDS = Vocabulary(["</s>", "a", "b"], [2, 5, 3])
TEXT = np.array([1, 2, 1, 0, 2, 1, 0], np.int32)
NAN, INF = float("nan"), float("inf")


class Wrong(ElmanLM):
    """P of the word b is `value`, in whatever way it is asked for."""

    value = NAN

    def score(self, x, y, state, keep=None):
        logp, state = super().score(x, y, state, keep)
        return np.where(y == 2, self.value, logp), state

    def distributions(self, x, state, keep=None):
        logp, state = super().distributions(x, state, keep)
        logp[..., 2] = self.value
        return logp, state


@pytest.mark.parametrize("value", [NAN, INF, 0.1])
@pytest.mark.parametrize("ask", [perplexity, score, lambda lm, text: score(lm, text, top=2)])
def test_a_log_probability_that_is_none_is_named(ask, value):
    lm = Wrong(WORDS, hidden=3)
    lm.value = value
    corpus = Corpus(TEXT, WORDS, name="text.txt")
    with pytest.raises(
        NotANumber, match=rf"the model \(elman\) gives token \d of text.txt, '.*', the log-prob.* {value:g}"
    ):
        ask(lm, corpus)


def test_the_first_token_is_named():
    with pytest.raises(NotANumber, match=r"m\.rnnlm: the model \(elman\) gives token 2 of t, 'b', the log-prob"):
        score(Wrong(WORDS, hidden=3), Corpus(TEXT, WORDS, name="t"), name="m.rnnlm")


def test_rounding_is_no_error_and_gives_no_perplexity_below_1():
    lm = Wrong(WORDS, hidden=3)
    lm.value = 1e-6
    stream = score(lm, Corpus(TEXT, WORDS))
    assert stream.logp.max() == 0
    assert perplexity(lm, Corpus(np.array([2, 2], np.int32), WORDS)).ppl == 1


def test_a_probability_of_zero_is_still_possible():
    lm = Wrong(WORDS, hidden=3)
    lm.value = -INF
    assert perplexity(lm, Corpus(TEXT, WORDS)).ppl == math.inf


def test_a_classifier_whose_outputs_overflow():
    network = FeedForward((2,), ["a", "b"], layers=(3,), standardize="none", activation="relu")
    for name, param in network.params.items():
        if name.endswith("W"):
            param.value[...] = 1e30
    with pytest.raises(NotANumber, match="the output for example 2 is not a finite number"), np.errstate(all="ignore"):
        network.predict(np.array([[0, 0], [1, 1]], np.float32))


ALTERATIONS = [
    (element("logp", 3, 0.01), r"log P of token 4 is 0.01, and only -inf to 0.0001"),
    (element("logp", 0, INF), "log P of token 1 is inf"),
    (element("ids", 2, 3), "the id of token 3 is 3"),
    (element("ids", 2, -2), "the id of token 3 is -2"),
    (array("ids", lambda a: a.astype(np.int64)), "the array ids holds int64"),
    (array("logp", lambda a: a[:-1]), "the array logp has the shape"),
    (array("logp", lambda a: a > 0), "the array logp holds bool"),
    (element("entropy", 1, -0.5), "the entropy of token 2 is -0.5"),
    (element("entropy", 1, 1.2), "the entropy of token 2 is 1.2"),
    (element("entropy", 1, NAN), "the entropy of token 2 is nan"),
    (element("rank", 1, 4), "the rank of token 2 is 4"),
    (element("top_ids", (1, 1), 3), "a likeliest word of token 2 is 3"),
    (element("top_ids", (1, 1), -1), "a likeliest word of token 2 is -1"),
    (element("top_logp", (1, 1), 1.0), "log P of a likeliest word of token 2 is 1.0"),
    (array("more", np.zeros(1)), "the array more is not known"),
    (entry("more", 1), "the entry more is not known"),
    (entry("model", 1), "the entry model is 1"),
    (entry("ends", 1), "the entry ends is 1"),
    (entry("characters", -1), "the entry characters is -1"),
    (entry("characters", True), "the entry characters is true"),
    (entry("context", "nonsense"), "the entry context is"),
    (packed("vocabulary.words", ["</s>", "a"]), "the array vocabulary.counts has the shape"),
]


@pytest.mark.parametrize(("alteration", "said"), ALTERATIONS, ids=[said for _, said in ALTERATIONS])
def test_an_altered_stream_is_refused(tmp_path, alteration, said):
    stream = score(ElmanLM(WORDS, hidden=3), Corpus(TEXT, WORDS), distribution=True, top=2)
    write_binary(stream, tmp_path / "good")
    assert stream_perplexity(read_stream(tmp_path / "good")) == stream_perplexity(stream)
    path = altered(tmp_path / "good", tmp_path / "s.stream", "stream", alteration)
    with pytest.raises(DataError, match=rf"s\.stream cannot be used as a stream: {said}"):
        read_stream(path)


def test_the_command_line_ends_with_status_1(tmp_path, capsys):
    """A table whose weights let P be above 1: each number alone is possible."""
    lm = NgramLM.train(Corpus(np.tile(TEXT, 20), WORDS), order=2, smoothing="witten-bell")
    lm.table.backoff[...] = 5.0
    lm.table.logp[3:] = -0.001
    lm.save(tmp_path / "m.rnnlm")
    (tmp_path / "t.txt").write_text("a a b b a\nb b b\n")
    assert rnnlm.load(tmp_path / "m.rnnlm").kind == "ngram"
    assert run(["ppl", str(tmp_path / "m.rnnlm"), str(tmp_path / "t.txt")]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "the log-probability" in err
    assert "which is none" in err
