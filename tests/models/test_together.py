"""Models that are mixed: KenLM's files have `<unk>` where models of the same text have none."""

from __future__ import annotations

import json
import math
import warnings
from itertools import permutations

import numpy as np
import pytest

from rnnlm import load
from rnnlm.cli import run
from rnnlm.errors import DataError
from rnnlm.models import ElmanLM, MixtureLM, NgramLM, WithUnkLM, load_together
from rnnlm.text import Corpus

TEXT = "the cat runs\nthe big dog\na dog runs\n" * 5
NEW = "the zebra runs\na cat\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """net.rnnlm and plain.arpa without `<unk>`; kenlm.arpa, of the same words and `<unk>`, and counts.rnnlm of it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path / "cache"))
    corpus = Corpus.from_text(TEXT)
    ElmanLM(corpus.vocabulary, hidden=5, seed=3).save("net.rnnlm")
    NgramLM.train(corpus, order=2, smoothing="witten-bell").write_arpa("plain.arpa")
    words = [word for word in corpus.vocabulary.words if word != "</s>"]
    p = {word: 0.10 + 0.01 * i for i, word in enumerate(reversed(words))} | {"<unk>": 0.05, "</s>": 0.2}
    weight = math.log10(0.4 / (1 - p["the"]))  # of <s>, so that all that follows it sums to one
    lines = [f"0\t<s>\t{weight}", *(f"{math.log10(p[word])}\t{word}\t0" for word in ["<unk>", *reversed(words)])]
    lines += [f"{math.log10(0.2)}\t</s>", "", "\\2-grams:", f"{math.log10(0.6)}\t<s> the", "", "\\end\\", ""]
    head = ["\\data\\", "ngram 1=9", "ngram 2=1", "", "\\1-grams:"]
    (tmp_path / "kenlm.arpa").write_text("\n".join(head + lines))
    load("kenlm.arpa").save("counts.rnnlm")
    (tmp_path / "new.txt").write_text(NEW)
    (tmp_path / "text.txt").write_text(TEXT)
    return tmp_path


def logp(model, text: str) -> np.ndarray:
    ids = Corpus.from_text(text, vocabulary=model.vocabulary).ids
    return model.score(np.append(0, ids[:-1])[:, None], ids[:, None], model.start())[0][:, 0]


def together(*files):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return load_together(files)


@pytest.mark.usefixtures("folder")
def test_every_order_gives_the_same_words_and_the_same_mixture():
    orders = list(permutations(["net.rnnlm", "kenlm.arpa", "plain.arpa"]))
    expected = None
    for files in orders:
        models = together(*files)
        assert len({model.vocabulary.hash for model in models}) == 1
        mixture = MixtureLM(models, [1 / 3] * 3)
        assert mixture.vocabulary.words[-1] == "<unk>"
        x = np.arange(len(mixture.vocabulary))
        rows = np.exp(mixture.next(x, mixture.start(len(x)))[0]).sum(1)
        np.testing.assert_allclose(rows, [1] * len(x), atol=1e-5)
        found = logp(mixture, NEW)
        expected = found if expected is None else expected
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    "files", [("net.rnnlm", "kenlm.arpa"), ("kenlm.arpa", "net.rnnlm"), ("plain.arpa", "kenlm.arpa")]
)
@pytest.mark.usefixtures("folder")
def test_each_member_has_its_own_probabilities_and_none_for_unknown_words(files):
    for file, model in zip(files, together(*files), strict=True):
        alone = load(file)
        np.testing.assert_allclose(logp(model, TEXT), logp(alone, TEXT), rtol=1e-6)
        found = logp(model, NEW)
        assert np.isneginf(found).tolist() == [False, file != "kenlm.arpa", *[False] * 5]
        if file != "kenlm.arpa":  # behind the unknown word it is as it was
            np.testing.assert_allclose(np.delete(found, 1), np.delete(logp(alone, NEW), 1), rtol=1e-6)


@pytest.mark.usefixtures("folder")
def test_one_line_names_the_model_that_lacks_the_word():
    with pytest.warns(RuntimeWarning, match=r"net\.rnnlm has no word <unk>, and kenlm\.arpa has: beside it unknown"):
        load_together(["net.rnnlm", "kenlm.arpa"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_together(["net.rnnlm", "plain.arpa"])
        assert load_together(["kenlm.arpa"])[0].vocabulary.words[1] == "<unk>"  # alone it keeps its order


@pytest.mark.parametrize("names", [["net.rnnlm", "kenlm.arpa"], ["kenlm.arpa", "net.rnnlm"]])
@pytest.mark.parametrize("more", [[], ["--reference"]])
@pytest.mark.usefixtures("folder")
def test_on_the_command_line(names, more, capsys):
    assert run(["ensemble", *names, "--weights", "0.5,0.5", "-o", "e.rnnlm", *more]) == 0
    assert run(["ppl", *names, "text.txt", "--json"]) == 0
    told = capsys.readouterr()
    mixed = json.loads(told.out[told.out.index("{") :])["mixture"]
    assert run(["ppl", "e.rnnlm", "text.txt", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ppl"] == pytest.approx(mixed["ppl"], rel=1e-6)
    assert run(["ppl", "e.rnnlm", "new.txt"]) == 0
    assert run(["compare", *names, "text.txt", "--block", "1"]) == 0
    assert run(["compare", *names, "new.txt", "--block", "1", "--unknown", "skip"]) == 0
    assert run(["ensemble", "e.rnnlm", "net.rnnlm", "-o", "again.rnnlm"]) == 0  # its words are those of a mixture now
    assert run(["info", "again.rnnlm"]) == 0


@pytest.mark.usefixtures("folder")
def test_where_the_order_is_fixed_only_the_word_is_named():
    models = load_together(["net.rnnlm", "counts.rnnlm"])
    with pytest.raises(DataError, match=r"but for <unk>, none against the word <unk>.*give the n-gram model as"):
        MixtureLM(models, [0.5, 0.5])


@pytest.mark.usefixtures("folder")
def test_a_model_that_has_the_word_is_not_given_it_again():
    with pytest.raises(ValueError, match=r"has the word <unk> already"):
        WithUnkLM(load("kenlm.arpa"))
