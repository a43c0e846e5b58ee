"""Probability streams in files: writing and reading the binary file, which is exact to the bit, and reading tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .. import recognise, storage
from ..errors import DataError, UsageError, enough_memory
from ..own_source import Trust
from ..stored import Stored, reading
from ..text.encoding import Encoding
from ..text.files import Head
from ..text.vocabulary import Vocabulary
from .lines import bad_line, numbered_lines
from .read_tsv import read_tsv
from .stream import CARRIED, CONTEXTS, Stream, require_possible
from .stream_tsv import MAGIC

_ADVICE = "Score the text in parts, or take a machine with more memory."
_ABOUT = ("model", "text", "sha256", "unknown", "characters", "ends")
_ARRAYS = ("ids", "logp", "entropy", "rank", "top_ids", "top_logp")


def write_binary(stream: Stream, path: str | Path) -> None:
    """Write a stream to a binary file, exact to the bit, whole or not at all.

    Raises DataError where that fails, or the stream holds numbers that none can hold.
    """
    require_possible(stream)
    arrays = {name: array for name in _ARRAYS if (array := getattr(stream, name)) is not None}
    about, words = stream.encoding.to_arrays()
    storage.write(
        path, "stream", {name: getattr(stream, name) for name in (*_ABOUT, "context")} | about, arrays | words
    )


def read_stream(path: str | Path, vocabulary: Encoding | Vocabulary | None = None, *, trust: Trust = False) -> Stream:
    """Return the stream in a file of `write_binary`, or in a table per word of `write_tsv`.

    A table holds only the hash of its vocabulary, so reading one needs the `vocabulary`, or the whole encoding where
    its tokenizer has learned data or is a user's own; the numbers have the digits that are written.
    Nothing that the file names is run; `trust` lets the tokenizer of its encoding run when that is used, as in `load`.
    Raises DataError for a file that is something else, damaged or cut short, or a table of another vocabulary;
    UsageError for a table without `vocabulary`.
    """
    if _is_safetensors(path):
        with enough_memory(f"the scores in {path}", _ADVICE):
            return _read_binary(path, trust)
    if reason := _other_file(path):
        raise DataError(reason)
    number, first = next(numbered_lines(path), (1, ""))
    if not first.startswith(MAGIC):
        raise bad_line(
            path, number, f"a file of scores starts with {MAGIC.strip()!r}. Give one that `rnnlm score` wrote."
        )
    if first != f"{MAGIC}word":
        raise bad_line(path, number, "only scores per word can be read back. Score the text again with per=word.")
    if vocabulary is None:
        raise UsageError(f"{path} is a table, which does not hold its vocabulary. Give vocabulary=, or a binary file.")
    with enough_memory(f"the scores in {path}", _ADVICE):
        return read_tsv(path, vocabulary)


def _other_file(path: str | Path) -> str | None:
    """Return the message that a file is no table but another program's; None for any file with lines of text."""
    if not Path(path).is_file():
        return None
    start = Head.of(path).start[: recognise.SIZE]
    if start.startswith(MAGIC.encode()) or not recognise.not_a("text", str(path), start):
        return None
    return recognise.not_a("file of scores of rnnlm", str(path), start)


def _is_safetensors(path: str | Path) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(9)[8:] == b"{"  # the first byte behind the length of the header
    except OSError:
        return False  # reading the file raises the error


def _read_binary(path: str | Path, trust: Trust) -> Stream:
    stored = Stored(*storage.read(path, "stream"), Path(path).parent, trust)
    with reading(path, "stream"):
        stream = Stream(
            encoding=Encoding.unpack(stored),
            characters=stored.integer("characters", 0),
            ends=stored.flag("ends"),
            model=stored.text("model"),
            text=stored.text("text"),
            sha256=stored.text("sha256"),
            unknown=stored.text("unknown"),
            context=stored.text("context", CARRIED, choices=tuple(CONTEXTS)),  # earlier versions do not name it
            **_arrays(stored),
        )
        require_possible(stream)
        stored.refuse_others()
    return stream


def _arrays(stored: Stored) -> dict[str, Any]:
    """The arrays of a stream by name, of the right types and shapes."""
    n = len(stored.array("ids", [np.int32], [None]))
    k = stored.array("top_ids", [np.int32], [n, None]).shape[1] if stored.has_array("top_ids") else None
    figure = [np.float32, np.float64]
    described: dict[str, Any] = {
        "ids": ([np.int32], [n]),
        "logp": (figure, [n]),
        "entropy": (figure, [n]),
        "rank": ([np.int32], [n]),
        "top_ids": ([np.int32], [n, k]),
        "top_logp": (figure, [n, k]),
    }
    needed = {"ids", "logp"} | ({"top_ids", "top_logp"} if k is not None else set())
    return {
        name: stored.array(name, *types_and_shape)
        for name, types_and_shape in described.items()
        if name in needed or stored.has_array(name)
    }
