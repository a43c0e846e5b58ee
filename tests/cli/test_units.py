"""Characters are called characters, bytes bytes, and a user's own tokens tokens, wherever a person reads it."""

from __future__ import annotations

import json

import pytest

import rnnlm

UNITS = {"words": "words", "prose": "words", "chars": "characters", "bytes": "bytes", "own.py:Pairs": "tokens"}
OWN = """import rnnlm


class Pairs(rnnlm.Tokenizer):
    def tokens(self, line):
        return [line[i:i + 2] for i in range(0, len(line), 2)]

    def join(self, tokens):
        return "".join(tokens)
"""


@pytest.mark.parametrize(("tokens", "unit"), [("chars", "character"), ("words", "word")])
def test_warnings_and_errors_about_a_text_have_its_unit(call, tmp_path, tokens, unit):
    """A hopeless network, more streams than tokens, more classes than there are characters, a model to start from."""
    letters = "\n".join("abcdefgh"[i % 8] * (1 + i % 3) for i in range(60))
    text, other = tmp_path / "text.txt", tmp_path / "other.txt"
    text.write_text(letters)
    other.write_text(letters.replace("b", "z"))
    small = ("--tokens", tokens, "--hidden", 3, "--streams", 2, "--max-updates", 1, "--backend", "numpy")
    hopeless = call("train", text, *small, "--optimizer", "sgd", "--lr", 40, "--warmup", 0)
    assert f"that of equal probabilities for all {unit}s. Try " in hopeless.err
    called = call("train", text, *small, "--classes", 3, "-o", "m.rnnlm")
    assert called.status == 0, called.err
    assert "3 hidden, 3 classes" in called.err.replace("logistic units", "hidden")
    assert "word class" not in called.err + call("info", "m.rnnlm").out
    assert "more streams than tokens: --streams 999999" in call("train", text, *small, "--streams", 999_999).err
    classes = call("train", text, *small, "--classes", 99_999).err
    assert "with a vocabulary of " in classes
    assert "words" not in classes
    assert repr(rnnlm.load("m.rnnlm").vocabulary) == f"Vocabulary(size {len(rnnlm.load('m.rnnlm').vocabulary)})"
    assert call("ngram", text, "--tokens", tokens, "--order", 2, "-o", "n.rnnlm").status == 0
    assert f" of 1 to 2 {unit}s: " in call("info", "n.rnnlm").out
    tuned = call("train", other, "--from", "m.rnnlm", "--streams", 2, "--max-updates", 1, "-o", "f.rnnlm")
    assert f" training tokens are {unit}s that m.rnnlm does not have" in tuned.err


@pytest.mark.parametrize("tokenizer", UNITS)
def test_every_output_has_the_unit_of_the_tokenizer(call, tmp_path, tokenizer):
    unit, others = UNITS[tokenizer], {"words", "characters", "bytes"} - {UNITS[tokenizer]}
    text = tmp_path / "text.txt"
    text.write_text("the cat sees a dog\nthe dog runs\n" * 40)
    (tmp_path / "valid.txt").write_text("the dög runs\nthe cat sees Zz a dog\n" * 9)
    (tmp_path / "own.py").write_text(OWN)
    more = ["--tokens", tokenizer, "--valid", "valid.txt", "--test", "valid.txt"]
    called = call("train", text, *more, "--hidden", 3, "--streams", 2, "--epochs", 2, "-o", "m.rnnlm")
    assert called.status == 0, called.err
    lm = rnnlm.load("m.rnnlm", trust=True)
    V = len(lm.vocabulary)
    assert f", {V} {unit} ({tokenizer})" in called.err
    assert f" {unit}/s" in called.err
    assert f"unknown {unit} left out" in called.out
    assert f"vocabulary  {V} {unit}, tokenizer {tokenizer}" in call("info", "m.rnnlm").out
    assert f"{V} {unit}" in repr(lm)
    assert f"unknown {unit} left out" in call("ngram", text, *more, "-o", "n.rnnlm").out
    assert f"unknown {unit} left out" in call("score", "m.rnnlm", "valid.txt", "--quick", "-o", "s.tsv").err
    assert json.loads(call("ppl", "m.rnnlm", "valid.txt", "--json").out)["unit"] == unit.removesuffix("s")
    for word in others:
        assert f" {word} (" not in called.err
        assert f" {word}/s" not in called.err
        assert f"unknown {word}" not in called.out
