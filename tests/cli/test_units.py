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
