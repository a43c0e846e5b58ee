"""Whether any altered file makes the package crash, hang or give a wrong answer: mutations of every kind that it reads.

    python tools/fuzz.py --cases 20000          a quarter of an hour on two cores
    python tools/fuzz.py --kind "model elman"   only files of one kind; a part of the name is enough
    python tools/fuzz.py --seed 7 --case 123    one case again, with all that it prints
    python tools/fuzz.py --list                 the kinds, and the file of each

Each case takes a whole file, alters it (its bytes at random, or its entries, arrays or lines, with a checksum that is
right again), and tries one or two things on it: commands and Python functions. Case number and seed give the same bytes
again. A case is tried in a process of its own limits; it fails where

    signal      the process dies
    traceback   an exception other than an RnnlmError comes out
    lines       an error is not one line
    status      the exit status is not 0, 1 or 2
    time        it takes over 5 s of the processor, or 30 s on the clock
    memory      it takes over 2 GB, or says that there is not enough memory
    wrong       it is accepted with figures that are none: nan, a perplexity below 1, probabilities that do not sum to
                one, words that the vocabulary lacks; or, for a file with a checksum, other figures than before

The exit status is 1 where a case failed. For systems with fork().
"""

# ruff: noqa: E402 the checkout comes onto the path, and the number of threads is set, before all else
from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

