"""Whatever is read, too little memory is one line that names it and says what to do."""

import importlib

import numpy as np
import pytest

import rnnlm
from rnnlm import datasets
from rnnlm.cli import _smaller, cli, run
from rnnlm.errors import DataError, OutOfMemory, enough_memory
from rnnlm.evaluation import stream_files
from rnnlm.text import Corpus

pytestmark = pytest.mark.filterwarnings("ignore:.*discount")  # of so small a text


@pytest.fixture
def full(monkeypatch):
    """full(name): the function of this name finds no memory, as NumPy says it."""

    def make(name):
        def fail(*_, **__):
            np.empty(1 << 60, np.uint8)

        module, _, function = name.rpartition(".")
        monkeypatch.setattr(importlib.import_module(module), function, fail)  # `rnnlm.datasets.read` is a function too

    return make


@pytest.fixture
def files(tmp_path):
    (tmp_path / "t.txt").write_text("a b\nb a b\n" * 20)
    (tmp_path / "d.csv").write_text("x,label\n1,a\n2,b\n")
    np.savez(tmp_path / "d.npz", x=np.ones((2, 3), np.float32), y=np.array([0, 1]))
    rnnlm.NgramLM.train(Corpus.encode(tmp_path / "t.txt"), order=2).save(tmp_path / "m.rnnlm")
    return tmp_path


@pytest.mark.parametrize(
    ("function", "read", "message"),
    [
        ("rnnlm.text.corpus.encode", lambda at: Corpus.encode(at / "t.txt"), r"reading .*t\.txt.*tokenizer=chars"),
        ("rnnlm.storage.read", lambda at: rnnlm.load(at / "m.rnnlm"), r"the model .*m\.rnnlm\. Close other"),
        ("rnnlm.ngram.arpa_read.Lines", lambda at: rnnlm.load(at / "m.arpa"), r"the n-grams of .*m\.arpa\. Prune"),
        ("rnnlm.datasets.read.read_table", lambda at: datasets.read(at / "d.csv"), r"the examples of .*d\.csv"),
        ("rnnlm.datasets.read.read_npz", lambda at: datasets.read(at / "d.npz"), r"the examples of .*d\.npz"),
        ("rnnlm.datasets.read.read_images", lambda at: datasets.read(at), "the examples of .*fewer examples"),
        ("rnnlm.storage.read", lambda at: stream_files.read_stream(at / "m.rnnlm"), r"the scores in .*m\.rnnlm"),
        (
            "rnnlm.models.ngram.count",
            lambda at: rnnlm.NgramLM.train(Corpus.encode(at / "t.txt")),
            r"the n-grams of .*t\.txt\. Give less `memory`",
        ),
    ],
)
def test_a_reader_names_what_it_could_not_read(function, read, message, files, full, own_cache):
    (files / "m.arpa").write_text("\\data\\\nngram 1=1\n")
    full(function)
    with pytest.raises(OutOfMemory, match=rf"^not enough memory for {message}") as caught:
        read(files)
    assert "\n" not in str(caught.value)


def test_the_command_line_says_it_in_one_line(files, full, capsys):
    full("rnnlm.storage.read")
    assert run(["ppl", str(files / "m.rnnlm"), str(files / "t.txt")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("rnnlm: error: not enough memory for the model")


def test_the_advice_is_of_options_that_the_command_has():
    def command(name):
        return cli.get_command(None, name)

    assert _smaller(command("train")) == (
        "Try fewer --hidden units, fewer --streams, a shorter --block, a smaller --max-vocab, a lower --order."
    )
    assert _smaller(command("ngram")) == "Try a smaller --max-vocab, a lower --order."
    assert _smaller(command("info")) == "Close other programs, or take a machine with more memory."


def test_other_errors_stay_as_they_are():
    with pytest.raises(DataError, match="other"), enough_memory("x", "y"):
        raise DataError("other")
    with pytest.raises(OutOfMemory, match="ours"), enough_memory("x", "y"):
        raise OutOfMemory("ours")
