"""Reading a table per word, as `write_tsv` makes it, back into a probability stream."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..own_source import file_of
from ..text.encoding import Encoding, as_encoding
from ..text.vocabulary import Vocabulary
from .lines import bad_line, numbered_lines
from .lines import number as parse_number
from .stream import ABOVE_ZERO, CARRIED, CONTEXTS, Stream
from .stream_tsv import UNITS

_KEYS = ("model", "text", "sha256", "tokenizer", "tokens", "characters", "vocabulary", "unknown words", "unit")

Lines = Iterator[tuple[int, str]]


def read_tsv(path: str | Path, encoding: Encoding | Vocabulary) -> Stream:
    """Return the stream in a table per word, with the digits that are written.

    `encoding` is that of the model that scored the text. Raises DataError that names the file, the line and the reason.
    """
    encoding = as_encoding(encoding)
    vocabulary = encoding.vocabulary
    lines = numbered_lines(path)
    about, names = _head(path, lines)
    if about["vocabulary"] != vocabulary.hash:
        raise DataError(
            f"{path} was scored with a vocabulary of hash {about['vocabulary'][:12]}, and this one has "
            f"{vocabulary.hash[:12]} ({len(vocabulary):,} {encoding.unit}s). Probabilities compare only "
            "over the same vocabulary."
        )
    if about["tokenizer"] != encoding.tokenizer and "encoding" not in about and file_of(about["tokenizer"]) is None:
        encoding = Encoding(about["tokenizer"], vocabulary)
    if about.get("encoding", encoding.hash if file_of(about["tokenizer"]) is None else "") != encoding.hash:
        raise DataError(
            f"{path} was scored with the tokenizer {about['tokenizer']} in an encoding of hash "
            f"{about.get('encoding', '')[:12]}, and this one has {encoding.hash[:12]} ({encoding}). Give the encoding "
            "of the model that scored it."
        )
    unit = UNITS[about["unit"]]
    ends, context = _sentence_ends(path, about.get("sentence ends", ""))
    ids, figures, top_ids = _rows(path, lines, names, encoding, "quoting" in about)
    if len(ids) != int(about["tokens"]):
        raise DataError(f"{path} has {len(ids):,} tokens where it says {about['tokens']}. Score the text again.")
    return Stream(
        ids=ids,
        logp=figures["logprob"] * unit,
        model=about["model"],
        text=about["text"],
        sha256=about["sha256"],
        encoding=encoding,
        unknown=about["unknown words"],
        characters=int(about["characters"]),
        ends=ends,
        context=context,
        entropy=figures["entropy"] * unit if "entropy" in figures else None,
        rank=figures["rank"].astype(np.int32) if "rank" in figures else None,
        top_ids=top_ids if top_ids.size else None,
        top_logp=np.stack([figures[f"top{k}_logprob"] for k in range(1, top_ids.shape[1] + 1)], axis=1) * unit
        if top_ids.size
        else None,
    )


def _head(path: str | Path, lines: Lines) -> tuple[dict[str, str], list[str]]:
    """Return the values of the lines `# key: value`, and the names of the columns."""
    about: dict[str, str] = {}
    number, line = next(lines)
    while line.startswith("# "):
        key, _, value = line.removeprefix("# ").partition(":")
        about[key] = value.removeprefix(" ")
        number, line = next(lines, (number, ""))
    names = line.split("\t")
    missing = [f"# {key}:" for key in _KEYS if key not in about]
    missing += [name for name in ("word", "unknown", "logprob") if name not in names]
    if missing:
        raise bad_line(path, number, f"{missing[0]!r} is missing up to here. Score the text again.")
    for key in ("tokens", "characters"):
        if not about[key].isdecimal():
            raise DataError(f"{path}: {key} is {about[key]!r}, not a number. Score the text again.")
    if about["unit"] not in UNITS:
        raise DataError(f"{path}: unit is {about['unit']!r}, not one of {', '.join(UNITS)}. Score the text again.")
    return about, names


def _sentence_ends(path: str | Path, value: str) -> tuple[bool, str]:
    """Return whether sentence ends are scored, and the context; tables of earlier versions do not name the context."""
    counted, _, rest = value.partition("; ")
    context = rest.partition(":")[0] or CARRIED
    if context not in CONTEXTS:
        raise DataError(f"{path}: sentence ends are {value!r}, not one of {', '.join(CONTEXTS)}. Score the text again.")
    return counted != "not scored", context


def _rows(
    path: str | Path, lines: Lines, names: list[str], encoding: Encoding, is_quoted: bool
) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Return the ids (n,), the columns of figures, and the ids of the likeliest words (n, k).

    Tables of earlier versions, which do not name their quoting, have none.
    """
    column = {name: i for i, name in enumerate(names)}
    word, unknown = column["word"], column["unknown"]
    top_columns = [i for name, i in column.items() if f"{name}_logprob" in column]
    figure_columns = {name: i for name, i in column.items() if name in ("entropy", "rank") or name.endswith("logprob")}

    word_id, unknown_id = encoding.cell_ids.__getitem__, encoding.vocabulary.unknown_id

    ids: list[int] = []
    top_ids: list[list[int]] = []
    values: list[list[float]] = []
    for number, line in lines:
        try:
            cells = next(csv.reader([line], delimiter="\t")) if is_quoted and '"' in line else line.split("\t")
            if len(cells) != len(names):
                raise ValueError(f"there are {len(cells)} columns, and {len(names)} names of columns")
            ids.append(unknown_id if cells[unknown] == "1" else word_id(cells[word]))
            top_ids.append([word_id(cells[i]) for i in top_columns])
            values.append([parse_number(cells[i]) for i in figure_columns.values()])
            if parse_number(cells[column["logprob"]]) > ABOVE_ZERO:
                raise ValueError(f"the log-probability {cells[column['logprob']]} is above 0")
        except KeyError as error:
            raise bad_line(path, number, f"the word {error} is not in the vocabulary. Score the text again.") from None
        except (ValueError, csv.Error) as error:
            raise bad_line(path, number, f"{error}. Score the text again.") from None
    columns = np.array(values, dtype=np.float64).reshape(-1, len(figure_columns)).T
    return (
        np.array(ids, dtype=np.int32),
        dict(zip(figure_columns, columns, strict=True)),
        np.array(top_ids, dtype=np.int32).reshape(len(ids), len(top_columns)),
    )
