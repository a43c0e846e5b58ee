"""Reading a table per word, as `write_tsv` makes it, back into a probability stream."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import DataError
from ..own_source import file_of
from ..text.encoding import Encoding, as_encoding
from ..text.lines import odd_characters
from ..text.vocabulary import Vocabulary
from .lines import bad_line, numbered_lines
from .lines import number as parse_number
from .stream import ABOVE_ZERO, CARRIED, CONTEXTS, LEFT_OUT, Stream, impossible
from .stream_tsv import UNITS
from .table_counts import possible_characters

_KEYS = ("model", "text", "sha256", "tokenizer", "tokens", "characters", "vocabulary", "unknown words", "unit")

_COUNT = re.compile(r"[0-9]{1,18}")
_RANK = re.compile(r"[0-9]{1,10}")
_UNKNOWN_RULE = re.compile(rf"<unk>|{LEFT_OUT}|divided over [1-9][0-9]* types")

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
    rows = _rows(path, lines, names, encoding, "quoting" in about, unit)
    _require_counts(path, about, encoding, rows)
    figures, top_ids = rows.figures, rows.top_ids
    stream = Stream(
        ids=rows.ids,
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
    if wrong := impossible(stream, ABOVE_ZERO):
        in_nats = " (in nats)" if "log P" in wrong.what or "entropy" in wrong.what else ""
        reason = f"{wrong.what}{in_nats} {wrong.reason}. Score the text again."
        raise bad_line(path, rows.first_line + wrong.place, reason)
    return stream


class _Rows(NamedTuple):
    """The lines of a table: one a token, from `first_line` on.

    `ids` (n,); `figures`, the columns of numbers by name, (n,) each, in the unit of the table; `top_ids` (n, k), the
    likeliest words; `unknown`, the unknown words as they are shown.
    """

    first_line: int
    ids: np.ndarray
    figures: dict[str, np.ndarray]
    top_ids: np.ndarray
    unknown: list[str]


def _head(path: str | Path, lines: Lines) -> tuple[dict[str, str], list[str]]:
    """Return the values of the lines `# key: value`, and the names of the columns."""
    about: dict[str, str] = {}
    number, line = next(lines)
    while line.startswith("# "):
        key, _, value = line.removeprefix("# ").partition(":")
        if key in about:
            raise bad_line(path, number, f"'# {key}:' comes twice. Score the text again.")
        about[key] = value.removeprefix(" ")
        number, line = next(lines, (number, ""))
    names = line.split("\t")
    missing = [f"# {key}:" for key in _KEYS if key not in about]
    missing += [name for name in ("word", "unknown", "logprob") if name not in names]
    if missing:
        raise bad_line(path, number, f"{missing[0]!r} is missing up to here. Score the text again.")
    for name in {name for name in names if names.count(name) > 1}:
        raise bad_line(path, number, f"the column {name!r} comes twice. Score the text again.")
    for key in ("tokens", "characters", "vocabulary size"):
        if not _COUNT.fullmatch(about.get(key, "0")):
            raise DataError(f"{path}: {key} is {about[key][:60]!r}, not a number. Score the text again.")
    if not _UNKNOWN_RULE.fullmatch(about["unknown words"]):
        raise DataError(
            f"{path}: unknown words are {about['unknown words'][:60]!r}, not <unk>, left out, or divided over N types. "
            "Score the text again."
        )
    if about["unit"] not in UNITS:
        raise DataError(f"{path}: unit is {about['unit']!r}, not one of {', '.join(UNITS)}. Score the text again.")
    return about, names


def _sentence_ends(path: str | Path, value: str) -> tuple[bool, str]:
    """Return whether sentence ends are scored, and the context; tables of earlier versions do not name the context."""
    counted, _, rest = value.partition("; ")
    context = rest.partition(":")[0] or CARRIED
    if context not in CONTEXTS or counted not in ("", "scored", "not scored"):
        raise DataError(
            f"{path}: sentence ends are {value[:60]!r}, which is not one of {', '.join(CONTEXTS)}, behind `scored;` or "
            "`not scored;`. Score the text again."
        )
    return counted != "not scored", context


def _rows(path: str | Path, lines: Lines, names: list[str], encoding: Encoding, is_quoted: bool, unit: float) -> _Rows:
    """Return what the lines of a table hold. Tables of earlier versions, which do not name their quoting, have none."""
    column = {name: i for i, name in enumerate(names)}
    word, unknown, logprob = column["word"], column["unknown"], column["logprob"]
    top_columns = [column[name] for name in _likeliest(names)]
    wanted = {"logprob", "entropy", "rank", *(f"{names[i]}_logprob" for i in top_columns)}
    figure_columns = {name: i for name, i in column.items() if name in wanted}
    rank, surprisal = column.get("rank"), column.get("surprisal")

    word_id, unknown_id, eos = encoding.cell_ids.__getitem__, encoding.vocabulary.unknown_id, encoding.vocabulary.eos
    ids: list[int] = []
    top_ids: list[list[int]] = []
    values: list[list[float]] = []
    unknown_words: list[str] = []
    place = {"sentence": 1, "position": 1}
    first_line = number = 0
    for number, line in lines:
        first_line = first_line or number
        try:
            cells = next(csv.reader([line], delimiter="\t")) if is_quoted and '"' in line else line.split("\t")
            if len(cells) != len(names):
                odd = odd_characters(line)
                what = f"there are {len(cells)} columns, and {len(names)} names of columns"
                raise ValueError(f"{what}; {odd}" if odd else what)
            for name, value in place.items():
                if name in column and cells[column[name]] != str(value):
                    raise ValueError(f"the {name} is {cells[column[name]][:60]!r}, and it must be {value} here")
            if cells[unknown] not in ("0", "1"):
                raise ValueError(f"unknown is {cells[unknown][:60]!r}, not 0 or 1")
            is_unknown = cells[unknown] == "1"
            ids.append(unknown_id if is_unknown else word_id(cells[word]))
            if ids[-1] == unknown_id:
                unknown_words.append(cells[word])
            top_ids.append([word_id(cells[i]) for i in top_columns])
            values.append([parse_number(cells[i]) for i in figure_columns.values()])
            logp = parse_number(cells[logprob])
            if logp * unit > ABOVE_ZERO:
                raise ValueError(f"the log-probability {cells[logprob]} is above 0")
            if surprisal is not None and logp != -parse_number(cells[surprisal]) and logp == logp:
                raise ValueError(f"the surprisal {cells[surprisal]} is not minus the log-probability {cells[logprob]}")
            if rank is not None and not _RANK.fullmatch(cells[rank]):
                raise ValueError(f"the rank is {cells[rank][:60]!r}, not a whole number")
        except KeyError as error:
            raise bad_line(path, number, f"the word {error} is not in the vocabulary. Score the text again.") from None
        except (ValueError, csv.Error) as error:
            raise bad_line(path, number, f"{error}. Score the text again.") from None
        is_end = ids[-1] == eos
        place = {"sentence": place["sentence"] + is_end, "position": 1 if is_end else place["position"] + 1}
    columns = np.array(values, dtype=np.float64).reshape(-1, len(figure_columns)).T
    return _Rows(
        first_line,
        np.array(ids, dtype=np.int32),
        dict(zip(figure_columns, columns, strict=True)),
        np.array(top_ids, dtype=np.int32).reshape(len(ids), len(top_columns)),
        unknown_words,
    )


def _likeliest(names: list[str]) -> list[str]:
    """Return the names of the columns of the likeliest words: top1, top2, … as far as each has its log-probability."""
    k = 1
    while f"top{k}" in names and f"top{k}_logprob" in names:
        k += 1
    return [f"top{place}" for place in range(1, k)]


def _require_counts(path: str | Path, about: dict[str, str], encoding: Encoding, rows: _Rows) -> None:
    """Raise DataError where the counts in the head of a table are not those of its lines, as far as these can say."""
    n, words, characters = len(rows.ids), len(encoding.vocabulary), int(about["characters"])
    if n != int(about["tokens"]):
        raise DataError(f"{path} has {n:,} words where it says {about['tokens']}. Score the text again.")
    if int(about.get("vocabulary size", words)) != words:
        raise DataError(f"{path} names a vocabulary of {about['vocabulary size']} words, and this one has {words:,}.")
    least, most = possible_characters(encoding, rows.ids, rows.unknown)
    if characters < least or (most is not None and characters > most):
        right = f"{least:,}" if least == most else f"at least {least:,}"
        raise DataError(
            f"{path} has {about['characters']} characters where it says how many, and by its words it has {right}. "
            "Score the text again."
        )
