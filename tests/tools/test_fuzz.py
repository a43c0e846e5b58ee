"""tools/fuzz.py: a few hundred altered files, and whether it notices what it is there for."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from paths import TOOLS
from python_process import python

from rnnlm import storage

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs fork(), and /proc for the limit of memory")


@pytest.fixture
def tools(monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)


def test_no_altered_file_is_a_way_to_crash():
    run = python(TOOLS / "fuzz.py", "--cases", "250", "--seed", "14", "--jobs", "2")
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    assert "the whole file:" not in run.stdout  # every command and function accepts the files as they are
    assert "\n250 cases, 0 failed" in run.stdout


FAULTS = """
import os, sys
sys.path.insert(0, TOOLS)
import fuzz_pool
from fuzz_trials import Result

fuzz_pool.SECONDS, fuzz_pool.CHUNK = 1, 4

def try_case(number):
    if number == 2:
        os.kill(os.getpid(), 11)
    if number == 5:
        while True:
            pass
    return Result("refused" if number != 7 else "traceback", "why")

found = fuzz_pool.results(try_case, os.makedirs, list(range(9)), 2)
print({number: result.outcome for number, result in sorted(found)})
"""


def test_a_case_in_which_the_process_dies_or_hangs_is_named_and_the_others_are_tried():
    run = python("-c", FAULTS.replace("TOOLS", repr(str(TOOLS))))
    expected = dict.fromkeys(range(9), "refused") | {2: "signal", 5: "time", 7: "traceback"}
    assert run.stdout.strip() == str(expected), run.stderr


def test_figures_that_are_none_are_wrong(tools, monkeypatch, tmp_path):
    import fuzz_trials
    from fuzz_originals import Kind

    printed = {
        "ppl m text": ["model   PPL  known\nm  0.5  0.5\n", "model  PPL\nm  -  -\n", "model  PPL\nm  nan  1\n"],
        "info m": ["validation  PPL -\n", "validation  PPL nan\n"],
        "score m text": [
            "word\tunknown\tlogprob\na\t0\tNaN\n",
            "word\tunknown\tlogprob\na\t0\t0.5\n",
            "word\tlogprob\na\n",
        ],
    }
    for trial, outputs in printed.items():
        for out in outputs:
            monkeypatch.setattr(fuzz_trials, "run", lambda typed, out=out: print(out, end="") or 0)
            assert fuzz_trials.attempt(trial, Kind("m", (), ()), "m").outcome == "wrong", out
    good = "word\tunknown\tlogprob\na\t0\t-1.5\nb\t1\tNaN\n"
    monkeypatch.setattr(fuzz_trials, "run", lambda typed: print(good, end="") or 0)
    assert fuzz_trials.attempt("score m text", Kind("m", (), ()), "m").outcome == "accepted"


def test_errors_of_several_lines_tracebacks_and_odd_statuses_are_failures(tools, monkeypatch):
    import fuzz_trials
    from fuzz_originals import Kind

    def said(status: int, err: str) -> str:
        monkeypatch.setattr(fuzz_trials, "run", lambda typed: print(err, end="", file=sys.stderr) or status)
        return fuzz_trials.attempt("info m", Kind("m", (), ()), "m").outcome

    assert said(1, "rnnlm: error: x\n") == "refused"
    assert said(1, "rnnlm: error: x\nrnnlm: error: y\n") == "lines"
    assert said(1, "rnnlm: error: x\n  and more\n") == "lines"
    assert said(3, "rnnlm: error: x\n") == "status"
    assert said(0, "rnnlm: error: x\n") == "status"
    assert said(1, "rnnlm: error: not enough memory\n") == "memory"
    monkeypatch.setattr(fuzz_trials, "run", lambda typed: {}["x"])
    assert fuzz_trials.attempt("info m", Kind("m", (), ()), "m").outcome == "traceback"


def test_a_file_that_is_written_again_has_a_right_checksum(tools, tmp_path):
    """Otherwise every alteration of entries and arrays would be refused for the checksum, and nothing be tried."""
    import fuzz_structured
    from fuzz_originals import OLD_FILES

    content = (OLD_FILES / "elman.rnnlm").read_bytes()
    about, arrays = fuzz_structured.parse(content)
    header = json.loads(about["header"])
    header["config"]["hidden"] = 7
    arrays["output.W"] = np.full_like(arrays["output.W"], 3)
    altered = fuzz_structured.assemble(fuzz_structured.signed("model", json.dumps(header), arrays), arrays)
    (tmp_path / "m.rnnlm").write_bytes(altered)
    read_header, read_arrays = storage.read(tmp_path / "m.rnnlm", "model")[:2]
    assert read_header["config"]["hidden"] == 7
    assert (read_arrays["output.W"] == 3).all()


def test_number_and_seed_give_the_same_bytes(tools, tmp_path):
    import fuzz

    kinds = fuzz.make(tmp_path)
    contents = {kind.file: (tmp_path / kind.file).read_bytes() for kind in kinds.values() if not kind.unharmed}
    one, two, other = (fuzz.Fuzz(kinds, tmp_path, seed, contents) for seed in (3, 3, 4))
    differ = 0
    for number in range(len(contents)):
        content = contents[kinds[one.kind(number)].file]
        assert one.altered(number, content) == two.altered(number, content)
        differ += one.altered(number, content)[0] != other.altered(number, content)[0]
    assert differ > len(contents) / 2
