"""What is printed under any locale, with any characters; file names whose bytes are not UTF-8."""

import io
import json
import os
import pty
import shutil
import sys

import pytest
from python_process import python, start_python

from rnnlm.cli import run
from rnnlm.cli.streams import prepare, typed_text

TEXT = "café naïve — 日本 “quoted” ↔\n"
ODD = os.fsdecode(b"odd\xff.txt")


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "uni.txt"
    path.write_text(TEXT * 4, encoding="utf-8")
    assert run(["ngram", *map(str, (path, "--valid", path, "--test", path, "-o", path.with_suffix(".arpa")))]) == 0
    return path


@pytest.mark.parametrize("encoding", ["ascii:strict", "cp1252", "utf-16"])
def test_output_into_a_pipe_is_utf_8(encoding, text):
    arguments = ["score", text.with_suffix(".arpa"), text, "--quick"]
    ended = python("-m", "rnnlm", *arguments, env=os.environ | {"PYTHONIOENCODING": encoding}, text=False)
    assert ended.returncode == 0
    rows = [line.split("\t") for line in ended.stdout.decode("utf-8").splitlines() if not line.startswith("#")]
    assert [row[2] for row in rows[1:7]] == TEXT.split()
    assert b"Traceback" not in ended.stderr


def test_a_terminal_that_lacks_a_character_shows_a_question_mark(text):
    ours, theirs = pty.openpty()
    arguments = ["score", text.with_suffix(".arpa"), text, "--quick"]
    environment = os.environ | {"PYTHONIOENCODING": "latin-1", "NO_COLOR": "1"}
    with start_python("-m", "rnnlm", *arguments, env=environment, stdout=theirs, text=False) as process:
        os.close(theirs)
        shown = b""
        try:
            while block := os.read(ours, 4096):
                shown += block
        except OSError:  # the other side is closed
            pass
        _, err = process.communicate()
    os.close(ours)
    assert process.returncode == 0, err
    words = [line.split("\t")[2] for line in shown.decode("latin-1").splitlines() if line.startswith("1\t")]
    assert words[:6] == ["café", "naïve", "?", "??", "?quoted?", "?"]


@pytest.mark.parametrize("text", ["é", "\ud800", "a\udcff", "日"])
def test_every_character_can_be_printed(text, monkeypatch):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), "ascii"))
    prepare()
    print(text)
    print(text, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    assert sys.stdout.buffer.getvalue() == f"{text}\n".encode("utf-8", "backslashreplace")
    assert sys.stderr.buffer.getvalue() == f"{text}\n".encode("ascii", "backslashreplace")
    monkeypatch.setattr(sys, "stdout", None)  # closed before we began
    prepare()


def test_a_prompt_under_a_locale_that_cannot_read_it():
    as_python_keeps_it = "café".encode().decode("ascii", "surrogateescape")
    assert typed_text(as_python_keeps_it) == typed_text("café") == "café"
    assert typed_text("caf\udcff") == "caf\udcff"


def test_files_whose_names_are_not_utf_8(text, tmp_path, monkeypatch, capfdbinary):
    monkeypatch.chdir(tmp_path)
    shutil.copy(text, ODD)
    model, mixture, picture = (ODD.replace(".txt", ending) for ending in (".rnnlm", ".mix", ".png"))
    for arguments in [
        ["train", ODD, "--valid", ODD, "--test", ODD, "--hidden", "3", "--streams", "2", "--epochs", "1", "-o", model],
        ["info", model],
        ["ppl", model, "uni.arpa", ODD],
        ["score", model, ODD, "-o", ODD + ".tsv"],
        ["ensemble", model, "uni.arpa", "--fit", ODD, "-o", mixture],
        ["plot", model, "-o", picture],
    ]:
        assert run(arguments) == 0, arguments
    capfdbinary.readouterr()
    assert run(["ppl", model, ODD, "--json"]) == 0
    assert ODD in json.dumps(json.loads(capfdbinary.readouterr().out), ensure_ascii=False)
    assert run(["ppl", ODD + ".rnnlm", ODD]) == 1
    assert b"odd\\udcff.txt.rnnlm" in capfdbinary.readouterr().err


def test_warnings_that_are_errors_end_no_command(text, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    environment = os.environ | {"PYTHONWARNINGS": "error", "RNNLM_CACHE": str(blocked), "TMPDIR": str(tmp_path)}
    ended = python("-m", "rnnlm", "ppl", text.with_suffix(".arpa"), text, env=environment)
    assert ended.returncode == 0, ended.stderr
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"warning: the cache folder {blocked} cannot be written: ")
    assert line.endswith("is used instead; set RNNLM_CACHE to a folder with room.")


def test_python_without_docstrings_and_asserts(text):
    for arguments in (
        ["--help"],
        ["train", "--help-all"],
        ["ppl", text.with_suffix(".arpa"), text],
        ["corpus", "list"],
    ):
        ended = python("-OO", "-m", "rnnlm", *arguments)
        assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    "variables",
    [
        {"COLUMNS": "abc", "LINES": "x", "LANG": "xx_YY.nonsense", "LC_ALL": "xx_YY.nonsense", "TZ": "nonsense"},
        {"COLUMNS": "0", "LINES": "0", "TERM": "nonsense", "OMP_NUM_THREADS": "abc", "OPENBLAS_NUM_THREADS": "-3"},
        {"COLUMNS": "1", "TQDM_MININTERVAL": "abc", "TQDM_NCOLS": "abc", "NLTK_DATA": "/proc/x", "RNNLM_THREADS": ""},
    ],
)
def test_other_variables_with_nonsense(variables, text):
    for arguments in (["ppl", "--help"], ["ppl", text.with_suffix(".arpa"), text]):
        ended = python("-m", "rnnlm", *arguments, env=os.environ | variables)
        assert (ended.returncode, ended.stderr) == (0, "")
