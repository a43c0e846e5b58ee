"""What a file is that stands where a model, a text or scores should: other programs' files, known by their first bytes.

A new kind is a line in `_SIGNATURES`.
"""

from __future__ import annotations

import bz2
import lzma
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

SIZE = 1 << 12  # bytes that are enough

_ARPA_TOO = "rnnlm reads its ARPA file: give the one that the binary file was made from."
_SCORES = "Let that program write the probabilities of the text, and give them beside a model of rnnlm."


class FileType(NamedTuple):
    """What a file is, with its article, for messages; what to do where it was given as a model.

    `text` says whether a person could read it, so that it might be wanted as a text, and `model` whether `rnnlm` reads
    it as a model.
    """

    what: str
    advice: str = ""
    text: bool = False
    model: bool = False


_SIGNATURES = [  # what the first bytes match -> what the file is
    (rb"mmap lm http://kheafield.com/code", FileType("a binary model of KenLM", _ARPA_TOO)),
    (rb"[Qq]?blmt \d", FileType("a binary model of IRSTLM", _ARPA_TOO)),
    (rb"[iq]ARPA\r?\n", FileType("a model of IRSTLM, not in the ARPA format", "Convert it: compile-lm --text=yes.")),
    (rb"SRILM_BINARY_", FileType("a binary model of SRILM", _ARPA_TOO)),
    (rb"\xd6\xfd\xb2\x7e", FileType("a transducer of OpenFst", _ARPA_TOO)),
    (rb"version: \d+\r?\nfile format: ", FileType("a model of Mikolov's rnnlm program", _SCORES)),
    (rb"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19\.", FileType("a file of PyTorch, of before version 1.6")),
    (rb"\x93NUMPY", FileType("a NumPy array (.npy)")),
    (rb"\x89HDF\r\n\x1a\n", FileType("an HDF5 file, as Keras writes models")),
    (rb"GGUF.\0\0\0", FileType("a GGUF model, as llama.cpp reads")),
    (rb"%PDF-\d", FileType("a PDF document")),
    (rb"\{\\rtf\d", FileType("an RTF document")),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileType("an old Office document")),
    (rb"\x89PNG\r\n\x1a\n", FileType("a PNG picture")),
    (rb"\xff\xd8\xff", FileType("a JPEG picture")),
    (rb"GIF8[79]a", FileType("a GIF picture")),
    (rb"II\*\0|MM\0\*", FileType("a TIFF picture")),
    (rb"RIFF....(WAVE|WEBP|AVI )", FileType("a sound, picture or film in a RIFF file")),
    (rb"fLaC\0|ID3[\2-\4]\0|OggS\0", FileType("a sound file")),
    (rb"SQLite format 3\0", FileType("an SQLite database")),
    (rb"PAR1\x15", FileType("a Parquet table")),
    (rb"ARROW1\0", FileType("an Arrow table")),
    (rb"\x7fELF|MZ\x90\0|\xca\xfe\xba\xbe|\xcf\xfa\xed\xfe", FileType("a program")),
    (rb".{257}ustar[\0 ]", FileType("a tar archive", "Unpack it: tar -xf.")),
    (rb"7z\xbc\xaf\x27\x1c", FileType("a 7z archive")),
    (rb"Rar!\x1a\x07", FileType("a RAR archive")),
    (rb"\x28\xb5\x2f\xfd", FileType("a file compressed by zstd", "Unpack it first: zstd -d.")),
    (rb"\x04\x22\x4d\x18", FileType("a file compressed by lz4", "Unpack it first: lz4 -d.")),
    (rb"\x1f\x9d", FileType("a file compressed by compress (.Z)", "Unpack it first: uncompress.")),
    (
        rb"version https://git-lfs\.github\.com/spec/",
        FileType("a pointer of Git LFS to a file that was not fetched", "Fetch the file itself: git lfs pull."),
    ),
    (rb"# rnnlm score: per ", FileType("a table of `rnnlm score`", "Give the model that wrote it.")),
    (
        rb"(.*[\r\n])?(\xef\xbb\xbf)?[ \t]*\\data\\[ \t]*[\r\n]",
        FileType("an n-gram model in the ARPA format", model=True),
    ),
]
_ZIP = {  # what the first entries of a ZIP archive are called -> what the archive is
    b"data.pkl": FileType("a file of PyTorch"),
    b"constants.pkl": FileType("a file of PyTorch (TorchScript)"),
    b".npy": FileType("a file of NumPy arrays (.npz)"),
    b"[Content_Types].xml": FileType("an Office document"),
    b"mimetypeapplication/vnd.oasis": FileType("an OpenDocument file"),
    b"mimetypeapplication/epub": FileType("an e-book (EPUB)"),
}
_UTF = {
    b"\xff\xfe\0\0": "utf-32-le",
    b"\0\0\xfe\xff": "utf-32-be",
    b"\xff\xfe": "utf-16-le",
    b"\xfe\xff": "utf-16-be",
}
_PACKERS: dict[str, tuple[bytes, Callable[[bytes], bytes]]] = {
    "gzip": (b"\x1f\x8b", lambda start: zlib.decompressobj(31).decompress(start, SIZE)),
    "bzip2": (b"BZh", lambda start: bz2.BZ2Decompressor().decompress(start, SIZE)),
    "xz": (b"\xfd7zXZ\0", lambda start: lzma.LZMADecompressor().decompress(start, SIZE)),
}
_OURS = re.compile(rb'"rnnlm":"{\\"kind\\": ?\\"(\w+)')
_DATA = re.compile(r"^\ufeff?[ \t]*\\data\\[ \t\r]*$", re.MULTILINE)


