"""What other programs' files are called where a model, a text or scores should stand."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import sqlite3
import tarfile
import zipfile

import numpy as np
import pytest

import rnnlm
from rnnlm import recognise
from rnnlm.errors import DataError
from rnnlm.evaluation import external, read_stream
from rnnlm.ngram.arpa_lines import is_arpa
from rnnlm.text import Corpus

ARPA = "\\data\\\nngram 1=3\n\n\\1-grams:\n-99 <s>\n-0.5 </s>\n-0.5 a\n\n\\end\\\n"
TEXT = "the cat runs\nthe dog sees the cat\n" * 20


def zipped(**contents: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"))
    return file.getvalue()


def saved(save, *arrays) -> bytes:
    file = io.BytesIO()
    save(file, *arrays)
    return file.getvalue()


def safetensors() -> bytes:
    from safetensors.numpy import save

    return save({"x": np.zeros(3, np.float32)}, {"format": "pt"})


def database(tmp_path) -> bytes:
    connection = sqlite3.connect(tmp_path / "x.db")
    connection.execute("create table t (x)")
    connection.commit()
    connection.close()
    return (tmp_path / "x.db").read_bytes()


BINARY = {  # content -> what it is called
    b"mmap lm http://kheafield.com/code format version 5\n\0" + bytes(100): "a binary model of KenLM",
    b"blmt 3 10 20 30\nNgrams 10\n\xff": "a binary model of IRSTLM",
    b"iARPA\n\\data\\\nngram 1=3\n": "a model of IRSTLM",
    b"version: 10\nfile format: 0\n\ntraining data file: train\n": "a model of Mikolov's rnnlm program",
    b"version: 10\nfile format: 1\n\n\xff\x01\0": "a model of Mikolov's rnnlm program",
    (60_100).to_bytes(8, "little") + bytes(40): "a network of faster-rnnlm",
    zipped(**{"archive/data.pkl": b"\x80\x02}", "archive/version": b"3"}): "a file of PyTorch",
    pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2): "a file of PyTorch, of before version 1.6",
    pickle.dumps({"words": ["a"]}): "a pickle of Python",
    saved(np.save, np.zeros((2, 3))): "a NumPy array",
    saved(np.savez, np.zeros((2, 3))): "a file of NumPy arrays",
    zipped(**{"[Content_Types].xml": b"<Types/>", "word/document.xml": b""}): "an Office document",
    zipped(**{"a.txt": b"text"}): "a ZIP archive",
    tarred(): "a tar archive",
    gzip.compress(tarred()): "a tar archive, compressed by gzip",
    b"%PDF-1.7\n%\xe2\xe3": "a PDF document",
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR": "a PNG picture",
    b"\xff\xd8\xff\xe0\0\x10JFIF": "a JPEG picture",
    b"GGUF\3\0\0\0" + bytes(20): "a GGUF model",
    b"\x28\xb5\x2f\xfd\0\1": "a file compressed by zstd",
    safetensors(): "a safetensors file of another program",
}
READABLE = {
    TEXT.encode(): "a plain text",
    gzip.compress(TEXT.encode()): "a plain text, compressed by gzip",
    bz2.compress(TEXT.encode()): "a plain text, compressed by bzip2",
    lzma.compress(TEXT.encode()): "a plain text, compressed by xz",
    b"\n<!DOCTYPE html>\n<html><body>Not found</body></html>": "an HTML page",
    ARPA.encode("utf-16"): "an ARPA file in UTF-16",
    TEXT.encode("utf-16"): "a text in UTF-16",
    ("\ufeff" + TEXT).encode("utf-32-be"): "a text in UTF-32",
}


@pytest.fixture
def file(tmp_path):
    def file(content: bytes):
        path = tmp_path / "file"
        path.write_bytes(content)
        return path

    return file


@pytest.mark.parametrize(("content", "what"), (BINARY | READABLE).items(), ids=(BINARY | READABLE).values())
def test_a_file_that_is_no_model_is_named(file, content, what):
    with pytest.raises(DataError, match=r"file is .*not a model of rnnlm|file is a safetensors") as error:
        rnnlm.load(file(content))
    assert what in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("content", "what"), BINARY.items(), ids=BINARY.values())
def test_a_file_that_is_no_text_is_named(file, content, what):
    with pytest.raises(DataError, match="is not a text: it is ") as error:
        Corpus.encode(file(content))
    assert what.split(", compressed")[0] in str(error.value)  # texts are unpacked
    assert len(Corpus.encode(file(content), tokenizer="bytes")) >= 1


@pytest.mark.parametrize(("content", "what"), BINARY.items(), ids=BINARY.values())
def test_a_file_that_has_no_scores_is_named(file, content, what):
    corpus = Corpus.from_text(TEXT)
    for read in (lambda path: read_stream(path, corpus.vocabulary), lambda path: external(path, corpus)):
        with pytest.raises(DataError) as error:
            read(file(content))
        assert "is a safetensors file" in str(error.value) or what.split(", compressed")[0] in str(error.value)


def test_our_own_files_are_named(file, tmp_path):
    model = rnnlm.NgramLM.train(Corpus.from_text(TEXT), order=2, smoothing="witten-bell")
    model.save(tmp_path / "m.rnnlm")
    model.write_arpa(tmp_path / "m.arpa.gz")
    for path, what in ((tmp_path / "m.rnnlm", "a model of rnnlm"), (tmp_path / "m.arpa.gz", "an n-gram model in the")):
        with pytest.raises(DataError, match=f"is not a text: it is {what}"):
            Corpus.encode(path)
        assert recognise.file_type(path).model
    with pytest.raises(DataError, match=r"a model of rnnlm, compressed by gzip\. Unpack it first"):
        rnnlm.load(file(gzip.compress((tmp_path / "m.rnnlm").read_bytes())))
    with pytest.raises(DataError, match="is not a model of rnnlm: it is empty"):
        rnnlm.load(file(b""))


def test_a_database_is_named(file, tmp_path):
    content = database(tmp_path)
    with pytest.raises(DataError, match="an SQLite database"):
        rnnlm.load(file(content))


@pytest.mark.parametrize(
    "text",
    [
        "version: the story of a word\n",
        "GIF89 is a picture format\n",
        "RIFF and fLaC\n",
        "PK\x03 is the head of an archive\n",
        "PAR1 ARROW1 GGUF blmt %PDF ID3 MZ II*\n",
        "<html> is a mark\n",
        '{"a": "json"}\n',
        "12345678{ is no header\n",
        "we wrote \\data\\ here\n",
        "\x02\x80 \x1f\n",
    ],
)
def test_ordinary_texts_are_texts(file, text):
    assert len(Corpus.encode(file(text.encode()))) > 1
    assert not is_arpa(file(text.encode()))


@pytest.mark.parametrize("size", [1, 7, 8, 9, 16, 100])
def test_any_bytes_can_be_asked_about(size):
    rng = np.random.default_rng(size)
    for first in range(256):
        content = bytes([first]) + rng.bytes(size - 1)
        assert recognise.not_a("model", "m", content) is None or "m is not a model: it is a" in recognise.not_a(
            "model", "m", content
        )
    for content in BINARY | READABLE:  # cut anywhere
        recognise.recognise(content[:size])
