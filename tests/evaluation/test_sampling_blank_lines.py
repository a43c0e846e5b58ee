"""A text with blank lines between its paragraphs: a sample goes on behind an empty sentence."""

import numpy as np
import pytest

from rnnlm.evaluation import sample
from rnnlm.models import NgramLM
from rnnlm.text import EOS, Corpus


@pytest.fixture(scope="module")
def model():
    """Half of the sentences are blank lines, and the others have three words each."""
    return NgramLM.train(Corpus.from_text("a b c\n\n" * 200), order=3, smoothing="ml")


def test_a_sample_has_a_word_and_ends_behind_it(model):
    drawn = [*sample(model, count=50, seed=1), *sample(model, count=50, burn_in=False, seed=1)]
    assert {s.words for s in drawn} == {("a", "b", "c", EOS)}
    assert {s.text for s in drawn} == {"a b c"}
    assert all(np.isfinite(s.logprobs).all() and len(s.logprobs) == len(s.words) for s in drawn)


def test_behind_a_prompt_the_sentence_that_it_began_ends(model):
    assert sample(model, "a b c").words == (EOS,)
    assert sample(model, "a b", temperature=0).text == "a b c"
    assert sample(model, "a b c\n\na", seed=2).words == ("b", "c", EOS)


def test_a_length_counts_sentence_ends_as_ever(model):
    assert {len(s.words) for s in sample(model, length=7, count=20)} == {7}
