"""The tool that runs the results again reads what stands in docs/results.md, and tells worse from as good."""

from __future__ import annotations

import importlib.util
import sys

import click
import pytest
from paths import ROOT

from rnnlm.cli import cli

PAGE = (ROOT / "docs/results.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def results():
    spec = importlib.util.spec_from_file_location("results", ROOT / "tools/results.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["results"] = module  # NamedTuple looks its module up
    spec.loader.exec_module(module)
    return module


def test_every_row_of_the_table_is_read(results):
    rows = results.rows(PAGE)
    assert len(rows) == PAGE.count("\n| ") - 1 == 20  # all but the head
    assert rows[0].commands == [["rnnlm", "ngram", "ptb", "-o", "kn5.rnnlm"]]
    assert rows[0].stated == 141.19
    assert rows[0].allowed == pytest.approx(141.195)
    noisy = next(row for row in rows if row.seeds)
    assert noisy.allowed == pytest.approx(noisy.stated + 2 * noisy.seeds)


def test_the_commands_have_only_options_that_exist(results):
    for row in results.rows(PAGE):
        for _, name, *arguments in row.commands:
            command = cli.get_command(click.Context(cli), name)
            known = {option for parameter in command.params for option in parameter.opts}
            assert {part for part in arguments if part.startswith("-")} <= known, row.name


@pytest.mark.parametrize("page", [PAGE, README], ids=["docs/results.md", "README.md"])
def test_every_file_that_a_row_reads_was_made_before(results, page):
    made: set[str] = set()
    rows = results.rows(page)
    assert rows
    for row in rows:
        made |= set(row.outputs)
        read = {part for command in row.commands for part in command if part.endswith(".rnnlm")}
        assert read <= made, row.name


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        ("validation perplexity 148.01\ntest perplexity 141.19\n", 141.19),
        ("model  PPL  known\nkn5-cache.rnnlm  117.77  134.39  6.8798\n", 117.77),
        (
            "1  five.1.rnnlm  1  12  131.15  124.41\nmean  131.27  124.48\nmixture  five.rnnlm   115.96    110.39\n",
            110.39,
        ),
    ],
)
def test_the_figure_is_found_in_what_is_printed(results, printed, found):
    assert results.figure(printed) == found
    with pytest.raises(SystemExit, match="no perplexity"):
        results.figure("nothing\n")


def test_rows_that_others_build_on_are_chosen_too(results):
    every = results.rows(PAGE)
    names = [row.outputs for row in results.chosen(every, "rnn-kn5-cache")]
    assert names == [["kn5.rnnlm"], ["rnn.rnnlm"], ["rnn-kn5.rnnlm"], ["rnn-kn5-cache.rnnlm"]]


def test_a_worse_figure_fails(results, tmp_path, monkeypatch, capsys):
    """The commands are run: no model of this grammar has a perplexity of 1, and none worth the name one of 3."""
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "argv", ["results.py", "--folder", str(tmp_path / "models")])
    rows = results.rows
    for stated, status in (("3.00", 0), ("1.00", 1)):
        line = f"| a | `rnnlm ngram reber --order 3 -o r.rnnlm` | 1 | **{stated}** | – | 1 s |"
        monkeypatch.setattr(results, "rows", lambda page, line=line: rows(line))
        with pytest.raises(SystemExit) as ended:
            results.main()
        assert ended.value.code == status
    assert (tmp_path / "models/r.rnnlm").is_file()
    as_stated, worse = capsys.readouterr().out.splitlines()
    assert "(3.0 stated), as stated" in as_stated
    assert "WORSE than 1.005" in worse
    assert as_stated.split()[1] == worse.split()[1]  # the model and its figure were there already
