"""No file that is read is written to, whatever way leads there."""

from __future__ import annotations

import os
import sys

import pytest

from rnnlm import catalogue, datasets
from rnnlm.declared_files import NamedFile, require_apart
from rnnlm.errors import UsageError


@pytest.fixture
def ways(tmp_path, monkeypatch):
    """The file t, and several ways that lead to it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "t").write_text("a b\n")
    (tmp_path / "soft").symlink_to("t")
    os.link("t", "hard")
    (tmp_path / "elsewhere").symlink_to("folder")
    return ["t", "./t", "folder/../t", str(tmp_path / "t"), "soft", "hard"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX links")
def test_every_way_to_a_file_that_is_read(ways):
    for way in ways:
        with pytest.raises(UsageError) as caught:
            require_apart([NamedFile("the text", "t")], [NamedFile("the output", way)])
        other = "" if way == "t" else " t"
        expected = f"the output {way} is the text{other} itself, which it would replace. Give another `output`."
        assert str(caught.value) == expected
    others = [NamedFile("the output", path) for path in ("new", "folder/t", None)]
    require_apart([NamedFile("the text", "t"), NamedFile("the test text", None), NamedFile("the model", "no")], others)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX links")
def test_two_outputs_that_are_one(ways):
    for one, two in [("new", "./new"), ("folder/new", "elsewhere/new"), ("soft", "t"), ("hard", "t")]:
        with pytest.raises(UsageError, match=f"^{two} would be written twice, as the log and as the model"):
            require_apart([], [NamedFile("the log", one), NamedFile("the model", two)])


def test_standard_input_that_is_a_file(ways, monkeypatch):
    before = os.dup(0)
    try:
        with open("t") as file:
            os.dup2(file.fileno(), 0)
        with pytest.raises(UsageError, match="the output soft is the text - itself"):
            require_apart([NamedFile("the text", "-")], [NamedFile("the output", "soft")])
        require_apart([NamedFile("the text", "-")], [NamedFile("the output", "-")])  # a file of that name
    finally:
        os.dup2(before, 0)
        os.close(before)


def test_the_files_of_a_source(tmp_path, own_cache):
    """Of a named corpus those that the cache has, of a folder its images."""
    assert catalogue.files_of("reber") == []
    files = catalogue.get("reber")
    for source in ("reber", "reber:test"):
        assert {files.train, files.valid, files.test} <= set(catalogue.files_of(source))
    assert [str(path) for source in ("-", "no.txt") for path in catalogue.files_of(source)] == ["-", "no.txt"]
    (tmp_path / "images/cat").mkdir(parents=True)
    for name in ("cat/1.png", "cat/2.JPG", "cat/notes.txt", "3.gif"):
        (tmp_path / "images" / name).write_bytes(b"")
    names = {path.name for path in datasets.files_of(tmp_path / "images")}
    assert names == {"1.png", "2.JPG", "3.gif"}
