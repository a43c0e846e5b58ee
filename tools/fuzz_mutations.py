"""The alterations of tools/fuzz.py that know nothing of a file's structure: of its bytes, and of its lines and cells.

Every function takes the content of a file and a random generator, and returns the content of an altered one; the same
generator gives the same bytes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

Random = np.random.Generator
Mutation = Callable[[bytes, Random], bytes]


def pick(rng: Random, choices: Any) -> Any:
    """One of the choices, by the generator."""
    choices = list(choices)
    return choices[int(rng.integers(len(choices)))]


# ---------------------------------------------------------------------------------------------------- raw bytes

LARGEST = 1 << 20  # bytes of an altered file: a longer one may take more time than a case has


def raw(content: bytes, rng: Random, others: list[bytes]) -> bytes:
    """One to four alterations of the bytes; `others` are files from which blocks may come."""
    data = bytearray(content)
    for _ in range(int(rng.choice([1, 1, 1, 2, 4]))):
        data = pick(rng, RAW)(data, rng, others)[:LARGEST]
    return bytes(data)


def _block(size: int, rng: Random) -> tuple[int, int]:
    """Begin and end of a block within `size` bytes; short blocks are as frequent as long ones."""
    begin = int(rng.integers(size + 1))
    length = int(2 ** rng.uniform(0, math.log2(size + 2)))
    return begin, min(size, begin + length)


def _flip_bits(data: bytearray, rng: Random, others: list[bytes]) -> bytearray:
    for _ in range(int(rng.choice([1, 1, 2, 8, 64]))):
        if data:
            data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
    return data


def _replace_bytes(data: bytearray, rng: Random, others: list[bytes]) -> bytearray:
    begin, end = _block(len(data), rng)
    data[begin:end] = rng.bytes(end - begin)
    return data


def _fill(data: bytearray, rng: Random, others: list[bytes]) -> bytearray:
    begin, end = _block(len(data), rng)
    data[begin:end] = bytes([pick(rng, [0, 9, 10, 13, 32, 0x7F, 0x80, 0xFF])]) * (end - begin)
    return data


def _cut(data: bytearray, rng: Random, others: list[bytes]) -> bytearray:
    return data[: int(rng.integers(len(data) + 1))]


def _behead(data: bytearray, rng: Random, others: list[bytes]) -> bytearray:
    return data[int(rng.integers(len(data) + 1)) :]


def _remove_block(data: bytearray, rng: Random, others: list[bytes]) -> bytearray:
    begin, end = _block(len(data), rng)
    return data[:begin] + data[end:]


def _lengthen(data: bytearray, rng: Random, others: list[bytes]) -> bytearray:
    return data + rng.bytes(int(2 ** rng.uniform(0, 12)))


def _duplicate(data: bytearray, rng: Random, others: list[bytes]) -> bytearray:
    begin, end = _block(len(data), rng)
    return data[:end] + data[begin:end] + data[end:]


def _swap(data: bytearray, rng: Random, others: list[bytes]) -> bytearray:
    (a, b), (c, d) = sorted([_block(len(data), rng), _block(len(data), rng)])
    b, c = min(b, c), max(b, c)
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[max(c, d) :]


def _splice(data: bytearray, rng: Random, others: list[bytes]) -> bytearray:
    other = pick(rng, others)
    (begin, end), place = _block(len(other), rng), int(rng.integers(len(data) + 1))
    keep = place if rng.random() < 0.5 else min(len(data), place + end - begin)
    return data[:place] + other[begin:end] + data[keep:]


RAW = (
    *(_flip_bits, _flip_bits, _replace_bytes, _fill, _cut, _behead),
    *(_remove_block, _lengthen, _duplicate, _swap, _splice),
)

# ------------------------------------------------------------------------------------------------------- lines

CELLS = [
    *(
        "",
        "nan",
        "inf",
        "-inf",
        "1e400",
        "-1e400",
        "1_0",
        "\u0661",
        "0x10",
        "-0",
        "+1",
        "1.",
        ".5",
        "1,5",
        "-1",
        "0",
        "1",
    ),
    *(
        "99999999999999999999",
        "9" * 5000,
        "</s>",
        "<s>",
        "<unk>",
        "<UNK>",
        "\\end\\",
        "\\data\\",
        "-99",
        "1e-320",
        "#",
        '"',
    ),
    *("a b", "\u00a0", "\u3000", "\u2028", "\x0b", "\x0c", "\x85", "\0", "\u200b", "\ufeff", "e\u0301", "x" * 100_000),
]


def lines(content: bytes, rng: Random) -> bytes:
    """One to three alterations of a text's lines, cells and line ends."""
    for _ in range(int(rng.choice([1, 1, 2, 3]))):
        content = pick(rng, LINES)(content, rng)
    return content