def recognise(start: bytes) -> FileType | None:
    """Return what the file is that begins with these bytes (`SIZE` are enough); None for a kind that is not known."""
    if not start:
        return FileType("empty: it was truncated, or never written")
    for pattern, kind in _SIGNATURES:
        if re.match(pattern, start, re.DOTALL):
            return kind
    if start.startswith(b"PK\x03\x04"):
        return next((kind for name, kind in _ZIP.items() if name in start), FileType("a ZIP archive"))
    return _packed(start) or _safetensors(start) or _binary(start) or _text(start)


def file_type(path: str | Path) -> FileType | None:
    """Return what the file at a path is, None for a kind that is not known and where there is no such file."""
    try:
        with open(path, "rb") as file:
            return recognise(file.read(SIZE))
    except OSError:
        return None


def not_a(wanted: str, name: str, start: bytes) -> str | None:
    """Return the message that a file beginning with `start` is no `wanted`, such as "model of rnnlm", but what it is.

    None where that is not known, and for whatever a person can read, if a text is wanted.
    """
    kind = recognise(start)
    if kind is None or (wanted == "text" and (kind.text or not start)):
        return None
    if wanted == "text":
        advice = "Give UTF-8 text; the tokenizer `bytes` reads all."
    else:
        advice = kind.advice or f"Give the path of a {wanted}."
    return f"{name} is not a {wanted}: it is {kind.what}. {advice}"


def _packed(start: bytes) -> FileType | None:
    for packer, (magic, unpack) in _PACKERS.items():
        if start.startswith(magic):
            try:
                inner = recognise(unpack(start))
            except (OSError, EOFError, zlib.error, lzma.LZMAError):
                inner = None
            what = inner.what if inner else "a file"
            is_model = inner is not None and inner.model
            is_arpa = is_model and "ARPA" in what  # which is read as it is
            return FileType(f"{what}, compressed by {packer}", "Unpack it first." if is_model else "", model=is_arpa)
    return None


def _safetensors(start: bytes) -> FileType | None:
    """Safetensors: the length of the header in eight bytes, then the header, a JSON object."""
    if start[8:9] != b"{" or start[5:8] != bytes(3):
        return None
    ours = _OURS.search(start)
    if ours is None:
        return FileType("a safetensors file of another program")
    kind = ours[1].decode()
    return FileType("a file of scores of rnnlm" if kind == "stream" else f"a {kind} of rnnlm", model=kind == "model")


def _binary(start: bytes) -> FileType | None:
    if start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return FileType("a pickle of Python", "rnnlm reads no pickles, since reading one runs what is in it.")
    number = int.from_bytes(start[:8], "little")  # its version times 10,000, and the size of the layer
    if len(start) >= 16 and 10_000 < number < 100_000:
        return FileType("a network of faster-rnnlm, as it seems", _SCORES)
    return None


def _text(start: bytes) -> FileType | None:
    for mark, codec in _UTF.items():
        if start.startswith(mark):
            name = codec[:6].upper()
            what = "an ARPA file" if _DATA.search(start.decode(codec, "replace")) else "a text"
            return FileType(f"{what} in {name}", f"Convert it to UTF-8: iconv -f {name} -t UTF-8.", text=True)
    if b"\0" in start:
        return None
    head = start.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return FileType("an HTML page", "Was it saved instead of the file itself?", text=True)
    if head.startswith(b"<?xml"):
        return FileType("an XML file", text=True)
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(start) - 3:  # no character that the end of `start` cut
            return None
    return FileType("a plain text", text=True)
