"""The lessons that need no data end as they and docs/lessons.md say; Elman's analyses have a file of their own."""

from __future__ import annotations

import re
import runpy

from paths import TOOLS

LESSONS = TOOLS / "examples"


def said(name, capsys):
    """What a lesson prints."""
    runpy.run_path(str(LESSONS / name), run_name="__main__")
    return capsys.readouterr().out


def test_all_new_colours_are_named_right(capsys):
    out = said("colours.py", capsys)
    assert "new colours: 20 of 20 right" in out
    assert "RGB(233, 63, 127) is red" in out


def test_under_5_percent_of_the_letters_are_heard_wrong(capsys):
    out = said("speech_toy.py", capsys)
    rates = [float(rate) for rate in re.findall(r"([\d.]+) % of letters wrong", out)]
    assert rates[0] > 50  # nothing is known at the start
    assert float(re.search(r"label error rate ([\d.]+) %", out)[1]) < 5
