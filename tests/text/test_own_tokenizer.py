"""A tokenizer of the user's own, in a file of hers: `tokens` and `join`, and all the rest is there."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

import rnnlm
from rnnlm import cli
from rnnlm.errors import DataError, UsageError
from rnnlm.evaluation import read_stream, score, write_binary
from rnnlm.models import MixtureLM, load
from rnnlm.text import EOS, Corpus, Tokenizer, check_tokenizer, tokenizer
from rnnlm.training import Settings
from rnnlm.training.events import Epoch
from rnnlm.training.run import Run

SOURCE = '''
import rnnlm


class Halves(rnnlm.Tokenizer):
    """Words in two halves, the first with a mark."""

    def tokens(self, line):
        found = []
        for word in line.split():
            half = (len(word) + 1) // 2
            found += [word[:half] + "+", word[half:]] if len(word) > 1 else [word]
        return found

    def spans(self, line, tokens):
        return super().spans(line, [token.removesuffix("+") for token in tokens])

    def join(self, tokens):
        return " ".join(tokens).replace("+ ", "").replace("</s>", "\\n").replace(" \\n", "\\n").replace("\\n ", "\\n")


class Plain(rnnlm.Tokenizer):
    def tokens(self, line):
        return line.split()

    def join(self, tokens):
        return " ".join(tokens)


class Count(Plain):
    """The words that came so often in training, and one mark for the others."""

    def __init__(self):
        self.known = None

    def learn(self, lines):
        self.known = sorted({word for line in lines for word in line.split()})

    def state(self):
        return self.known

    def restore(self, state):
        self.known = state

    def tokens(self, line):
        return [word if word in self.known else "?" for word in line.split()]
'''
TEXT = "the sea is low\n\nthe low sea é\r\nlow tide"


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(SOURCE)
    (tmp_path / "t.txt").write_text("the sea is low\nthe low sea\nlow tide is the sea\n" * 60)
    return tmp_path


def made(tokens, join=" ".join, spans=None):
    """A tokenizer of these functions."""
    members = {"tokens": lambda self, line: tokens(line), "join": lambda self, words: join(words), "spec": "mine"}
    if spans:
        members["spans"] = lambda self, line, words: spans(line, words)
    return type("Made", (Tokenizer,), members)()


def test_tokens_places_and_characters(own):
    corpus = Corpus.from_text(TEXT, tokenizer="own.py:Halves")
    tokens = corpus.encoding.decode(corpus.ids)
    assert tokens[:8] == ["th+", "e", "se+", "a", "i+", "s", "lo+", "w"]
    assert tokens[8:] == [EOS, EOS, "th+", "e", "lo+", "w", "se+", "a", "é", EOS, "lo+", "w", "ti+", "de", EOS]
    places = corpus.encoding.places(TEXT)
    assert [TEXT[p.start : p.stop] for p in places] == [
        *["th", "e", "se", "a", "i", "s", "lo", "w", "\n", "\n"],
        *["th", "e", "lo", "w", "se", "a", "é", "\n", "lo", "w", "ti", "de", ""],
    ]
    assert [p.line for p in places] == [1] * 9 + [2] + [3] * 8 + [4] * 5
    assert [p.word for p in places if p.word >= 0] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 8, 8, 9, 9]
    assert corpus.characters == len("the sea is low\n\nthe low sea é\nlow tide\n")
    assert corpus.encoding.join(tokens) == "the sea is low\n\nthe low sea é\nlow tide\n"
    assert corpus.encoding.prompt("the sea\nlow\n") == ["th+", "e", "se+", "a", EOS, "lo+", "w"]
    check_tokenizer("own.py:Halves", TEXT)


@pytest.mark.parametrize("size", [3, 10, 1000])
def test_the_size_of_the_blocks_does_not_matter(own, size, monkeypatch):
    from rnnlm.text import corpus, files

    path = own / "blocks.txt"
    path.write_bytes(("\ufeff" + TEXT + " \n   \n" + "a" * 50 + "\n  ").encode())
    expected = Corpus.from_text(path.read_bytes().decode(), tokenizer="own.py:Halves")
    monkeypatch.setattr(corpus, "read_blocks", lambda source: files.read_blocks(source, size))
    found = Corpus.encode(path, tokenizer="own.py:Halves", cache_dir=own / str(size))
    assert found.encoding.decode(found.ids) == expected.encoding.decode(expected.ids)
    assert (found.characters, found.sentences) == (expected.characters, expected.sentences)


@pytest.mark.parametrize(
    ("rule", "text", "message"),
    [
        (made(str.split), "the sea", None),
        (made(lambda line: [*line.split(), ""]), "a\nb", "made the token '' of line 1"),
        (made(lambda line: [EOS] if line == "b" else [line]), "a\nb", "made the token '</s>' of line 2"),
        (made(lambda line: [1]), "a", "made the token 1 of line 1"),
        (made(lambda line: line.lower().split()), "a\nthe Sea", "line 2 cannot be found in it: the token 'sea' is not"),
        (
            made(str.split, lambda words: " ".join(words).upper()),
            "a",
            "does not join its tokens .*: 'a' becomes 'A </S>'",
        ),
        (made(str.split, spans=lambda line, words: []), "a b", "gives 3 tokens and 1 places"),
        (made(str.split, spans=lambda line, words: [(2, 3), (0, 1)]), "a b", "do not rise: in line 1 'a' is at 2:3"),
        (
            made(str.split, spans=lambda line, words: [(0, 4)]),
            "a\nb",
            "token 'a' of line 1 at 0:4, which is not inside",
        ),
        (made(lambda line, calls=[]: calls.append(line) or ["a"] * len(calls)), "a", "other tokens when it reads"),
    ],
)
def test_what_the_check_finds(rule, text, message):
    if message is None:
        with pytest.raises(DataError, match="'the sea' becomes 'the sea </s>'"):
            check_tokenizer(rule, text)
        return check_tokenizer(made(str.split, lambda words: " ".join(words).replace(EOS, "\n")), text)
    with pytest.raises(DataError, match=message):
        check_tokenizer(rule, text)


@pytest.mark.parametrize("name", ["words", "prose", "chars", "bytes"])
def test_the_check_passes_on_ours(name):
    check_tokenizer(name, 'It\'s "the sea", he said.\r\nYes (no)!\n\nI cannot go')


def test_the_check_sees_a_state_that_does_not_come_back(own):
    (own / "own.py").write_text(SOURCE + "\nCount.restore = lambda self, state: setattr(self, 'known', [])\n")
    with pytest.raises(DataError, match=r"own\.py:Count gives other tokens once its state is saved and restored"):
        check_tokenizer("own.py:Count", TEXT)


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("own.py:Other", UsageError, "own.py has no Tokenizer 'Other'. Give own.py:Halves, own.py:Plain, own.py:Count"),
        ("own.py", UsageError, "is a file that may hold several tokenizers. Give own.py:Halves"),
        ("lost.py:Halves", DataError, "the tokenizer lost.py:Halves needs the file lost.py, and there is no"),
        ("bad.py:X", DataError, "bad.py failed when it was run: ZeroDivisionError"),
        ("empty.py:X", UsageError, r"Give a file that makes one: class NAME\(rnnlm.Tokenizer\)"),
        ("abstract.py:X", UsageError, "has no Tokenizer 'X'"),
    ],
)
def test_files_that_cannot_be_used(own, spec, error, message):
    (own / "bad.py").write_text("1 / 0")
    (own / "empty.py").write_text("from rnnlm import Tokenizer\nX = 3\n")
    (own / "abstract.py").write_text("import rnnlm\nclass X(rnnlm.Tokenizer):\n    def tokens(self, line): return []\n")
    with pytest.raises(error, match=message):
        tokenizer(spec)


@pytest.fixture
def trained(own):
    model = rnnlm.train("t.txt", tokens="own.py:Halves", hidden=8, epochs=1, streams=2, output="m.rnnlm", threads=1)
    return own, model


def test_a_model_keeps_the_path_and_the_hash_of_the_source(trained, monkeypatch, tmp_path_factory):
    folder, model = trained
    assert model.encoding.source == hashlib.sha256(SOURCE.encode()).hexdigest()
    whole = (folder / "m.rnnlm").read_bytes()
    assert b"own.py:Halves" in whole
    assert b"class Halves" not in whole
    before = score(model, "t.txt")
    with pytest.raises(DataError, match=r"own\.py:Halves, and it is not run .*: own\.py, SHA-256 \w{64}\."):
        load("m.rnnlm")
    again = load("m.rnnlm", trust=True)
    np.testing.assert_array_equal(score(again, "t.txt").logp, before.logp)
    assert again.sample("the lo", 9, seed=1) == model.sample("the lo", 9, seed=1)
    assert "data.encoding" in again.log[0]
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)  # it is found beside the model
    assert load(folder / "m.rnnlm", trust=True).encoding == model.encoding
    (folder / "own.py").rename(elsewhere / "own.py")  # and in the working directory
    assert load(folder / "m.rnnlm", trust=True).encoding == model.encoding
    (elsewhere / "own.py").unlink()
    with pytest.raises(
        DataError, match=r"m\.rnnlm cannot be used .*: the tokenizer own.py:Halves needs the file own.py"
    ):
        load(folder / "m.rnnlm", trust=True)


def test_a_model_is_used_from_another_folder(trained, monkeypatch, tmp_path_factory, capsys):
    folder, _ = trained
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    tables = []
    for _ in range(2):  # read, and from the cache
        assert cli.run(["score", str(folder / "m.rnnlm"), str(folder / "t.txt")]) == 0
        tables.append(capsys.readouterr().out)
    assert tables[0] == tables[1]
    assert "\tth+\t0\t" in tables[0]


def test_a_changed_source_is_refused_before_it_runs(trained):
    folder, _ = trained
    (folder / "own.py").write_text(SOURCE + "open('ran', 'w')\n")
    with pytest.raises(
        DataError, match=r"m\.rnnlm cannot be used .*: the source of own\.py:Halves has changed .* Put the old"
    ):
        load("m.rnnlm", trust=True)
    assert not Path("ran").exists()


def test_a_stream_is_read_without_running_anything(trained):
    folder, model = trained
    write_binary(score(model, "t.txt"), "s.stream")
    stream = read_stream("s.stream")
    assert (stream.encoding, stream.tokenizer) == (model.encoding, "own.py:Halves")
    with pytest.raises(DataError, match=r"not run without your word: own\.py"):
        stream.encoding.join(["a"])
    assert read_stream("s.stream", trust=True).encoding.join(["a+", "b"]) == model.encoding.join(["a+", "b"])
    (folder / "own.py").write_text("raise SystemExit('run')")
    with pytest.raises(DataError, match=r"the source of own\.py:Halves has changed .* so it is not run"):
        read_stream("s.stream", trust=True).encoding.join(["a"])


def test_models_of_two_versions_of_a_source_do_not_mix(trained):
    folder, model = trained
    (folder / "own.py").write_text(SOURCE + "# another\n")
    other = rnnlm.train("t.txt", tokens="own.py:Halves", hidden=8, epochs=1, streams=2, threads=1)
    with pytest.raises(DataError, match=r"the source of own\.py:Halves differs, sha256"):
        MixtureLM([model, other], [0.5, 0.5])


def test_a_run_that_was_cut_off_goes_on_only_with_the_same_source(own):
    settings = {"tokens": "own.py:Count", "hidden": 8, "streams": 2, "output": "m.rnnlm", "threads": 1, "epochs": 3}
    whole = rnnlm.train("t.txt", **{**settings, "output": "whole.rnnlm"})

    def cut(event):
        if isinstance(event, Epoch):
            raise ZeroDivisionError  # stands for a power cut

    run = Run(Settings.of(text="t.txt", **settings), observers=[cut])
    run.trainer.checkpoint.minutes = 0.0  # one after every update
    with pytest.raises(ZeroDivisionError):
        run.fit()
    assert (own / "m.rnnlm.checkpoint").exists()
    (own / "own.py").write_text(SOURCE + "# another\n")
    with pytest.raises(DataError, match=r"source of own\.py:Count has changed .* Put the old source back"):
        rnnlm.train("t.txt", **settings, resume=True)
    (own / "own.py").write_text(SOURCE)
    again = rnnlm.train("t.txt", **settings, resume=True)
    assert again.encoding == whole.encoding
    for name, param in whole.params.items():
        np.testing.assert_array_equal(again.params[name].value, param.value)


def test_the_source_is_not_overwritten(own):
    with pytest.raises(UsageError, match=r"the output own\.py is the tokenizer itself"):
        rnnlm.train("t.txt", tokens="own.py:Halves", hidden=4, output="own.py")


def test_on_the_command_line(own, capsys):
    def run(*arguments):
        capsys.readouterr()
        assert cli.run(list(arguments)) == 0
        return capsys.readouterr().out

    few = ["--hidden", "8", "--epochs", "1", "--streams", "2"]
    run("train", "t.txt", "--tokens", "own.py:Halves", *few, "-o", "m.rnnlm")
    assert "tokenizer own.py:Halves" in run("info", "m.rnnlm")
    (own / "new.txt").write_text("the zebra\n")
    table = run("score", "m.rnnlm", "new.txt", "--quick")
    rows = [line.split("\t")[:4] for line in table.splitlines() if not line.startswith("# ")]
    assert rows[1:] == [
        *[["1", "1", "th+", "0"], ["1", "2", "e", "0"], ["1", "3", "zeb+", "1"], ["1", "4", "ra", "1"]],
        ["1", "5", EOS, "0"],
    ]
    assert re.search("^# encoding: [0-9a-f]{64}$", table, re.M)
    assert "PPL" in run("ppl", "m.rnnlm", "new.txt")
    assert run("sample", "m.rnnlm", "the", "-n", "5", "--seed", "1").startswith("the")
    run("ngram", "t.txt", "--tokens", "own.py:Halves", "--order", "2", "-o", "n.rnnlm")
    assert "mixture" in run("ppl", "m.rnnlm", "n.rnnlm", "new.txt")


def test_the_public_names():
    assert (rnnlm.Tokenizer, rnnlm.check_tokenizer) == (Tokenizer, check_tokenizer)
    assert rnnlm.Encoding("words", rnnlm.Vocabulary([EOS, "a"], [1, 1])).encode("a b").tolist() == [1, -1, 0]
