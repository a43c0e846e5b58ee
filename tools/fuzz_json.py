"""Alterations of JSON data, for tools/fuzz.py, and writing what no encoder would write."""

from __future__ import annotations

import json
import math
from typing import Any

from fuzz_mutations import Random, pick

DEEP = 100_000  # nested lists; a parser that calls itself for each ends with a RecursionError, or with the stack

TEXTS = [
    "",
    "x",
    "nan",
    "\ud800",
    "\0",
    "a b",
    "</s>",
    "<unk>",
    "-1",
    "1_0",
    "é" * 300,
    "../../../etc/passwd",
    "/dev/zero",
]
NUMBERS: list[Any] = [0, 1, -1, 2, 3, 127, 255, 256, 2**31 - 1, 2**31, 2**32, 2**63, -(2**63), 10**9, 10**30]
FLOATS = [0.5, -0.5, 1e-300, 1e300, -1e300, math.nan, math.inf, -math.inf, 1.0, -0.0]


class Verbatim:
    """A piece of JSON text that is written as it stands, such as nesting that no encoder would write."""

    def __init__(self, text: str) -> None:
        self.text = text


def strange(rng: Random, value: Any) -> Any:
    """Another value in the place of one of a header: of another type, huge, negative, nested, or slightly other."""
    choice = int(rng.integers(9))
    if choice == 0 and isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return pick(rng, [value + 1, value - 1, value * 1_000_000, -value, value / 2, float(value), str(value)])
        except OverflowError:
            return 0
    if choice == 1 and isinstance(value, str):
        return pick(rng, [value + "x", value[:-1], value.upper(), value * 1000, [value], {"kind": value}, value + "\n"])
    if choice == 2 and isinstance(value, list):
        return pick(rng, [value[:-1], value[1:], value + value, value[::-1], [*value, None], [value], value * 1000, {}])
    if choice == 3 and isinstance(value, dict):
        return pick(rng, [{}, [value], list(value.items()), {**value, "unknown": 1}, {"": value}, {**value, **value}])
    if choice == 4:
        brackets = pick(rng, [("[", "]"), ('{"a":', "}")])
        depth = pick(rng, [10, 900, DEEP])
        return Verbatim(brackets[0] * depth + "1" + brackets[1] * depth)
    if choice == 5:
        return Verbatim(
            pick(rng, ["1e400", "-1e400", "9" * 5000, "0x10", "01", "", "NaN", "'a'", '"\\ud800"', "1" * 400])
        )
    return pick(rng, [pick(rng, NUMBERS), pick(rng, FLOATS), pick(rng, TEXTS), None, True, False, [], {}, [0], [[1]]])


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to all values in nested lists and dictionaries; of long lists, only the first entries and the last."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key in value:
            found += _places(value[key], (*path, key))
    elif isinstance(value, list):
        for place in sorted({*range(min(len(value), 6)), *([len(value) - 1] if value else [])}):
            found += _places(value[place], (*path, place))
    return found


def alter_json(value: Any, rng: Random, times: int = 1) -> Any:
    """JSON data with so many entries altered, removed, doubled, renamed or added."""
    for _ in range(times):
        places = _places(value)
        if not places:
            return strange(rng, value)
        *parents, last = pick(rng, places)
        holder = value
        for key in parents:
            holder = holder[key]
        if not isinstance(holder, dict | list):  # an earlier alteration stands there
            continue
        action = int(rng.integers(8))
        if action == 0:
            del holder[last]
        elif action == 1 and isinstance(holder, dict):
            holder[pick(rng, ["unknown", "", "kind ", "\ud800", str(last).upper()])] = pick(
                rng, [holder[last], 1, None]
            )
        elif action == 2 and isinstance(holder, dict):
            holder[_Doubled(last)] = strange(rng, holder[last])  # two entries of the same name in the text
        elif action == 3 and len(holder) > 1:
            other = pick(rng, holder if isinstance(holder, dict) else range(len(holder)))
            holder[last], holder[other] = holder[other], holder[last]
        else:
            holder[last] = strange(rng, holder[last])
    return value


class _Doubled(str):
    """A key that is equal to no other, so that a dictionary holds it beside the one that it repeats."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


def dumps(value: Any) -> str:
    """JSON text as `json.dumps` makes it, with `Verbatim` pieces and doubled keys; deep lists for what is too deep."""
    try:
        return _dumps(value)
    except RecursionError:
        return "[" * 100_000 + "]" * 100_000


def _dumps(value: Any) -> str:
    if isinstance(value, Verbatim):
        return value.text
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{json.dumps(str(key), ensure_ascii=True)}: {_dumps(value[key])}" for key in value) + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_dumps, value)) + "]"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**4000:
        return "9" * 5000
    return json.dumps(value, ensure_ascii=True)


def json_text(content: bytes, rng: Random) -> bytes:
    """A file whose first line is JSON, with altered entries; the lines behind it, a checksum perhaps, stay."""
    line, end, rest = content.partition(b"\n")
    return dumps(alter_json(json.loads(line), rng, int(rng.choice([1, 1, 3])))).encode() + end + rest
