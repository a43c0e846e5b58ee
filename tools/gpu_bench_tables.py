"""The results of tools/gpu_bench.py as tables in Markdown."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]

# ours over PyTorch's eager and over its best, to reach and beyond
GOALS = {"elman": "×2 / ×1.2, beyond ×4 / ×2", "wide": "×1 / ×0.9, beyond ×1.5", "classes": "×2, beyond ×5"}
TABLES = {
    "streams": "By the number of streams",
    "hidden": "By the number of hidden units",
    "vocabulary": "By the vocabulary, class-factorized against adaptive softmax",
}


def markdown(results: dict[str, Any]) -> str:
    """All tables for which there are rows."""
    found = results["found"]
    parts = [f"{results['device']}, products in {results['precision']}."]
    figures = [*_headlines(found), *_limits(found), *_cpu(found), *_counts(found)]
    if figures:
        parts.append(_table(["figure", "found", "to reach"], figures))
    named = {name: found[name][name] for name in GOALS if name in found}
    if named:
        parts.append(_sizes(named.values()))
    for name, title in TABLES.items():
        if name in found:
            parts.append(f"**{title}**\n\n{_sizes(found[name].values())}")
    parts += _notes(found)
    return "\n\n".join(parts)


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows])


def _ratios(row: Row) -> tuple[float | None, float | None, str]:
    """Ours over PyTorch's eager speed (the better of its two), over its best, and which that is."""
    speeds = dict(row["words_per_s"])
    ours = speeds.pop("rnnlm")
    eager = max((speed for name, speed in speeds.items() if name.startswith("eager")), default=None)
    best = max(speeds, key=speeds.__getitem__, default="")
    return ours / eager if eager else None, ours / speeds[best] if best else None, best


def _headlines(found: dict[str, Any]) -> list[list[str]]:
    rows = []
    for name, goal in GOALS.items():
        row = found.get(name, {}).get(name)
        if row and "failed" not in row:
            eager, best, which = _ratios(row)
            what = f"training words/s, {_about(row)}"
            figure = row["not"].get("PyTorch", "") if eager is None else f"×{eager:.2f} eager / ×{best:.2f} {which}"
            rows.append([what, f"{row['words_per_s']['rnnlm']:,.0f}; {figure}", goal])
    return rows


def _limits(found: dict[str, Any]) -> list[list[str]]:
    limits = found.get("ceilings", {}).get("ceilings", {})
    if "flops" not in limits:
        return []
    tera, copy = limits["flops"] / 1e12, limits["bytes_per_s"] / 1e12
    rows = [["a large matrix product; a large copy", f"{tera:.3g} TFLOP/s; {copy:.3g} TB/s read and written", ""]]
    wide = found.get("wide", {}).get("wide", {})
    if "flops" in wide:
        rows.append(
            [
                f"share of the product's speed, {_about(wide)}",
                f"{wide['flops'] / limits['flops']:.0%}",
                "40 %, beyond 70 %",
            ]
        )
    return rows


def _cpu(found: dict[str, Any]) -> list[list[str]]:
    row = found.get("cpu", {}).get("cpu", {})
    if "gpu" not in row:
        return []
    figure = f"×{row['gpu'] / row['cpu']:.1f} ({row['cpu']:,.0f} words/s on the processor)"
    return [["GPU against two threads of the processor, Elman", figure, "×10, beyond ×30"]]


def _counts(found: dict[str, Any]) -> list[list[str]]:
    rows = []
    for name, row in found.get("counts", {}).items():
        if "failed" not in row:
            exact = row["launches"] is not None
            launches = row["launches"] if exact else row["ours"]
            figure = f"{row['synchronizations']:g}; {launches:g}{'' if exact else ' of our own'} ({row['by']})"
            rows.append([f"waits; launches a window, {name}", figure, "≤ 1; ≤ 40, beyond 0; ≤ 12"])
    return rows


def _sizes(rows: Any) -> str:
    head = [
        "H",
        "B",
        "T",
        "V",
        "classes",
        "words/s",
        "ms/window",
        "MB",
        "PyTorch eager",
        "its best",
        "×eager",
        "×best",
        "its MB",
    ]
    cells = []
    for row in rows:
        if "failed" in row:
            continue
        eager, best, which = _ratios(row)
        speeds, each = row["words_per_s"], row["B"] * row["T"]
        ours = speeds["rnnlm"]
        theirs = ["-"] * 5
        if eager and best:
            mb = f"{row['torch_mb']:,.0f}"
            theirs = [f"{ours / eager:,.0f}", f"{ours / best:,.0f} ({which})", f"{eager:.2f}", f"{best:.2f}", mb]
        sizes = [f"{row[letter]:,}" for letter in "HBTV"]
        mine = [f"{row['classes'] or 'full'}", f"{ours:,.0f}", f"{1000 * each / ours:.3f}", f"{row['mb']:,.0f}"]
        cells.append([*sizes, *mine, *theirs])
    return _table(head, cells)


def _about(row: Row) -> str:
    return f"H {row['H']:,}, B {row['B']}, T {row['T']}, V {row['V']:,}, {_output(row)}"


def _output(row: Row) -> str:
    return f"{row['classes']:,} classes" if row["classes"] else "full softmax"


def _notes(found: dict[str, Any]) -> list[str]:
    """What could not be measured and why, each reason once."""
    notes = {}
    for section, rows in found.items():
        for name, row in rows.items():
            if "failed" in row:
                notes[f"{section} {name}"] = row["failed"]
            for way, why in row.get("not", {}).items():
                notes.setdefault(f"{way}: {why}", section)
    return ["\n".join(f"Not measured: {what} ({why})." for what, why in notes.items())] if notes else []