os.environ |= dict.fromkeys(("RNNLM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
os.environ |= {"MPLBACKEND": "Agg", "NO_COLOR": "1", "RNNLM_CACHE": "cache", "RNNLM_CONFIG": "config"}
sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

import fuzz_mutations as mutate
import numpy as np
from fuzz_originals import Kind, dump, make
from fuzz_pool import results
from fuzz_trials import ACCEPTED, REFUSED, Result, attempt, prepare

FAILURES = ("signal", "traceback", "lines", "status", "time", "memory", "wrong")


@dataclass(frozen=True)
class Fuzz:
    """The kinds, their files' contents by name, the folder with these files, and the seed."""

    kinds: dict[str, Kind]
    folder: Path
    seed: int
    contents: dict[str, bytes] = field(default_factory=dict)

    def kind(self, number: int) -> str:
        """The kind of file of a case."""
        return list(self.kinds)[number % len(self.kinds)]

    def altered(self, number: int, content: bytes) -> tuple[bytes, bool, list[str]]:
        """The altered content of a case, whether it was altered as raw bytes, and what is tried."""
        rng = np.random.default_rng([self.seed, number])
        kind = self.kinds[self.kind(number)]
        is_raw = not kind.mutations or rng.random() < 0.4
        if is_raw:
            altered = mutate.raw(content, rng, list(self.contents.values()))
        else:
            altered = mutate.pick(rng, kind.mutations)(content, rng)
        trials = [mutate.pick(rng, kind.trials) for _ in range(2)]
        return altered[: mutate.LARGEST], is_raw, list(dict.fromkeys(trials))


def try_case(fuzz: Fuzz, number: int) -> Result:
    """Alter the file of a case in the working directory, a copy of the folder of originals, and try things on it."""
    kind = fuzz.kinds[fuzz.kind(number)]
    file = Path(_in_the_cache(kind) if kind.unharmed else kind.file)
    content = file.read_bytes() if kind.unharmed else fuzz.contents[kind.file]
    altered, is_raw, trials = fuzz.altered(number, content)
    worst = Result(REFUSED)
    for trial in trials:
        file.write_bytes(altered)
        result = attempt(trial, kind, str(file))
        accepted, no_failure = result.outcome == ACCEPTED, result.outcome in (ACCEPTED, REFUSED)
        if (kind.exact and is_raw and accepted) or (kind.unharmed and no_failure):
            _clean(fuzz, file)
            file.write_bytes(content)
            whole = attempt(trial, kind, str(file))
            if (whole.outcome, whole.said) != (result.outcome, result.said):
                said, before = (one.said[-200:] + one.reason for one in (result, whole))
                result = Result("wrong", f"{said!r}, with the whole file {before!r}")
        _clean(fuzz, file)
        if result.outcome not in (ACCEPTED, REFUSED):
            worst = Result(result.outcome, f"{trial}: {result.reason}")
            break
        if result.outcome == ACCEPTED or not worst.reason:
            worst = result
    file.write_bytes(content)
    return worst


def _clean(fuzz: Fuzz, file: Path) -> None:
    """Remove what a trial wrote, and put back what it removed, so that the next one starts from the same files."""
    for path in Path().iterdir():
        if path.name not in ("cache", "same") and not (fuzz.folder / path.name).exists():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    if file.parts[0] == "cache":
        shutil.rmtree("cache")
        attempt("ppl elman.rnnlm test.txt", Kind("", (), ()), "")


def _in_the_cache(kind: Kind) -> str:
    """The path of the cache's file that the kind names, after the text has been read into the cache."""
    shutil.rmtree("cache", ignore_errors=True)
    attempt("ppl elman.rnnlm test.txt", kind, "")
    pattern = {"{ids}": "*/*/ids.int32", "{characters}": "*/*/characters.int32", "{about}": "encoded/*/about.json"}
    return str(next(Path("cache").glob(pattern.get(kind.file, "texts/*.json"))))


def table(counts: dict[str, Counter[str]]) -> str:
    """A line for each kind, and their sum: cases, and how they ended."""
    columns = [REFUSED, ACCEPTED, *FAILURES]
    width = max(map(len, [*counts, "all"]))
    lines = ["  ".join(["kind".ljust(width), " cases", *(name.rjust(9) for name in columns)])]
    for name, counted in {**counts, "all": sum(counts.values(), Counter())}.items():
        numbers = [
            f"{counted.total():6,}",
            *((f"{counted[column]:,}" if counted[column] else ".").rjust(9) for column in columns),
        ]
        lines.append("  ".join([name.ljust(width), *numbers]))
    return "\n".join(lines)


def _enter(fuzz: Fuzz, folder: Path) -> None:
    """Make a folder that holds the originals, and once more those under same/, the working directory."""
    shutil.copytree(fuzz.folder, folder)
    shutil.copytree(fuzz.folder, folder / "same")
    os.chdir(folder)


def warm_up(fuzz: Fuzz) -> list[str]:
    """Try everything once on the whole files, so that all code is loaded; returns what did not end well."""
    failures = []
    for name, kind in fuzz.kinds.items():
        for trial in dict.fromkeys(kind.trials):
            file = _in_the_cache(kind) if kind.unharmed else kind.file
            result = attempt(trial, kind, file)
            if result.outcome != ACCEPTED and not (name.startswith("checkpoint") and trial.startswith("info")):
                failures.append(f"{name}: {trial.format(file=file)}: {result.outcome} {result.reason}")
            _clean(fuzz, Path(file))
            if not kind.unharmed:
                Path(file).write_bytes(fuzz.contents[kind.file])
    return failures


def main() -> int:
    """Run the tool; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1000, metavar="N", help="how many cases [1000]")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the alterations [1]")
    parser.add_argument("--kind", action="append", metavar="NAME", help="only kinds with this in their names; repeats")
    parser.add_argument("--case", type=int, metavar="N", help="this case only")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the altered files of failures there")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="processes side by side")
    parser.add_argument("--list", action="store_true", help="print the kinds and their files")
    given = parser.parse_args()
    keep = given.keep.resolve() if given.keep else None
    with tempfile.TemporaryDirectory(prefix="rnnlm-fuzz-") as folder:
        home = Path(folder, "originals")
        home.mkdir()
        kinds = make(home)
        if given.list:
            print(dump(kinds))
            return 0
        contents = {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}
        fuzz = Fuzz(kinds, home, given.seed, contents)
        prepare()
        if given.case is None:
            numbers = _numbers(list(kinds), given.kind, given.cases)
            chosen = {fuzz.kind(number) for number in numbers}
        else:
            numbers, chosen = [given.case], {fuzz.kind(given.case)}
        start = time.monotonic()
        _enter(fuzz, Path(folder, "warm"))
        for problem in warm_up(
            Fuzz({name: kinds[name] for name in kinds if name in chosen}, home, given.seed, contents)
        ):
            print(f"the whole file: {problem}", flush=True)
        print(f"{time.monotonic() - start:.1f} s to load everything", flush=True)
        counts = {name: Counter[str]() for name in kinds if name in chosen}
        failed = 0
        for number, result in results(partial(try_case, fuzz), partial(_enter, fuzz), numbers, given.jobs):
            counts[fuzz.kind(number)][result.outcome] += 1
            if given.case is not None:
                print(f"{fuzz.kind(number)}: {result.outcome}: {result.reason or result.said}")
            if result.outcome not in (ACCEPTED, REFUSED):
                failed += 1
                reason = " ".join(result.reason.split())
                again = f"python tools/fuzz.py --seed {given.seed} --case {number}"
                print(f"{result.outcome}  {fuzz.kind(number)}  {reason}  # {again}", flush=True)
                _keep(fuzz, number, keep)
        os.chdir("/")
    print(table(counts))
    print(f"{sum(map(Counter.total, counts.values())):,} cases, {failed:,} failed, {time.monotonic() - start:.0f} s")
    return 1 if failed else 0


def _numbers(names: list[str], kinds: list[str] | None, cases: int) -> list[int]:
    """The numbers of the cases: the first ones of all kinds, or of those with one of `kinds` in their names."""
    places = [place for place, name in enumerate(names) if kinds is None or any(kind in name for kind in kinds)]
    if not places:
        raise SystemExit(f"--kind {kinds} is in no name of a kind. They are: {', '.join(names)}.")
    rounds = -(-cases // len(places))
    return [step * len(names) + place for step in range(rounds) for place in places][:cases]


def _keep(fuzz: Fuzz, number: int, folder: Path | None) -> None:
    """Write the altered file of a case into a folder, where it does not depend on a cache."""
    kind = fuzz.kinds[fuzz.kind(number)]
    if folder is not None and not kind.unharmed:
        folder.mkdir(parents=True, exist_ok=True)
        altered, _, _ = fuzz.altered(number, fuzz.contents[kind.file])
        (folder / f"{number}-{Path(kind.file).name}").write_bytes(altered)


if __name__ == "__main__":
    sys.exit(main())
