"""JSON of files that anybody may have written: what Python reads beyond the format, or silently, is an error."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any, NoReturn

from .errors import DataError

DEEPEST = 100  # lists and objects within one another; our own files have a few


def parse(text: str | bytes, what: str, *, nan: bool = False) -> Any:
    """Return the value of a JSON text, which messages call `what`.

    With `nan`, the constants NaN and Infinity are read, which Python writes and JSON does not have. Raises DataError
    for what is not JSON, for a name that comes twice in an object, for other numbers beyond the range of float64 and
    for more than `DEEPEST` levels.
    """

    def pairs(entries: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(entries)
        if len(values) < len(entries):
            twice, _ = Counter(name for name, _ in entries).most_common(1)[0]
            raise ValueError(f"the name {json.dumps(twice)} comes twice")
        return values

    def constant(name: str) -> float:
        return float(name) if nan else _refuse(name)

    def number(digits: str) -> float:
        value = float(digits)
        return value if math.isfinite(value) else _refuse(digits[:20])

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=constant, parse_float=number)
    except RecursionError:
        raise DataError(f"{what} is nested too deeply, more than {DEEPEST} levels.") from None
    except ValueError as error:
        reason = str(error).removesuffix(".")
        raise DataError(f"{what} is not JSON that rnnlm writes: {reason}.") from error
    _check_depth(value, what)
    return value


def _refuse(number: str) -> NoReturn:
    raise ValueError(f"{number} is no finite number")


def _check_depth(value: Any, what: str) -> None:
    """Raise DataError for more than `DEEPEST` levels, which some later function would not survive."""
    level = [value]
    for _ in range(DEEPEST):
        parts = (part.values() if isinstance(part, dict) else part for part in level if isinstance(part, dict | list))
        level = [inner for part in parts for inner in part if isinstance(inner, dict | list)]
        if not level:
            return
    raise DataError(f"{what} is nested too deeply, more than {DEEPEST} levels.")
