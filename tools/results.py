"""Run the results of docs/results.md again, and fail where one is worse than stated.

    python tools/results.py                 every row, in the order of the table (about an hour on two cores)
    python tools/results.py --only cache    the rows whose name or command holds this word, and the rows they build on
    python tools/results.py --folder F      keep the models in F, and take those that are there already

The table there says what to run: all commands in a row, one after the other in one folder, the last of which prints
the figure in bold. Its column "seeds" is the standard deviation between seeds; a row fails when its figure is worse
than stated by more than twice that, or by more than half of the last digit where there is no chance. Penn Treebank must
be in the cache (`rnnlm corpus get ptb --from FOLDER`).
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/results.md"


class Row(NamedTuple):
    """One row of the table of results: its commands, the stated figure, and how far it may be off."""

    name: str
    commands: list[list[str]]
    stated: float
    seeds: float  # standard deviation between seeds, 0 where there is no chance
    digits: int

    @property
    def outputs(self) -> list[str]:
        """The files that its commands write."""
        files = []
        for command in self.commands:
            if "-o" in command:
                files.append(command[command.index("-o") + 1])
            if "--runs" in command:
                stem = files[-1].removesuffix(".rnnlm")
                files += [f"{stem}.{n}.rnnlm" for n in range(1, int(command[command.index("--runs") + 1]) + 1)]
        return files

    @property
    def allowed(self) -> float:
        """The worst figure that still counts as this one."""
        return self.stated + max(2 * self.seeds, 0.5 * 10**-self.digits)


def rows(page: str) -> list[Row]:
    """The rows of a page's tables that state a figure in bold, in the fourth column as in docs/results.md."""
    stated = []
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        bold = re.fullmatch(r"\*\*(\d+\.(\d+))\*\*", cells[3]) if len(cells) > 4 else None
        if bold is None:
            continue
        commands = [shlex.split(command) for command in re.findall(r"`(rnnlm [^`]+)`", cells[1])]
        seeds = 0.0 if cells[4] in ("", "–") else float(cells[4])
        stated.append(Row(cells[0], commands, float(bold[1]), seeds, len(bold[2])))
    return stated


def figure(printed: str) -> float:
    """The perplexity that a command printed: of the test text, of the mixture, or of the one model in the table."""
    for pattern in (r"^test perplexity ([\d.]+)", r"^mixture\b.* ([\d.]+)$", r"^\S+\.rnnlm +([\d.]+) "):
        if hit := re.findall(pattern, printed, re.M):
            return float(hit[-1])
    raise SystemExit(f"results: no perplexity in what was printed:\n{printed}")


def chosen(every: list[Row], word: str) -> list[Row]:
    """The rows with the word in their name or commands, and the rows that make the files which these read."""
    wanted = [word in row.name or any(word in part for command in row.commands for part in command) for row in every]
    for place in reversed(range(len(every))):
        read = {part for row, w in zip(every, wanted, strict=True) if w for command in row.commands for part in command}
        wanted[place] = wanted[place] or bool(read & set(every[place].outputs))
    return [row for row, w in zip(every, wanted, strict=True) if w]


def run(row: Row, folder: Path) -> float:
    """The figure of a row, from its commands in the folder; a model that is there already is not made again."""
    printed = ""
    for command in row.commands:
        log = folder / f"{re.sub(r'[^a-z0-9]+', '-', ' '.join(command).lower())[:120]}.txt"
        made = folder / command[command.index("-o") + 1] if "-o" in command else None
        if made is not None and made.exists() and log.exists():
            printed = log.read_text(encoding="utf-8")
            continue
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        typed = [sys.executable, "-m", *command]
        done = subprocess.run(typed, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"results: {shlex.join(command)} failed:\n{done.stderr}")
        printed = done.stdout
        log.write_text(printed, encoding="utf-8")
    return figure(printed)


def main() -> None:
    """Run the command line; the exit status is 1 where a figure is worse than stated."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="WORD", help="rows whose name or command holds this word")
    parser.add_argument("--folder", metavar="F", help="where the models are kept; a temporary folder without it")
    options = parser.parse_args()
    every = rows(PAGE.read_text(encoding="utf-8"))
    worse = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(options.folder or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for row in chosen(every, options.only) if options.only else every:
            began = time.monotonic()
            measured = run(row, folder)
            verdict = "as stated" if measured <= row.allowed else f"WORSE than {row.allowed:.4g}"
            worse += measured > row.allowed
            print(
                f"{row.name}: {measured} ({row.stated} stated), {verdict}, {time.monotonic() - began:.0f} s", flush=True
            )
    sys.exit(1 if worse else 0)


if __name__ == "__main__":
    main()
