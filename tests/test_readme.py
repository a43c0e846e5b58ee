"""What the README says is what happens: its commands are run, its Python lines too, and its links and options exist."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import click
import pytest

from rnnlm.cli import COMMANDS, cli, run

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.S)
SHORT = ["--hidden", "8", "--epochs", "1", "--max-updates", "30"]  # the last option given wins

TEXT = "In the beginning was the word , and the word was with the network .\nThe network read the word .\n" * 60


def commands() -> list[str]:
    """Every `rnnlm …` line of the README's shell blocks, in order."""
    lines = [line.strip() for kind, block in BLOCKS if kind in ("sh", "console") for line in block.splitlines()]
    found = [part.strip() for line in lines for part in line.removeprefix("$ ").split("&&")]
    return [re.sub(r"\s+#.*", "", line) for line in found if line.startswith("rnnlm ")]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path / "cache"))
    for name in ("text.txt", "valid.txt", "more.txt"):
        (tmp_path / name).write_text(TEXT, encoding="utf-8")
    for name in ("table.csv", "more.csv", "new.csv"):
        rows = [f"{x},{y},{'above' if y > x else 'below'}" for x in range(9) for y in range(9)]
        (tmp_path / name).write_text("\n".join(rows), encoding="utf-8")
    own = next(block for kind, block in BLOCKS if kind == "python" and "Recurrence" in block)
    (tmp_path / "mine.py").write_text(own, encoding="utf-8")
    return tmp_path


def test_every_command_of_the_readme_runs(folder, capsys):
    lines = commands()
    assert {shlex.split(line)[1] for line in lines} == set(COMMANDS)  # each command is shown
    for line in lines:
        arguments = shlex.split(line)[1:]
        if "ptb" in line or "digits" in line:  # licensed, or fetched: only its options are checked, by the next test
            continue
        if "--device gpu" in line:
            continue
        if arguments[0] == "train":
            arguments += SHORT
        status = run(arguments)
        said = capsys.readouterr()
        assert status == 0, f"{line}: {said.err}"
    assert (folder / "kjv.rnnlm").is_file()


def test_the_commands_for_a_gpu_run_on_the_stand_in(folder, gpu, capsys):
    lines = [line for line in commands() if "--device gpu" in line]
    assert len(lines) == 2
    for name in ("text.txt", "more.txt"):
        (folder / name).write_text(TEXT[:600])
    for line in lines:
        arguments = shlex.split(line)[1:]
        if arguments[0] == "train":
            arguments += [*SHORT, "--max-updates", "3", "--streams", "2", "--block", "5"]
        assert run(arguments) == 0, f"{line}: {capsys.readouterr().err}"


def test_every_option_of_the_readme_exists():
    for line in commands():
        name, *arguments = shlex.split(line)[1:]
        command = cli.get_command(click.Context(cli), name)
        assert command is not None, line
        if isinstance(command, click.Group):
            command, arguments = command.commands[arguments[0]], arguments[1:]
        known = {option for parameter in command.params for option in parameter.opts}
        for option in arguments:
            assert not option.startswith("-") or option == "-" or option in known, f"{line}: {option}"


def test_the_python_lines_run(folder):
    lines = next(block for kind, block in BLOCKS if kind == "python")
    assert run(["train", "text.txt", "-o", "m.rnnlm", *SHORT]) == 0
    space: dict = {}
    exec(compile(lines.replace("hidden=200", "hidden=8, epochs=1"), "README", "exec"), space)
    assert space["lm"].perplexity("text.txt").ppl < 30


def test_the_test_line_is_the_one_that_ci_runs():
    assert 'pip install ".[dev]" && pytest\n' in README
    assert 'pip install ".[dev]" && pytest' in (ROOT / ".ci/run").read_text().replace("\\", "")
    assert "pip install . && rnnlm train\n" in README
    assert "pip install rnnlm" not in README  # that name is somebody else's


def test_links_into_the_checkout_exist():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert os.path.exists(ROOT / target), target
