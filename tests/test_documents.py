"""What README and docs/ say is what happens: examples run and print what is shown, and links lead somewhere."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections import Counter
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import click
import numpy as np
import pytest
from documents import CONTRIBUTING, INDEX, PAGES, README, ROOT, Example, Page

import rnnlm
from rnnlm.cli import COMMANDS, cli, run

SHORT = ["--hidden", "8", "--epochs", "2", "--max-updates", "30"]  # the last option given wins
FEW = {"hidden": 8, "epochs": 2}  # the same for rnnlm.train
PAIR = "In the beginning was the word , and the word was with the network .\nThe network read the word .\n"
TEXT = PAIR * 56 + PAIR.replace("network", "reader") + PAIR * 3  # a word that only the held-out validation part has
TEXT += "The printer read the word .\n" * 3  # and one that only the part that is held out for the test has
SENTENCES = "In the beginning God created the heaven and the earth.\nThe horse raced past the barn fell.\n"

# Licensed, or fetched from elsewhere: these commands are only parsed.
ELSEWHERE = re.compile(r"\b(ptb|digits|shakespeare|wikitext-\w+|text8|enwik8)\b")
TRAINED = "train text.txt -o m.rnnlm", "ngram text.txt -o kn.rnnlm"  # what a page may take as given

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """One cache for all pages: the Bible is encoded once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def given(tmp_path_factory, cache):
    """A folder with all that the examples take as given: texts, tables, a network and an n-gram model."""
    folder = tmp_path_factory.mktemp("given")
    for name in ("text.txt", "valid.txt", "more.txt"):
        (folder / name).write_text(TEXT, encoding="utf-8")
    (folder / "sentences.txt").write_text(SENTENCES, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("RNNLM_CACHE", str(cache))
        for line in TRAINED:
            assert run([*line.split(), "--tokens", "prose", *(SHORT if "train" in line else [])]) == 0
    return folder


@pytest.fixture
def folder(given, cache, tmp_path, monkeypatch):
    """The working folder of a page: a copy of what is given."""
    shutil.copytree(given, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RNNLM_CACHE", str(cache))
    return tmp_path


@pytest.fixture
def short_training(monkeypatch):
    """`rnnlm.train` and `rnnlm.train_classifier` take a moment, whatever an example asks for."""
    train, classifier = rnnlm.train, rnnlm.train_classifier
    monkeypatch.setattr(rnnlm, "train", lambda *text, **settings: train(*text, **settings | FEW))
    monkeypatch.setattr(rnnlm, "train_classifier", lambda *data, **s: classifier(*data, **s | {"epochs": 1}))


def parsed(arguments: list[str]) -> None:
    """Parse a command as the command line does: click.UsageError for an option that there is not, or a wrong value."""
    name, *rest = arguments
    if name == "--help":
        return
    command = cli.get_command(click.Context(cli), name)
    assert command is not None, f"there is no command {name}"
    if isinstance(command, click.Group) and rest:
        name, *rest = rest
        command = command.commands[name]
    if rest:  # a command that is only named, such as `rnnlm check`, wants nothing
        with suppress(click.exceptions.Exit):  # of --help
            command.make_context(name, rest)


def runs_here(example: Example) -> bool:
    """Whether a test can run the command, on a processor and without fetching anything."""
    return not ELSEWHERE.search(example.command) and "--device" not in example.command


def execute(example: Example, capsys) -> str:
    """Run a command as on the command line; what it printed."""
    arguments = example.arguments
    if arguments[0] == "train":
        arguments += SHORT
    if "--resume" in arguments:  # the run was cut off before its first checkpoint, so it starts again
        Path(arguments[arguments.index("-o") + 1]).unlink(missing_ok=True)
    status = run(arguments)
    printed = capsys.readouterr()
    assert status == 0, f"{example.command}: {printed.err}"
    return printed.out + printed.err


def work_through(page: Page, capsys) -> dict:
    """Do what a page does, from its first block to its last; what its Python leaves behind."""
    space: dict = {}
    for block in page.blocks:
        if block.file_name:
            Path(block.file_name).write_text(block.text, encoding="utf-8")
        elif block.language == "python" and '"gpu"' not in block.text:
            exec(compile(block.text, page.name, "exec"), space)
            capsys.readouterr()
        for example in block.examples:
            if runs_here(example):
                require_shown(example, execute(example, capsys))
    return space


@pages
@pytest.mark.filterwarnings("ignore:text.txt. order:RuntimeWarning")  # of a small text: it gives no discounts
def test_the_examples_run_and_print_what_is_shown(page, folder, short_training, capsys):
    space = work_through(page, capsys)
    if page.name == "docs/python.md":
        assert space["lm"].perplexity("more.txt").ppl < 30
        assert np.nanmean(space["surprisal"]) < 3
        assert space["chosen"].sum() == pytest.approx(1)


def test_the_examples_for_a_gpu_run_on_the_stand_in(folder, gpu, capsys):
    page = next(page for page in PAGES if page.name == "docs/gpu.md")
    examples = [e for e in page.examples if not ELSEWHERE.search(e.command)]
    assert [e.arguments[0] for e in examples] == ["train", "ppl", "check"]
    for name in ("text.txt", "more.txt"):
        (folder / name).write_text(TEXT[:600])
    for example in examples[:2]:  # what `check` does on a GPU is in test_check.py
        arguments = example.arguments
        if arguments[0] == "train":
            arguments += [*SHORT, "--max-updates", "3", "--streams", "2", "--block", "5"]
        assert run(arguments) == 0, f"{example.command}: {capsys.readouterr().err}"
    space: dict = {}
    for block in page.blocks:
        if block.language == "python":
            exec(compile(block.text, page.name, "exec"), space)
    assert not isinstance(space["model"].params["output.b"].value, np.ndarray)


# What is shown below a command, and what it prints here: the same but for these.
NUMBER = re.compile(r"[-+]?(\d+(,\d{3})*(\.\d+)?(e[-+]?\d+)?|NaN)(?=$|[\s,;)%\]])")
HASH = re.compile(r"\b([0-9a-f]{12}|[0-9a-f]{64})\b")
MACHINE = re.compile(r"(Numba|NumPy) on # threads?")
VERDICT = re.compile(r".*(is better than|cannot tell|too few to tell).*")
ANY = [VERDICT, *(re.compile(rf"{first} .*") for first in ("output", "epoch", "command", "sample:"))]


def masked(line: str) -> str:
    """A line of output without what depends on the text, the training and the machine."""
    line = NUMBER.sub("#", HASH.sub("#", " ".join(line.split())))
    line = MACHINE.sub("machine", line).replace("# updates done", "# epochs done")
    for pattern in ANY:
        if pattern.fullmatch(line):
            return pattern.pattern
    return line


def require_shown(example: Example, printed: str) -> None:
    """What a page shows below a command is what it prints; `…` stands for any lines. The order is not compared."""
    there = [line for line in printed.splitlines() if line.strip()]
    shown = [line for line in example.shown if line.strip() and line != "…"]
    if example.arguments[0] == "sample":  # whatever is drawn
        assert len(shown) in (0, len(there))
        return
    want, found = Counter(map(masked, shown)), Counter(map(masked, there))
    message = f"{example.command} prints:\n{printed}\nwhich the page does not show as it is"
    if "…" in example.shown:
        assert not want - found, message
    elif shown:
        assert want == found, message


def test_a_page_that_shows_other_lines_is_seen():
    printed = "model   PPL  known\nm.rnnlm  5.1  NaN\n"
    ppl = "rnnlm ppl m.rnnlm more.txt"
    for shown in ([], ["…"], ["model PPL known", "…"], ["model  PPL  known", "m.rnnlm 1,087.84 1e-4"]):
        require_shown(Example(ppl, shown), printed)
    for shown in (["model PPL unknown", "…"], ["m.rnnlm 87.84", "…"], ["model PPL known"]):
        with pytest.raises(AssertionError, match="does not show as it is"):
            require_shown(Example(ppl, shown), printed)


@pages
def test_every_command_can_be_typed(page):
    """Also those in tables and sentences, and those that are too long, licensed or fetched to be run here."""
    for example in page.examples:
        parsed(example.arguments)
    for command in page.inline_commands:
        parsed(Example(command, []).arguments)


def test_every_command_is_shown():
    shown = {example.arguments[0] for page in PAGES for example in page.examples}
    shown |= {Example(command, []).arguments[0] for command in README.inline_commands}
    assert shown == set(COMMANDS)


@pages
def test_every_option_exists(page):
    """Options that stand alone between backticks are options of some command, or of a tool that the page names."""
    known = {"--help"} | set(re.findall(r'"(--[\w-]+)"', "".join(p.read_text() for p in ROOT.glob("tools/*.py"))))
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        for one in command.commands.values() if isinstance(command, click.Group) else [command]:
            known |= {option for parameter in one.params for option in (*parameter.opts, *parameter.secondary_opts)}
    for code in page.inline:
        if code.startswith("--"):
            assert set(re.findall(r"(?<!\S)--[\w-]+", code)) <= known, code


@pages
def test_the_tools_have_these_options(page):
    for tool, *arguments in page.tool_calls:
        source = (ROOT / tool).read_text(encoding="utf-8")
        assert '__name__ == "__main__"' in source, tool
        for option in arguments:
            if option.startswith("-"):
                assert f'"{option}"' in source, f"{tool} {option}"


def test_the_table_of_runs_can_be_read(folder):
    from rnnlm.training.runs_file import read_runs
    from rnnlm.training.settings import Settings

    blocks = [block for page in PAGES for block in page.blocks if block.language == "toml"]
    assert blocks
    for block in blocks:
        Path("runs.toml").write_text(block.text, encoding="utf-8")
        assert len(read_runs("runs.toml", Settings())) == len(tomllib.loads(block.text)["run"])


@pytest.mark.parametrize("page", [*PAGES, CONTRIBUTING], ids=lambda page: page.name)
def test_links_and_paths_lead_somewhere(page):
    for target, anchor in page.links:
        assert target.exists(), target
        if anchor:
            assert anchor in next(p for p in PAGES if p.path == target).anchors, f"{target.name}#{anchor}"
    for code in page.inline:
        if "NAME" not in code and re.fullmatch(r"(rnnlm|tools|tests|docs|corpora)/[\w./*-]+", code):
            assert list(ROOT.glob(code)), code


def test_each_page_has_a_line_in_the_index():
    rows = [row for row in INDEX.text.splitlines() if row.startswith("| [")]
    targets = [re.findall(r"^\| \[[^]]+\]\((\S+)\) \| \S", row)[0] for row in rows]
    assert sorted(targets) == sorted(page.path.name for page in PAGES if page not in (README, INDEX))


def test_the_readme_is_short_and_its_figures_are_those_of_the_pages():
    assert len(README.text.splitlines()) <= 150
    assert {INDEX.path} <= {target for target, _ in README.links}
    for heading, page, many in (("## Results", "docs/results.md", 5), ("## Speed", "docs/speed.md", 4)):
        rows, whole = README.table(heading), Page(ROOT / page).text.splitlines()
        assert len(rows) == many
        places = [whole.index(row) for row in rows]
        assert places == sorted(places)
        for (above, row), (first, second) in zip(pairwise(rows), pairwise(places), strict=True):
            if row.endswith("| the same |"):
                assert second == first + 1, above


def test_the_test_line_is_the_one_that_ci_runs():
    assert '\npip install ".[dev]" && pytest\n' in README.text
    assert 'pip install ".[dev]" && pytest' in (ROOT / ".ci/run").read_text().replace("\\", "")
    assert "pip install . && rnnlm train\n" in README.text
    assert not any("pip install rnnlm" in page.text for page in PAGES)  # that name is somebody else's
