"""N-gram models in files: saved, mapped, and made of counts that do not fit in memory."""

from __future__ import annotations

import gc
import mmap
import tempfile

import numpy as np
import pytest
from ngram_reference import KneserNey, corpus, random_text

from rnnlm import load
from rnnlm.errors import UsageError
from rnnlm.models import NgramLM
from rnnlm.models.ngram import SMOOTHINGS
from rnnlm.text import Corpus

WORDS = 9
TEXT = random_text(31, WORDS, 600)
OTHER = random_text(32, WORDS, 120, unknown=0.05)
pytestmark = pytest.mark.filterwarnings("ignore:small.*order:RuntimeWarning")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", [1, 2, 4])
def test_saved_and_loaded_is_the_same_model(order, dtype, tmp_path):
    lm = NgramLM.train(corpus(TEXT, WORDS), order=order, dtype=dtype)
    x, y = np.random.default_rng(5).integers(-1, WORDS, (2, 30, 4))
    lm.save(tmp_path / "m.rnnlm")
    again = load(tmp_path / "m.rnnlm")
    assert isinstance(again, NgramLM)
    assert (again.kind, again.config, again.log, again.tokenizer) == (lm.kind, lm.config, lm.log, lm.tokenizer)
    assert again.vocabulary.words == lm.vocabulary.words
    assert (again.table.order, again.table.levels) == (lm.table.order, lm.table.levels)
    for name in ("words", "first", "logp", "backoff"):
        ours, theirs = getattr(again.table, name), getattr(lm.table, name)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
        assert not len(ours) or is_mapped(ours)
    np.testing.assert_array_equal(again.score(x, y, again.start(4))[0], lm.score(x, y, lm.start(4))[0])
    again.save(tmp_path / "again.rnnlm")
    assert (tmp_path / "again.rnnlm").read_bytes() == (tmp_path / "m.rnnlm").read_bytes()


def is_mapped(array):
    while isinstance(array, np.ndarray | memoryview):
        array = array.obj if isinstance(array, memoryview) else array.base
    return isinstance(array, mmap.mmap)


def test_a_pruned_model_says_so_in_its_file(tmp_path):
    lm = NgramLM.train(corpus(TEXT, WORDS), order=3, smoothing="stupid", alpha=0.3, prune=(0, 1))
    lm.save(tmp_path / "m.rnnlm")
    assert load(tmp_path / "m.rnnlm").config == {
        "order": 3,
        "smoothing": "stupid",
        "prune": [0, 1],
        "dtype": "float32",
        "alpha": 0.3,
    }


@pytest.mark.parametrize("prune", [(), (0, 0, 1)])
@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_counts_that_do_not_fit_in_memory_are_files_until_the_model_is_gone(monkeypatch, tmp_path, smoothing, prune):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    text = corpus(random_text(33, WORDS, 2500), WORDS)  # three chunks of at least 1000 tokens
    options = {"order": 4, "smoothing": smoothing, "prune": prune}
    memory, disk = NgramLM.train(text, **options), NgramLM.train(text, memory=1e-6, **options)
    (folder,) = tmp_path.iterdir()
    assert disk.table.levels == memory.table.levels
    for name in ("words", "first", "logp", "backoff"):
        np.testing.assert_array_equal(getattr(disk.table, name), getattr(memory.table, name))
    x, y = OTHER[None, :-1].T, OTHER[None, 1:].T
    np.testing.assert_array_equal(*(lm.score(x, y, lm.start())[0] for lm in (disk, memory)))
    disk.save(tmp_path / "m.rnnlm")
    del disk
    gc.collect()
    assert not folder.exists()
    assert load(tmp_path / "m.rnnlm").config == memory.config


def test_a_failure_leaves_no_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(UsageError):
        NgramLM.train(corpus(TEXT, WORDS), order=3, prune=(1,), memory=1e-6)
    assert not list(tmp_path.iterdir())


def test_a_path_is_a_text_too(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path / "cache"))
    (tmp_path / "text.txt").write_text("a b\na b c\n\nb a\n")
    with pytest.warns(RuntimeWarning, match="text.txt: order 1: "):
        lm = NgramLM.train(tmp_path / "text.txt", order=2)
    assert lm.vocabulary.words[0] == "</s>"
    assert sorted(lm.vocabulary.words[1:]) == ["a", "b", "c"]
    a, b, c = (lm.vocabulary.index[word] for word in "abc")
    reference = KneserNey([a, b, 0, a, b, c, 0, 0, b, a, 0], 4, 2)
    logp, _ = lm.next(np.array([0]), lm.start())
    np.testing.assert_allclose(np.exp(logp[0]), [reference.p(w, (0,)) for w in range(4)], rtol=1e-6)
    assert lm.log[0]["data.train_tokens"] == 11


def test_the_corpus_keeps_its_name_in_the_log():
    text = Corpus.from_text("a a a a b b c d\n", name="letters")
    with pytest.warns(RuntimeWarning, match="^letters: order 1: none of them occurs exactly three times"):
        lm = NgramLM.train(text, order=1)
    assert (lm.log[0]["text"], lm.log[0]["data.train"]) == ("letters", text.sha256)
    assert len(lm.log[0]["notes"]) == 1
