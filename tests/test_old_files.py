"""Files that earlier versions wrote open for ever, and give the figures that they gave then.

`old_files/v1/README.md` says how the files were made, `expected.json` holds the figures of the version that wrote them.
Figures are compared to 1e-9 in float64 and to 1e-6 in float32, and not bit by bit: NumPy's matrix products add up in an
order that depends on the processor. For the same reason the runs that were cut off are in float64 and end in stored
weights to 1e-9, not in a stored checksum; that they end in the same bytes on one machine is what `test_resume.py` asks.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

import rnnlm
from rnnlm.cli import run
from rnnlm.evaluation import read_stream

FOLDER = Path(__file__).parent / "old_files" / "v1"
FLOAT32 = {"unk.rnnlm", "stupid.rnnlm", "witten_bell.arpa", "reference.rnnlm", "convnet.rnnlm"}

_OF_WORDS = "elman jordan jordan_embedding rnnlm bengio convolution convolution_relu custom unk kneser_ney stupid cache"
_OF_WORDS += " continuous_cache mixture geometric reference"
LANGUAGE_MODELS = {  # and the text for their figures
    **{f"{name}.rnnlm": "test.txt" for name in _OF_WORDS.split()},
    "witten_bell.arpa": "test.txt",
    "prose.rnnlm": "prose.txt",
    "chars.rnnlm": "chars.txt",
    "bytes.rnnlm": "chars.txt",
}
CLASSIFIERS = {"feedforward.rnnlm": "table.csv", "convnet.rnnlm": "images.npz"}
STREAMS = {"scores.tsv": "unk.rnnlm", "scores.bin": "unk.rnnlm"}  # and the model that gave the scores

_TEXT = "train text.txt --valid valid.txt --hidden 6 --streams 4 --block 8 --epochs 3 --dtype float64 --backend numpy"
_IMAGES = "classify train images.npz --held-out 0.2 --epochs 3 --batch 2 --dtype float64 --backend numpy"
_RUNS = [  # that were cut off, as typed
    f"{_TEXT} --output plain.rnnlm",
    f"{_TEXT} --model jordan --classes 3 --horizon 12 --independent --optimizer adam --lr 0.4 --input-dropout 0.1"
    " --schedule halving --clip 0.1 --clip-by value --output jordan_cut.rnnlm",
    f"{_TEXT} --model own.py:leaky --optimizer momentum --lr 1 --trust --output custom_cut.rnnlm",
    f"{_IMAGES} --blocks 'conv 3 3, pool 2, batch, affine 5, dropout 0.2' --optimizer adam --shift 1 --balance"
    " --output convnet_cut.rnnlm",
]
CUT = {Path(line.split()[-1]).stem: shlex.split(line) for line in _RUNS}


def command(*arguments: str) -> Any:
    """What a command that ends well prints, read as JSON."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert run([*arguments, "--json", "--backend", "numpy"]) == 0
    return json.loads(out.getvalue())


def info(name: str) -> dict[str, Any]:
    """What `rnnlm info` says of the file, but not of this machine, and of the run's record only how it began."""
    said = command("info", name)
    for key in ("backend", "device", "threads"):
        del said[key]
    said["training"] = {key: said["training"][key] for key in ("command", "text") if key in said["training"]}
    return said


def language_model(name: str) -> dict[str, Any]:
    text = LANGUAGE_MODELS[name]
    stream = rnnlm.score(rnnlm.load(name, trust=True), text)
    return {
        "info": info(name),
        "ppl": command("ppl", name, text, "--trust"),
        "logp": numbers(stream.logp),
        "sample": command("sample", name, "--length", "8", "--seed", "1", "--trust"),
    }


def classifier(name: str) -> dict[str, Any]:
    return {
        "info": info(name),
        "test": command("classify", "test", name, CLASSIFIERS[name]),
        "predict": command("classify", "predict", name, CLASSIFIERS[name]),
    }


def stream(name: str) -> dict[str, Any]:
    model = STREAMS[name]
    found = read_stream(name, rnnlm.load(model).vocabulary)
    arrays = {key: numbers(getattr(found, key)) for key in ("ids", "logp", "entropy", "rank", "top_ids", "top_logp")}
    return {"arrays": arrays, "unknown": found.unknown, "ppl": command("ppl", model, name, LANGUAGE_MODELS[model])}


def resumed(name: str) -> dict[str, Any]:
    """The figures of the run's end, apart from its weights."""
    return {"epochs": info(f"{name}.resumed.rnnlm")["epochs"]}


