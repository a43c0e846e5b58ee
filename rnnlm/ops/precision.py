"""How exact matrix products on the GPU are: a choice for the process."""

from __future__ import annotations

from ..errors import UsageError

# The factors of a product are rounded to so many bits of mantissa; sums are always float32 (float64 stays float64).
PRECISIONS = ("float32", "tf32", "bf16")  # 24, 11 and 8 bits

_chosen = "float32"


def use_precision(name: str) -> None:
    """Let products of float32 matrices on the GPU round their factors to TF32 or bfloat16, for tensor cores.

    The default, "float32", rounds nothing. On NumPy arrays and in float64 all of this changes nothing. UsageError for
    another name.
    """
    global _chosen
    if name not in PRECISIONS:
        raise UsageError(f"precision {name!r} is not known. Give one of {', '.join(PRECISIONS)}.")
    _chosen = name


def precision() -> str:
    """The precision that was chosen last, one of `PRECISIONS`."""
    return _chosen
