"""Python code that a model names: never run by info, never if it was changed, and only after the user's word."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

import rnnlm
from rnnlm import own_source, storage, trusted_sources
from rnnlm.cli import run, trust
from rnnlm.errors import DataError
from rnnlm.evaluation import read_stream
from rnnlm.models import load_any
from rnnlm.text import Corpus
from rnnlm.training.events import Epoch
from rnnlm.training.run import Run
from rnnlm.training.settings import Settings

MINE = """
import os
import autograd.numpy as np
import rnnlm

with open(os.environ["RAN"], "a") as file:
    file.write("mine ")


def step(params, x, state):
    h = np.tanh(x + state[0] @ params["W"])
    return h, (h,)


mine = rnnlm.Recurrence(lambda rng, hidden: {"W": rng.normal(0, 0.1, (hidden, hidden))}, step)


class Halves(rnnlm.Tokenizer):
    def tokens(self, line):
        return [part for word in line.split() for part in (word[:1] + "+", word[1:] or "-")]

    def join(self, tokens):
        return "".join(tokens)
"""
SMALL = "--hidden 4 --streams 2 --epochs 1 --threads 1"
NAMES = ["m.rnnlm", "cache.rnnlm", "mixture.rnnlm", "reference.rnnlm", "cached-mixture.rnnlm", "t.rnnlm"]


def text(lines: int = 60) -> str:
    return "the cat sees the dog\na dog runs\n" * (lines // 2)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with mine.py, models that name it in every way, a checkpoint, and scores; nobody writes there."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("RAN", str(folder / "ran"))
        patch.setenv("RNNLM_CONFIG", str(folder / "config"))
        Path("mine.py").write_text(MINE)
        Path("text.txt").write_text(text())
        for line in (
            f"train text.txt --model mine.py:mine -o m.rnnlm {SMALL}",
            "cache m.rnnlm --strengths 5,3 -o cache.rnnlm",
            "ensemble m.rnnlm m.rnnlm -o mixture.rnnlm",
            "ensemble m.rnnlm m.rnnlm --reference -o reference.rnnlm",
            "cache mixture.rnnlm --strengths 5,3 -o cached-mixture.rnnlm",
            f"train text.txt --tokens mine.py:Halves -o t.rnnlm {SMALL}",
            "score t.rnnlm text.txt --binary -o t.scores",
            "score t.rnnlm text.txt --quick -o t.tsv",
        ):
            assert run(line.split()) == 0

        def cut(event):
            if isinstance(event, Epoch):
                raise ZeroDivisionError  # stands for a power cut

        settings = Settings.of(
            text="text.txt", model="mine.py:mine", hidden=4, streams=2, epochs=2, threads=1, output="cut.rnnlm"
        )
        begun = Run(settings, observers=[cut])
        begun.trainer.checkpoint.minutes = 0.0
        with pytest.raises(ZeroDivisionError):
            begun.fit()
    return folder


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    """A copy of that folder for a user who has trusted nothing yet."""
    there = tmp_path / "there"
    shutil.copytree(made, there, ignore=shutil.ignore_patterns("ran", "config"))
    monkeypatch.chdir(there)
    monkeypatch.setenv("RAN", str(tmp_path / "ran"))
    monkeypatch.setenv("RNNLM_CONFIG", str(tmp_path / "config"))
    return there


def has_run() -> bool:
    return Path(os.environ["RAN"]).exists()


def remembered() -> str:
    file = Path(os.environ["RNNLM_CONFIG"], trusted_sources.NAME)
    return file.read_text() if file.exists() else ""


@pytest.fixture
def terminal(monkeypatch):
    """`terminal(answer)`: standard input and error are terminals, and the user answers every question so."""
    questions = []

    def terminal(answer: bool) -> list[str]:
        monkeypatch.setattr(trust, "is_terminal", lambda stream: True)
        monkeypatch.setattr(trust.click, "confirm", lambda question, **how: questions.append((question, how)) or answer)
        return questions

    return terminal


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("folder")
def test_info_runs_nothing_and_says_all(name, capsys):
    for change in (lambda: None, lambda: Path("mine.py").write_text("1 / 0"), lambda: Path("mine.py").unlink()):
        change()
        assert run(["info", name]) == 0
        out = capsys.readouterr().out
        assert run(["info", name, "--json"]) == 0
        assert '"source": "' in capsys.readouterr().out or "mine.py:Halves" in out
    if name == "m.rnnlm":
        assert "recurrence mine.py:mine" in out
        assert "code        mine.py:mine, sha256 " in out
        weights = sum(p.value.size for p in load_any(name, trust=None).params.values())
        assert f"weights     {weights:,}" in out
    assert not has_run()
    assert not remembered()


@pytest.mark.usefixtures("folder")
def test_files_that_are_no_models_run_nothing(capsys):
    assert run(["info", "cut.rnnlm.checkpoint"]) == 1
    assert run(["info", "t.scores"]) == 1
    assert read_stream("t.scores").tokenizer == "mine.py:Halves"
    with pytest.raises(DataError, match="a language model"):
        rnnlm.load_classifier("m.rnnlm")
    assert run(["ngram", "text.txt", "--order", "2", "--smoothing", "witten-bell", "-o", "n.rnnlm"]) == 0
    assert not has_run()


COMMANDS = [
    *(f"ppl {name} text.txt" for name in NAMES),
    "score m.rnnlm text.txt",
    "score t.rnnlm text.txt",
    "sample m.rnnlm",
    "sample t.rnnlm a",
    "compare m.rnnlm cache.rnnlm text.txt",
    "ensemble m.rnnlm cache.rnnlm -o e.rnnlm",
    "cache m.rnnlm --strengths 5 -o c.rnnlm",
    "ppl t.rnnlm t.tsv text.txt",
    f"train text.txt --model mine.py:mine -o cut.rnnlm {SMALL} --epochs 2 --resume",
]


@pytest.mark.parametrize("line", COMMANDS)
@pytest.mark.usefixtures("folder")
def test_nothing_runs_without_the_users_word(line, capsys):
    assert run(line.split()) == 1
    error = capsys.readouterr().err
    assert "is not run without your word: mine.py, SHA-256 " in error
    assert "give --trust if it may run" in error
    assert not has_run()
    assert run([*line.split(), "--trust"]) == 0
    assert has_run()
    assert not remembered()  # that was the word for one command


@pytest.mark.parametrize("line", [line for line in COMMANDS if "m.rnnlm" in line or "resume" in line][:8])
@pytest.mark.usefixtures("folder")
def test_a_changed_source_is_refused_whatever_the_user_says(line, capsys, terminal):
    questions = terminal(True)
    Path("mine.py").write_text(MINE + "\n# another\n")
    for more in ([], ["--trust"]):
        assert run([*line.split(), *more]) == 1
        assert "has changed since the model was trained with it, so it is not run" in capsys.readouterr().err
    assert not has_run()
    assert not questions


def test_a_question_is_asked_once(folder, capsys, terminal):
    questions = terminal(True)
    digest = own_source.hashlib.sha256(MINE.encode()).hexdigest()
    for _ in range(2):
        assert run(["ppl", "m.rnnlm", "cache.rnnlm", "text.txt"]) == 0
    assert len(questions) == 1
    assert questions[0][1]["default"] is False
    shown = capsys.readouterr().err
    assert all(part in shown for part in ("mine.py:mine", str(folder / "mine.py"), digest))
    assert remembered().splitlines()[1:] == [f"{digest}  {folder / 'mine.py'}"]
    assert not run(["score", "t.rnnlm", "text.txt"])  # the same file
    with pytest.raises(DataError, match="not run without your word"):
        rnnlm.load("m.rnnlm")  # a library asks nobody, and its caller may be another program


@pytest.mark.usefixtures("folder")
def test_no_is_an_answer(terminal):
    assert len(terminal(False)) == 0
    assert run(["ppl", "m.rnnlm", "text.txt"]) == 1
    assert len(terminal(False)) == 1
    assert not has_run()
    assert not remembered()


def test_nobody_is_asked_where_nobody_would_see_it(folder, monkeypatch):
    monkeypatch.setattr(trust.click, "confirm", lambda *_, **__: pytest.fail("asked"))
    for inputs, errors in ((False, True), (True, False)):
        terminals = {trust.sys.stdin: inputs, trust.sys.stderr: errors}
        monkeypatch.setattr(trust, "is_terminal", lambda stream, terminals=terminals: terminals[stream])
        assert run(["ppl", "m.rnnlm", "text.txt"]) == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("folder")
def test_python_needs_the_word_too(name):
    with pytest.raises(DataError, match=r"not run without your word: .*mine\.py, .* give trust=True if"):
        rnnlm.load(name)
    assert not has_run()
    assert rnnlm.load(name, trust=True).perplexity("text.txt").ppl > 1


@pytest.mark.usefixtures("folder")
def test_who_trains_has_said_so():
    """Also by a run that is cut off: it goes on without a question."""
    for name in ("cut.rnnlm.checkpoint", "m.rnnlm"):
        Path(name).unlink()
    settings = {"model": "mine.py:mine", "tokens": "mine.py:Halves", "hidden": 4, "streams": 2, "threads": 1}
    rnnlm.train("text.txt", epochs=1, output="new.rnnlm", **settings)
    assert "mine.py" in remembered()
    assert run(["ppl", "new.rnnlm", "text.txt"]) == 0
    assert run(f"train text.txt --model mine.py:mine {SMALL} --runs 2 --jobs 1 -o r.rnnlm".split()) == 0
    assert run(["ppl", "r.rnnlm", "text.txt"]) == 0


@pytest.mark.usefixtures("folder")
def test_a_run_of_ones_own_goes_on_without_a_question(made, monkeypatch):
    monkeypatch.setenv("RNNLM_CONFIG", str(made / "config"))
    rnnlm.train(
        "text.txt", model="mine.py:mine", hidden=4, streams=2, epochs=2, threads=1, output="cut.rnnlm", resume=True
    )
    assert Path("cut.rnnlm").exists()


@pytest.mark.usefixtures("folder")
def test_what_was_asked_about_is_what_runs():
    """The file is changed between the question and the answer."""

    def slow(file):
        Path("mine.py").write_text("raise SystemExit('another file')")
        return True

    assert rnnlm.load("m.rnnlm", trust=slow).kind == "custom"


@pytest.mark.usefixtures("folder")
def test_a_tokenizer_without_a_hash_is_refused():
    """Else a stranger could leave the hash out, so that any code would do."""
    header, arrays = storage.read("t.rnnlm", "model")
    del header["tokenizer.source"]
    storage.write("evil.rnnlm", "model", header, arrays)
    with pytest.raises(DataError, match="named without the SHA-256"):
        rnnlm.load("evil.rnnlm", trust=True)
    table = Path("t.tsv").read_text().splitlines(keepends=True)
    Path("evil.tsv").write_text("".join(line for line in table if not line.startswith("# encoding")))
    with pytest.raises(DataError, match=r"was scored with the tokenizer mine\.py:Halves"):
        read_stream("evil.tsv", load_any("t.rnnlm", trust=None).vocabulary)
    assert not has_run()


def test_the_list_is_the_users_own(folder, monkeypatch):
    own_source.find("mine.py:mine", rnnlm.models.custom.OWN_RECURRENCE)
    file = Path(os.environ["RNNLM_CONFIG"], trusted_sources.NAME)
    digest = own_source.hashlib.sha256(MINE.encode()).hexdigest()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert trusted_sources.is_remembered(digest)
    assert not trusted_sources.is_remembered(digest[::-1])
    assert not trusted_sources.is_remembered("")
    file.chmod(0o620)
    with pytest.warns(RuntimeWarning, match=r"list of trusted sources is ignored: others can write to .*chmod 600"):
        assert not trusted_sources.is_remembered(digest)
    file.chmod(0o600)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.warns(RuntimeWarning, match="belongs to another user"):
        assert not trusted_sources.is_remembered(digest)


def test_a_place_that_cannot_be_written_is_said_in_one_line(folder, monkeypatch, capsys):
    Path("file").write_text("")
    monkeypatch.setenv("RNNLM_CONFIG", "file")
    assert run(f"train text.txt --model mine.py:mine -o x.rnnlm {SMALL}".split()) == 0
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
    assert len(warnings) == 1
    assert "is not remembered" in warnings[0]
    assert run(["ppl", "x.rnnlm", "text.txt"]) == 1


def test_the_list_grows_by_a_line_for_a_file(folder):
    before = "# a remark of the user\n" + "0" * 64 + "  /x.py\n"
    config = Path(os.environ["RNNLM_CONFIG"])
    config.mkdir()
    (config / trusted_sources.NAME).write_text(before)
    for _ in range(2):
        trusted_sources.remember("a" * 64, Path("new\nline.py"))
    assert remembered() == before + "a" * 64 + f"  {folder}/new line.py\n"
    assert [path.name for path in config.iterdir()] == [trusted_sources.NAME]
    assert Corpus.encode("text.txt").sentences == 60
