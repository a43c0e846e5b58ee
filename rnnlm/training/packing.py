"""States and tapes in checkpoints: nested tuples, lists, numbers and arrays, as JSON and named arrays, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DataError
from ..ops import ops_for
from ..ops.arrays import is_device_array
from ..stored import Stored, shown


def pack(value: Any, name: str, arrays: dict[str, np.ndarray]) -> Any:
    """Return nested tuples, lists, numbers, None and arrays as JSON; arrays go into `arrays`, under NAME.…"""
    if isinstance(value, tuple | list):
        return [type(value).__name__, *(pack(part, f"{name}.{i}", arrays) for i, part in enumerate(value))]
    if value is None or isinstance(value, int | float | str):
        return {"value": value}
    arrays[name] = ops_for(value).to_host(value)
    return {"array": name}


def unpack_like(example: Any, packed: Any, stored: Stored, where: str, words: int) -> Any:
    """Return the value that `pack` took apart, which must be built as an `example` of it, and lie where that lies.

    Lists and tuples have as many parts, arrays the same type and shape, and other values the same type; numbers of
    arrays are finite, and whole ones are ids of one of so many `words`, or -1. Raises DataError where that is not so;
    `where` is what messages call the value.
    """
    if isinstance(example, tuple | list):
        name = type(example).__name__
        if not isinstance(packed, list) or len(packed) != len(example) + 1 or packed[0] != name:
            raise DataError(f"{where} is {shown(packed)}. It must be a {name} of {len(example)} parts.")
        parts = [
            unpack_like(part, inner, stored, f"{where}.{place}", words)
            for place, (part, inner) in enumerate(zip(example, packed[1:], strict=True))
        ]
        return tuple(parts) if isinstance(example, tuple) else parts
    if isinstance(example, np.ndarray) or is_device_array(example):
        if not isinstance(packed, dict) or packed.keys() != {"array"} or not isinstance(packed["array"], str):
            raise DataError(f"{where} is {shown(packed)}. It must be the name of an array.")
        is_of_ids = example.dtype.kind == "i"
        least, most = (-1, words - 1) if is_of_ids else (None, None)
        array = stored.numbers(packed["array"], example.dtype, example.shape, least=least, most=most)
        return array if is_of_ids else ops_for(example).asarray(array)
    if not isinstance(packed, dict) or packed.keys() != {"value"} or type(packed["value"]) is not type(example):
        raise DataError(f"{where} is {shown(packed)}. It must be the value of a {type(example).__name__}.")
    return packed["value"]
