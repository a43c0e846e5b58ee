"""Every operation that the GPU's backend does in its own way against plain NumPy: a part of tools/gpu_check.py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
from gpu_counts import replaced

from rnnlm import ops
from rnnlm.checks.cases import OPERATIONS
from rnnlm.checks.cases.numbers import REFERENCE, Numbers
from rnnlm.checks.finding import FLOOR, Finding
from rnnlm.checks.overrides import comparable, each, leaves, moved

ALLOWED = {"float64": 1e-11, "float32": 3e-5, "tf32": 2e-2, "bf16": 1e-1}
DIFFERENT_DRAWS = 0.01  # share of draws in float32 that may fall on the neighbouring word

# Upper limits of an operation's random sizes, which are odd numbers, and sizes that occur in models; in the order of
# the arguments of the function that makes its arguments.
Large = tuple[tuple[int, ...], list[tuple[int, ...]]]
WINDOW: Large = ((40, 90, 600), [(35, 64, 200), (35, 128, 1024)])  # T, B, H
LAYERS: Large = ((20, 40, 300, 3), [(35, 64, 200, 1)])  # T, B, H, layers
LOGITS: Large = ((1500, 6000, 500), [(2240, 10_000, 200), (4480, 10_000, 1024)])  # N, V, H
CLASSED: Large = ((1500, 6000, 90, 400), [(2240, 100_000, 316, 256)])  # N, V, C, H
PRODUCTS: Large = ((2000, 900, 900), [(2240, 200, 200)])  # N, n, m
ROWS: Large = ((3000, 9000, 500), [(2240, 10_000, 200), (4480, 10_000, 1024)])  # N, V, E
PLANE: Large = ((900, 900), [(2240, 200)])
LARGE: dict[str, Large] = {
    **dict.fromkeys(("elman_forward", "elman_backward"), WINDOW),
    **dict.fromkeys(("jordan_forward", "jordan_backward"), LAYERS),
    **dict.fromkeys(("softmax_nll", "softmax_draw"), LOGITS),
    **dict.fromkeys(("by_class", "class_softmax_nll", "class_softmax_draw"), CLASSED),
    **dict.fromkeys(("outer_product_add", "outer_product_square_sum", "outer_product_bias"), CLASSED),
    **dict.fromkeys(("affine", "affine_backward", "weight_gradient"), PRODUCTS),
    **dict.fromkeys(("take_rows", "sum_rows"), ROWS),
    **dict.fromkeys(("activate", "dropout", "by_id", "total"), PLANE),
}
VARIANTS = 8  # of the arguments at each random or large size
LOW_PRECISION_CALLS = 40  # without the large sizes


def relative(ours: Any, theirs: Any) -> float:
    """|x - y| / |y| over a whole array: inf for another shape, 0 or inf for integers, nan where either is nan.

    Arrays whose numbers are all about 0 are measured against FLOOR: they may be nothing but rounding.
    """
    x, y = np.asarray(ours), np.asarray(theirs)
    if x.shape != y.shape:
        return float("inf")
    if y.dtype.kind != "f":
        return 0.0 if np.array_equal(x, y) else float("inf")
    x, y = x.astype(np.float64), y.astype(np.float64)
    return float(np.linalg.norm(x - y) / max(np.linalg.norm(y), FLOOR * max(y.size, 1) ** 0.5))


def furthest(ours: Any, theirs: Any) -> float:
    """The largest `relative` of two results of one operation; nan is larger than any."""
    pairs = [leaves(ours), leaves(theirs)]
    if len(pairs[0]) != len(pairs[1]):
        return float("inf")
    errors = [relative(x, y) for x, y in zip(*pairs, strict=True)]
    return worst(errors)


def host(value: Any) -> Any:
    """A copy on the host of results, in any nest of tuples and lists."""

    def copied(part: Any) -> Any:
        if isinstance(part, np.ndarray):
            return part.copy()
        return part.get() if hasattr(part, "get") and hasattr(part, "dtype") else part

    return each(value, copied)


def double(value: Any) -> Any:
    """A copy of arguments with their floating-point arrays in float64."""

    def change(part: Any) -> Any:
        return (
            part.astype(np.float64 if part.dtype.kind == "f" else part.dtype) if isinstance(part, np.ndarray) else part
        )

    return each(value, change)


@contextmanager
def poisoned(cupy: Any) -> Iterator[None]:
    """A context in which new arrays of the device hold NaN, or a large integer, until something writes them."""
    empty, like = cupy.empty, cupy.empty_like

    def full(array: Any) -> Any:
        array.fill(float("nan") if array.dtype.kind == "f" else 0x7F)
        return array

    made = {
        "empty": lambda *args, **more: full(empty(*args, **more)),
        "empty_like": lambda *args, **more: full(like(*args, **more)),
    }
    with replaced(cupy, made):
        yield


def arguments(name: str, dtype: str, seed: int, large: bool, most: int | None) -> Iterator[tuple[Any, ...]]:
    """All arguments with which an operation is called, at small, random and (`large`) occurring sizes.

    Arguments with an array of more than `most` numbers are left out.
    """
    make, small = OPERATIONS[name]
    numbers = Numbers(dtype, seed)
    limits, occurring = LARGE.get(name, ((), []))
    sizes: list[tuple[Any, int | None]] = [(size, None) for size in small]
    if limits and most is None:
        sizes += [(odd_size(numbers.rng, limits), VARIANTS) for _ in range(3)]
    if large:
        sizes += [(size, VARIANTS) for size in occurring]
    for size, count in sizes:
        for made in islice(make(numbers, *size), count):
            if most is None or max((np.size(part) for part in leaves(made)), default=0) <= most:
                yield made


def odd_size(rng: np.random.Generator, limits: tuple[int, ...]) -> tuple[int, ...]:
    """Odd numbers up to the limits, small ones as often as large ones."""
    size = [int(np.exp(rng.uniform(np.log(3), np.log(limit)))) | 1 for limit in limits]
    if limits == CLASSED[0]:
        size[2] = min(size[2], size[1])  # no more classes than words
    return tuple(size)


def compare(cupy: Any, name: str, arguments: tuple[Any, ...], draws: bool) -> tuple[float, float, bool]:
    """One call: the GPU's error, plain NumPy's in the same precision, and whether a second call gives the same bits."""
    device = ops.ops_for(cupy.empty(1, np.float32))
    exact, plain = double(arguments), host(arguments)
    expected = [comparable(REFERENCE, name, exact), exact]
    on_numpy = [comparable(REFERENCE, name, plain), plain]
    results = []
    for _ in range(2):
        on_device = moved(name, arguments, lambda array: cupy.asarray(np.ascontiguousarray(array)))
        results.append([host(comparable(device, name, on_device)), host(on_device)])
    same = all(np.asarray(x).tobytes() == np.asarray(y).tobytes() for x, y in zip(*map(leaves, results), strict=True))
    ours = results[0]
    if draws:  # at the border between two words rounding decides which is drawn
        ids = [drawn[0][0] for drawn in (ours, expected, on_numpy)]
        agreed = (ids[0] == ids[1]) & (ids[0] == ids[2])
        if (~agreed).sum() > 2 + 2 * DIFFERENT_DRAWS * len(agreed):
            return float("inf"), 0.0, same
        ours, expected, on_numpy = (
            [[part[agreed] for part in drawn[0]], drawn[1]] for drawn in (ours, expected, on_numpy)
        )
    return furthest(ours, expected), furthest(on_numpy, expected), same


def check_operations(cupy: Any, seed: int, names: list[str], large: bool, most: int | None) -> Iterator[Finding]:
    """Every operation in float64 and float32; `NumPy` is plain NumPy in the same precision, for comparison.

    Where the exact result is a small difference of large numbers, no arithmetic in its precision comes near it: what is
    allowed is then four times plain NumPy's own error.
    """
    for name in names:
        for dtype in ("float64", "float32"):
            try:
                with poisoned(cupy):
                    calls = arguments(name, dtype, seed, large, most)
                    draws = name.endswith("_draw") and dtype == "float32"
                    errors, usual, same = zip(*(compare(cupy, name, call, draws) for call in calls), strict=True)
            except Exception as error:  # a kernel that does not compile, or wrote where it may not
                yield failed("operations", name, dtype, error)
                continue
            allowed = np.maximum(ALLOWED[dtype], 4 * np.array(usual))
            where = int(np.argmax(np.array(errors) / allowed))  # nan is the largest
            about: dict[str, Any] = {"precision": dtype, "note": f"the worst of {len(errors)} calls"}
            yield Finding("operations", name, judge=dtype, error=errors[where], allowed=float(allowed[where]), **about)
            yield Finding("operations", name, judge="NumPy", error=usual[where], allowed=float("inf"), **about)
            yield Finding("operations", name, judge="other bits", error=float(not all(same)), **about)


def check_precision(cupy: Any, seed: int, names: list[str], large: bool, most: int | None) -> Iterator[Finding]:
    """The operations that contain matrix products, with the factors rounded to tf32 and bf16."""
    for name in names:
        if name not in LARGE or name.endswith("_draw"):
            continue
        for precision in ops.PRECISIONS[1:]:
            ops.use_precision(precision)
            try:
                calls = islice(arguments(name, "float32", seed, large, most), None if large else LOW_PRECISION_CALLS)
                error = worst([compare(cupy, name, call, False)[0] for call in calls])
                about: dict[str, Any] = {"precision": precision, "judge": precision}
                yield Finding("precision", name, error=error, allowed=ALLOWED[precision], **about)
            except Exception as raised:
                yield failed("precision", name, precision, raised)
            finally:
                ops.use_precision(ops.PRECISIONS[0])


def worst(errors: Any) -> float:
    """The largest error; nan is larger than any."""
    return float(np.max(errors, initial=0.0))


def failed(section: str, name: str, precision: str, error: Exception) -> Finding:
    """The finding for a check that raised an error."""
    about: dict[str, Any] = {"precision": precision, "judge": precision}
    return Finding(
        section, name, error=float("nan"), note=f"{type(error).__name__}: {' '.join(str(error).split())}", **about
    )
