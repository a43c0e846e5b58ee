"""Every figure that leaves tokens out says how many, in every command and for every part of the text."""

import json
import re

import pytest

OOV = "the cat xyz the dog\nzyx a bird\n"  # ten tokens, two of them unknown
SAID = "10 tokens, 2 unknown words left out"
COUNTS = {"tokens": 10, "scored": 8, "unknown": 2}
QUICK = ["--hidden", "4", "--epochs", "2", "--streams", "2"]


@pytest.fixture
def texts(shared, tmp_path):
    (tmp_path / "t.txt").write_text((shared / "text.txt").read_text())
    (tmp_path / "oov.txt").write_text(OOV)
    return ["--valid", "oov.txt", "--test", "oov.txt"]


def counted(figures):
    return {name: figures[name] for name in ("tokens", "scored", "unknown")} == {
        "tokens": 10,
        "scored": 8,
        "unknown": 2,
    }


def test_train_and_ngram_say_it_of_both_parts(call, texts):
    for name, extra in (("train", QUICK), ("ngram", [])):
        status, out, _ = call(name, "t.txt", *texts, *extra, "-o", f"{name}.rnnlm")
        assert status == 0
        assert len(re.findall(rf"(?m)^(?:validation|test) perplexity .*{SAID}\)$", out)) == 2
        figures = json.loads(call(name, "t.txt", *texts, *extra, "-o", f"{name}.rnnlm", "--json").out)
        assert counted(figures["validation"])
        assert counted(figures["test"])
    assert f"({SAID})" in call("info", "train.rnnlm").out


def test_mixtures_caches_comparisons_and_scores_say_it(call, texts):
    for name, extra in (("train", QUICK), ("ngram", [])):
        call(name, "t.txt", *texts, *extra, "-o", f"{name}.rnnlm")
    both = ["train.rnnlm", "ngram.rnnlm"]
    for fit in (["cache", "ngram.rnnlm"], ["ensemble", *both]):
        assert SAID in call(*fit, "--fit", "oov.txt", "-o", "made.rnnlm").out
        assert f"({SAID})" in call("info", "made.rnnlm").out
        assert counted(json.loads(call(*fit, "--fit", "oov.txt", "-o", "made.rnnlm", "--json").out)["fit"])
    assert f"validation: {SAID}" in call("ppl", *both, "oov.txt", "--fit", "oov.txt").out
    said = call("compare", *both, "oov.txt", "--block", "1")
    assert "8 tokens, 2 blocks" in said.out
    assert "left out, having no probability: 2 more of the text" in said.out
    figures = json.loads(call("compare", *both, "oov.txt", "--block", "1", "--json").out)
    assert (figures["tokens"], figures["left_out"]) == (8, 2)
    assert f"scores written to s.tsv: {SAID}" in call("score", "train.rnnlm", "oov.txt", "-o", "s.tsv").err


def test_several_runs_and_last_epochs_say_it(call, texts):
    both = f"\nvalidation: {SAID}\ntest: {SAID}\n"
    assert both in call("train", "t.txt", *texts, *QUICK, "--last", "2", "-o", "m.rnnlm").out
    assert both in call("train", "t.txt", *texts, *QUICK, "--runs", "2", "-o", "r.rnnlm").out


def test_a_text_of_known_words_and_a_model_with_unk_leave_nothing_out(call, texts):
    status, out, _ = call(
        "ngram", "t.txt", "--valid", "t.txt", "--test", "oov.txt", "--max-vocab", "6", "-o", "n.rnnlm"
    )
    assert status == 0
    assert "left out" not in out
