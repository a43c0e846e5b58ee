"""Perplexities that are infinite, or larger than any number: an error or a form that can be read, and never nan."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from rnnlm.cli import run
from rnnlm.cli.console import decimals, ppl, result_json
from rnnlm.errors import DataError, NotANumber
from rnnlm.evaluation import score, write_tsv
from rnnlm.evaluation.significance import compare, perplexity_interval
from rnnlm.models import ContinuousCacheLM, ElmanLM
from rnnlm.text import Corpus, Vocabulary
from rnnlm.training.cache_fit import fit_cache, fit_continuous_cache

WORDS = Vocabulary(["</s>", "a", "b"], [4, 5, 3])
TEXT = "a b\nb\na a b\na b\nb\n" * 5


def network(scale: float = 1.0) -> ElmanLM:
    lm = ElmanLM(WORDS, hidden=3)
    with np.errstate(over="ignore"):
        lm.output.params["W"].value[...] *= np.float32(scale)
    return lm


@pytest.fixture
def text():
    return Corpus.from_text(TEXT, vocabulary=WORDS)


def test_no_interval_of_a_perplexity_that_no_number_can_hold(text):
    good, enormous = score(network(), text), score(network(1e30), text, name="big.rnnlm")
    with pytest.raises(
        DataError, match=r"big\.rnnlm has a cross-entropy of .*e\+.* larger than any number, so there is"
    ):
        perplexity_interval(enormous, block=1)
    for streams in ((good, enormous), (enormous, good), (enormous, enormous)):
        with pytest.raises(DataError, match=r"big\.rnnlm has a cross-entropy of"):
            compare(*streams, block=1)


def test_no_interval_whose_bounds_no_number_can_hold(text):
    """The text's own figure is one, those of some resampled texts are not."""
    stream = score(network(), text)
    logp = stream.logp.copy()
    logp[:6] = -5000.0
    one_bad_block = replace(stream, logp=logp)
    with pytest.raises(DataError, match=r"the perplexity of elman or its interval is larger than any number"):
        perplexity_interval(one_bad_block, block=1)


def test_the_commands_name_the_file_and_print_nothing(tmp_path, capsys):
    network().save(tmp_path / "m.rnnlm")
    network(1e30).save(tmp_path / "big.rnnlm")
    (tmp_path / "t.txt").write_text(TEXT)
    good, big, path = (str(tmp_path / name) for name in ("m.rnnlm", "big.rnnlm", "t.txt"))
    zero = score(network(), Corpus.from_text(TEXT, vocabulary=WORDS))
    write_tsv(replace(zero, logp=np.where(np.arange(len(zero)) == 3, -math.inf, zero.logp)), tmp_path / "zero.tsv")
    for wrong in (big, str(tmp_path / "zero.tsv")):
        for command in (["compare", good, wrong, path, "--block", "1"], ["ppl", good, wrong, path, "--interval"]):
            for more in ([], ["--json"]):
                assert run([*command, *more]) == 1
                out, err = capsys.readouterr()
                assert out == ""
                assert "there is no interval" in err
                assert wrong in err
                assert err.count("rnnlm: error:") == 1
    assert run(["ppl", big, path]) == 0
    assert "e^(" in capsys.readouterr().out
    assert run(["ppl", good, str(tmp_path / "zero.tsv"), path, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert figures["models"][1]["ppl"] is None
    assert figures["models"][1]["scored"] == len(zero)


def test_large_figures_can_be_read():
    assert [ppl(nll) for nll in (math.nan, math.inf, 7e28, 12345.0, 700.0, 0.0)] == [
        *("-", "inf", "e^(7e+28)", "e^(1.234e+04)", "e^700", "1.0000")
    ]
    assert [decimals(x, "+.4f") for x in (1.5, -1e300)] == ["+1.5000", "-1e+300"]
    assert decimals(123.456, ".2f") == "123.46"


def test_json_has_null_for_what_is_no_number(capsys):
    result_json({"a": [math.nan, (math.inf, -math.inf)], "b": np.float64("nan"), "c": 1.5})
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == {
        "a": [None, [None, None]],
        "b": None,
        "c": 1.5,
    }


@pytest.mark.parametrize("fit", [fit_cache, fit_continuous_cache])
def test_a_cache_is_not_fitted_to_probabilities_that_are_none(text, fit):
    lm = network()
    lm.output.params["W"].value[0, 0] = math.nan
    with pytest.raises(NotANumber, match=r"the model \(elman\) gives token 1 of text, 'a', the log-probability nan"):
        fit(lm, text)


def test_hidden_states_whose_similarity_overflows_are_no_missing_words(text):
    lm = ElmanLM(WORDS, hidden=3, activation="relu")
    lm.embedding.params["W"].value[...] = 1e30
    lm.output.params["W"].value[...] = 0
    for param in lm.recurrent.params.values():
        param.value[...] = 0
    with np.errstate(all="ignore"), pytest.raises(NotANumber, match="the similarity of two hidden states is no number"):
        score(ContinuousCacheLM(lm, size=5), text)


def test_a_continuous_cache_is_fitted_where_the_model_excludes_words(text):
    """P = 0 of the model: the cache alone gives it, or nothing does."""
    lm = network()
    lm.output.params["b"].value[2] = -2000
    fitted = fit_continuous_cache(lm, text, size=10)
    assert fitted.config["theta"] > 0
    assert 0 < fitted.config["share"] < 1
