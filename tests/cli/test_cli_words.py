"""Errors of the Python interface in the words of the command line, and the options that are made from declarations."""

from __future__ import annotations

import re
from dataclasses import dataclass

import click
import pytest

from rnnlm.cli import cli, score, train
from rnnlm.cli.options import GroupedCommand, with_options
from rnnlm.cli.words import in_words_of
from rnnlm.options import declared, option
from rnnlm.training import ClassifierSettings, Settings


@dataclass(frozen=True, kw_only=True)
class Some:
    hidden: int = option(3, "Units.", metavar="H", least=1, common=True)
    top_k: int | None = option(None, "Words.", names=("-k", "--best"), usual="all")
    output: str | None = option(None, "The file.", group="Files", names=("-o",), common=True)
    direct: bool = option(False, "A switch.")
    residual: bool = option(True, "Another switch.")
    rule: str = option("norm", "A rule.", choices=("norm", "value", "none"), group="Training")
    clip: float | None = option(5.0, "A limit, or none.", above=0, none="no limit", group="Training")
    rate: float = option(0.5, "A rate.", envvar="RNNLM_TEST_RATE")


def command(cls=Some, **more) -> click.Command:
    @click.command(cls=GroupedCommand)
    @with_options(cls, into="given", **more)
    def run(given):
        click.echo(repr(given))

    return run


def said(*typed: str, cls=Some) -> str:
    with click.Context(command(cls)) as context:
        try:
            command(cls).main(list(typed), standalone_mode=False)
        except click.ClickException as error:
            return error.format_message()
        return context.command.name or ""


# keywords in messages


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("hidden=0 is too small. Give hidden >= 1.", "--hidden 0 is too small. Give --hidden >= 1."),
        ("top_k=3 is bad. Leave `top_k` out.", "--top-k 3 is bad. Leave --top-k out."),
        ("Give 0 < rate <= 1.", "Give 0 < --rate <= 1."),
        ("Give 1 <= hidden < 9, or 0.", "Give 1 <= --hidden < 9, or 0."),
        ("Give another `output`.", "Give another -o."),
        ("output='x' and rule='l 2'.", "-o 'x' and --rule 'l 2'."),
        ("direct=True is for another.", "--direct is for another."),
        ("direct=False, this one has direct=True", "no --direct, this one has --direct"),
        ("clip=None, this one has clip=5.0", "no --clip, this one has --clip 5.0"),
        ("residual=False is for another.", "--no-residual is for another."),
        ("residual=True is for another.", "--residual is for another."),
        ("the hidden units, direct or not, of the output", "the hidden units, direct or not, of the output"),
        ("my_hidden=3, x.hidden=4, --hidden=5, hidden == 3", "my_hidden=3, x.hidden=4, --hidden=5, hidden == 3"),
        ("hiddens >= 3, hidden-like > 1", "hiddens >= 3, hidden-like > 1"),
        ("layers=3 is no option here", "layers=3 is no option here"),
        ("/a/hidden=3/b.txt does not exist", "/a/hidden=3/b.txt does not exist"),
    ],
)
def test_keywords_become_options(message, expected):
    assert in_words_of(command(), message) == expected


def test_what_was_typed_stays_as_it_is():
    typed = ["run", "hidden=3", "-o", "rate=5.txt", "--rule=direct=True", "--hidden=0"]
    message = "hidden=3 and rate=5.txt, rule='direct=True' do not exist; hidden=0 is too small."
    expected = "hidden=3 and rate=5.txt, --rule 'direct=True' do not exist; --hidden 0 is too small."
    assert in_words_of(command(), message, typed) == expected


def test_without_a_command_or_options_a_message_stays():
    assert in_words_of(None, "hidden=0 is too small.") == "hidden=0 is too small."
    assert in_words_of(click.Command("x"), "hidden=0 is too small.") == "hidden=0 is too small."


def test_the_range_of_every_option_is_said_in_words_of_the_command_line():
    """Whatever the declarations allow: no keyword of Python is left in the message about a bad value."""
    for path, cls in ((["train"], Settings), (["classify", "train"], ClassifierSettings)):
        found = cli
        for name in path:
            found = found.get_command(click.Context(found), name)
        names = {param.name for param in found.params}
        for name, one in declared(cls).items():
            if name in names and one.range():
                line = in_words_of(found, f"{name}=0 is not possible. Give {one.range()}.")
                option_name = f"--{name.replace('_', '-')}"
                assert line.count(option_name) == 2, line
                assert not re.search(rf"(?<!-)\b{name}\b", line), line


