"""A model and a text in the wrong order: the command as it should be typed."""

from __future__ import annotations

import pytest


@pytest.fixture
def folder(shared, tmp_path, monkeypatch):
    """A folder of its own with the models m.rnnlm and k.arpa and the text t.txt."""
    (tmp_path / "m.rnnlm").write_bytes((shared / "m.rnnlm").read_bytes())
    (tmp_path / "t.txt").write_text("the cat runs\n")
    (tmp_path / "k.arpa").write_text("\\data\\\nngram 1=2\n\n\\1-grams:\n-99 <s>\n0 </s>\n\n\\end\\\n")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        ("ppl t.txt m.rnnlm", "ppl m.rnnlm t.txt"),
        ("ppl t.txt k.arpa m.rnnlm --unknown skip", "ppl m.rnnlm k.arpa t.txt --unknown skip"),
        ("ppl ptb:test k.arpa", "ppl k.arpa ptb:test"),
        ("score --top 3 t.txt m.rnnlm -o x.tsv", "score --top 3 m.rnnlm t.txt -o x.tsv"),
        ("compare t.txt m.rnnlm k.arpa", "compare k.arpa m.rnnlm t.txt"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_the_right_order_is_shown(call, typed, right):
    called = call(*typed.split())
    assert (called.status, called.out) == (2, "")
    assert called.err.rstrip().endswith(f"is a text: these look swapped. Give: rnnlm {right}")


@pytest.mark.usefixtures("folder")
def test_a_prompt_before_the_model(call):
    called = call("sample", "the cat", "m.rnnlm", "-n", 3)
    assert called.status == 2
    assert "m.rnnlm is a model and the cat is a prompt" in called.err
    assert called.err.rstrip().endswith("Give: rnnlm sample m.rnnlm 'the cat' -n 3")


@pytest.mark.usefixtures("folder")
def test_other_mistakes_are_named_as_before(call):
    assert "m.rnnlm is not a text: it is a model of rnnlm" in call("ppl", "m.rnnlm", "m.rnnlm").err
    assert "t.txt is not a model of rnnlm: it is a plain text" in call("ppl", "t.txt", "t.txt").err
    assert "nix cannot be read as a model" in call("ppl", "nix", "m.rnnlm").err
    assert "k.arpa is not a text: it is an n-gram model" in call("train", "k.arpa", "-o", "x.rnnlm").err
    assert call("sample", "m.rnnlm", "m.rnnlm", "-n", 1).status == 0  # a word that the model may know