def numbers(array: np.ndarray) -> Any:
    """The array as lists, None for nan."""
    return json.loads(json.dumps(array.tolist()).replace("NaN", "null"))


def write_expected() -> None:
    """Only for the version that wrote the files, in their folder; see README.md there."""
    expected = {
        "language models": {name: language_model(name) for name in LANGUAGE_MODELS},
        "classifiers": {name: classifier(name) for name in CLASSIFIERS},
        "streams": {name: stream(name) for name in STREAMS},
        "resumed": {name: resumed(name) for name in CUT},
    }
    sections = []
    for section, entries in expected.items():
        lines = [f"{json.dumps(name)}: {json.dumps(entry, ensure_ascii=False)}" for name, entry in entries.items()]
        sections.append(f"{json.dumps(section)}: {{\n" + ",\n".join(lines) + "\n}")
    Path("expected.json").write_text("{\n" + ",\n".join(sections) + "\n}\n", encoding="utf-8")


def assert_same(found: Any, expected: Any, tolerance: float, where: str = "") -> None:
    """What was expected is there and equal, numbers with a fraction to the tolerance; a file may say more by now."""
    if isinstance(expected, dict):
        assert expected.keys() <= found.keys(), f"{where}: {sorted(expected.keys() - found.keys())} is missing"
        for key, value in expected.items():
            assert_same(found[key], value, tolerance, f"{where} {key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for place, (one, other) in enumerate(zip(found, expected, strict=True)):
            assert_same(one, other, tolerance, f"{where} {place}")
    elif isinstance(expected, float) and not math.isinf(expected):
        assert found == pytest.approx(expected, rel=tolerance, abs=tolerance), where
    else:
        assert found == expected, where


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    return json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def in_the_folder(tmp_path, monkeypatch, plain):
    """Compute with NumPy, where the files are: their paths are relative."""
    monkeypatch.setenv("RNNLM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("RNNLM_THREADS", raising=False)  # NumPy takes one
    monkeypatch.chdir(FOLDER)


def tolerance_of(name: str) -> float:
    return 1e-6 if name in FLOAT32 else 1e-9


@pytest.mark.parametrize("name", LANGUAGE_MODELS)
def test_a_language_model_gives_what_it_gave(name, expected):
    assert_same(language_model(name), expected["language models"][name], tolerance_of(name))


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_answers_as_it_did(name, expected):
    assert_same(classifier(name), expected["classifiers"][name], tolerance_of(name))


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_reads_as_it_did(name, expected):
    found = stream(name)
    assert found["arrays"] == expected["streams"][name]["arrays"]  # nothing is computed, so nothing is rounded
    assert_same(found, expected["streams"][name], tolerance_of(STREAMS[name]))


@pytest.mark.parametrize("name", CUT)
def test_a_run_that_was_cut_off_goes_on_and_ends_as_it_did(name, expected, tmp_path, monkeypatch):
    folder = tmp_path / "copy"
    shutil.copytree(FOLDER, folder)
    monkeypatch.chdir(folder)
    found = command(*CUT[name], "--resume")
    assert Path(f"{name}.rnnlm.checkpoint").exists()
    assert_same(found["epochs"], expected["resumed"][name]["epochs"], 1e-9)
    now, then = load_file(f"{name}.rnnlm"), load_file(f"{name}.resumed.rnnlm")
    weights = [array for array in then if then[array].dtype == np.float64]
    assert len(weights) >= 4
    for array in weights:
        np.testing.assert_allclose(now[array], then[array], rtol=1e-9, atol=1e-9, err_msg=array)


def test_every_file_is_opened(expected):
    assert expected["language models"].keys() == LANGUAGE_MODELS.keys()
    assert expected["classifiers"].keys() == CLASSIFIERS.keys()
    assert expected["resumed"].keys() == CUT.keys()
    opened = {*LANGUAGE_MODELS, *CLASSIFIERS, *STREAMS}
    opened |= {f"{name}.rnnlm.checkpoint" for name in CUT} | {f"{name}.resumed.rnnlm" for name in CUT}
    inputs = {*LANGUAGE_MODELS.values(), *CLASSIFIERS.values(), "text.txt", "valid.txt", "own.py"}
    there = {path.name for path in FOLDER.iterdir() if path.is_file()}
    assert there - {"README.md", "expected.json"} == opened | inputs