def _other_cell(content: bytes, rng: Random) -> bytes:
    """A word, number or quoted piece somewhere is replaced."""
    cells = list(re.finditer(rb"[^\s,=\"\[\]]+", content))
    if not cells:
        return content
    cell = pick(rng, cells)
    return content[: cell.start()] + pick(rng, CELLS).encode("utf-8", "surrogatepass") + content[cell.end() :]


def _of_lines(alter: Callable[[list[bytes], Random], list[bytes]]) -> Mutation:
    return lambda content, rng: b"\n".join(alter(content.split(b"\n"), rng))


def _drop_line(rows: list[bytes], rng: Random) -> list[bytes]:
    place = int(rng.integers(len(rows)))
    return rows[:place] + rows[place + 1 :]


def _double_line(rows: list[bytes], rng: Random) -> list[bytes]:
    place, target = (int(rng.integers(len(rows))) for _ in range(2))
    return [*rows[:target], rows[place], *rows[target:]]


def _swap_lines(rows: list[bytes], rng: Random) -> list[bytes]:
    a, b = (int(rng.integers(len(rows))) for _ in range(2))
    rows[a], rows[b] = rows[b], rows[a]
    return rows


def _blank_line(rows: list[bytes], rng: Random) -> list[bytes]:
    rows.insert(int(rng.integers(len(rows) + 1)), pick(rng, [b"", b" ", b"\t", b"\r", b"#", b"\xef\xbb\xbf", b"\x00"]))
    return rows


def _drop_cell(rows: list[bytes], rng: Random) -> list[bytes]:
    place = int(rng.integers(len(rows)))
    separator = pick(rng, [b"\t", b" ", b",", b"="])
    cells = rows[place].split(separator)
    cells = pick(rng, [cells[1:], cells[:-1], [*cells, b"1"], cells[::-1]])
    return [*rows[:place], separator.join(cells), *rows[place + 1 :]]


def _other_ends(content: bytes, rng: Random) -> bytes:
    return content.replace(b"\n", pick(rng, [b"\r\n", b"\r", b"", b"\n\n", b" \n", b"\x85", b"\xe2\x80\xa8", b"\t\n"]))


def _insert(content: bytes, rng: Random) -> bytes:
    place = int(rng.integers(len(content) + 1))
    return content[:place] + pick(rng, CELLS).encode("utf-8", "surrogatepass") + content[place:]


def _in_front(content: bytes, rng: Random) -> bytes:
    return (
        pick(rng, [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\n\n", b"\x1f\x8b", b"PK\x03\x04", b"# x\n"]) + content
    )


def _encoded(content: bytes, rng: Random) -> bytes:
    text = content.decode("utf-8", "replace")
    return text.encode(
        pick(rng, ["utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "utf-8-sig", "utf-7"]), "replace"
    )


def _much(content: bytes, rng: Random) -> bytes:
    return content * int(rng.choice([2, 3, 50]))


LINES: tuple[Mutation, ...] = (
    *(_other_cell, _other_cell, _other_cell, _insert, _other_ends, _in_front, _encoded, _much),
    *map(_of_lines, (_drop_line, _double_line, _swap_lines, _blank_line, _drop_cell)),
)