# options from declarations


def values(capsys, *typed: str):
    command().main(list(typed), standalone_mode=False)
    return eval(capsys.readouterr().out, {"Some": Some})


def test_each_declared_option_can_be_typed(capsys, monkeypatch):
    assert values(capsys) == Some()
    typed = "--hidden 7 -k 5 -o f --direct --no-residual --rule none --clip none --rate 0.25"
    assert values(capsys, *typed.split()) == Some(
        hidden=7, top_k=5, output="f", direct=True, residual=False, rule="none", clip=None, rate=0.25
    )
    assert values(capsys, "--top-k", "4", "--clip", "2").top_k == 4
    assert values(capsys, "--best", "6").top_k == 6
    assert values(capsys, "--clip", "2").clip == 2.0
    assert values(capsys, "--output", "g").output == "g"
    monkeypatch.setenv("RNNLM_TEST_RATE", "0.75")
    assert values(capsys).rate == 0.75


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("--hidden many", "'many' is not a valid integer"),
        ("--hidden none", "'none' is not a valid integer"),
        ("--top-k none", "'none' is not a valid integer"),  # there is no reason to ask for none
        ("--clip tight", "'tight' is neither a number nor none"),
        ("--hiden 3", "No such option '--hiden'"),
    ],
)
def test_what_cannot_be_typed(typed, message):
    with pytest.raises(click.ClickException) as refused:
        command().main(typed.split(), standalone_mode=False)
    assert message in refused.value.format_message()


def test_help_shows_what_most_people_need_and_help_all_the_rest(capsys):
    command(common=("direct",)).main(["--help"], standalone_mode=False)
    short = capsys.readouterr().out
    assert [name for name in ("hidden", "output", "direct", "rule", "clip", "rate") if f"--{name} " in short] == [
        "hidden",
        "output",
        "direct",
    ]
    assert "Options that most people need:" in short
    assert "All 8 options, by group:" in short
    command().main(["--help-all"], standalone_mode=False)
    full = capsys.readouterr().out
    headings = re.findall(r"^(\w[\w ]*):$", full, re.M)
    assert headings == ["Model", "Training", "Files", "Other"]
    assert "All 8 options" not in full
    lines = re.sub(r"\s+", " ", full)
    assert "--hidden H Units. [default: 3]" in lines
    assert "-k, --top-k, --best INTEGER Words. [all]" in lines
    assert "--residual / --no-residual Another switch. [default: residual]" in lines
    assert "--rule NAME A rule: norm, value or none. [default: norm]" in lines
    assert "--clip NUMBER A limit, or none. [default: 5.0]" in lines
    assert "[env var: RNNLM_TEST_RATE; default: 0.5]" in lines
    assert full.index("--help-all") > full.index("--rate")


@pytest.mark.parametrize(("path", "cls"), [(["train"], Settings), (["classify", "train"], ClassifierSettings)])
def test_help_all_lists_every_setting_once(call, path, cls):
    called = call(*path, "--help-all")
    assert (called.status, called.err) == (0, "")
    options = called.out[re.search(r"^(Text|Data):$", called.out, re.M).start() :]
    listed = re.findall(r"^  (?:-\w, )?--([\w-]+)", options, re.M)
    expected = {name.replace("_", "-") for name in declared(cls)} - {"text", "data"}
    assert expected <= set(listed)
    assert len(listed) == len(set(listed))
    short = call(*path, "--help").out
    assert len(short.splitlines()) < 50 < len(called.out.splitlines())
    needed = [name.replace("_", "-") for name, one in declared(cls).items() if one.option.common]
    found = re.findall(r"^  (?:-\w, )?--([\w-]+)", short[short.index("Options that most people need:") :], re.M)
    assert set(found) == {*needed, "help", "help-all"} - {"text", "data"}
    number = int(re.search(r"All (\d+) options, by group: rnnlm ([\w ]+) --help-all", short)[1])
    assert number == len(set(listed) - {"help", "help-all"})


def test_a_command_without_tokens_speaks_of_the_model_that_has_them():
    hint = "x.txt is Thai. Give tokens=chars, or separate the words first."
    assert in_words_of(score.command, hint) == hint.replace("tokens=chars", "a model of --tokens chars")
    assert in_words_of(train.command, hint) == hint.replace("tokens=chars", "--tokens chars")
