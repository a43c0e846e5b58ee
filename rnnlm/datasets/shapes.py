"""Shapes of an example as a person writes them: 28x28x1."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import UsageError


def parse_shape(shape: str | int | Sequence[int], option: str = "shape", length: int | None = None) -> tuple[int, ...]:
    """The numbers of a shape such as "28x28x1", (28, 28, 1) or 784; `length` says how many there must be.

    Raises UsageError, naming the option, for anything else.
    """
    parts = str(shape).lower().replace("×", "x").split("x") if isinstance(shape, str | int) else list(shape)
    try:
        numbers = tuple(int(part) for part in parts)
    except (ValueError, TypeError):
        numbers = ()
    if not numbers or min(numbers) < 1 or length not in (None, len(numbers)):
        example = "28x28" if length == 2 else "28x28x1 (height, width, channels)"
        raise UsageError(f"{option} is {shape!r}; give whole numbers from 1 on, such as {example}.")
    return numbers


def shape_text(shape: Sequence[int]) -> str:
    """A shape as messages write it: 28×28×1."""
    return "×".join(map(str, shape))
