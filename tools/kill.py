"""Whether a killed command loses anything: commands that write are ended at any moment, and what they left is checked.

    python tools/kill.py --kills 500              a quarter of an hour on two cores
    python tools/kill.py --scenario "train"       only commands with this in their names
    python tools/kill.py --seed 7 --case 12       one case again

A command is ended by SIGKILL, SIGTERM or SIGINT at a random moment; by SIGKILL at its n-th call that writes (replace,
fsync, open …) or when a file that it writes has n bytes; or a limit on the length of files makes its writing fail.
After that

    whole     every file at its final name is the old or the new one; checkpoints can be read
    again     the command, with --resume where a run was cut off, goes on and ends in the bytes of an unbroken run
    names     no other file is left in the folder after that, and none in the cache when a new text has come into it
    alive     no process of it is left
    message   where it could still speak, an error is one line, and its exit status is 0, 1, 2 or 130

The exit status is 1 where one of these failed. The same case number and seed choose the same way and amount, but a
moment in seconds does not fall on the same instruction. For systems with fork() and /proc.
"""

# ruff: noqa: E402 the checkout comes onto the path, and the number of threads is set, before all else
from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

os.environ |= dict.fromkeys(("RNNLM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
os.environ |= {"MPLBACKEND": "Agg", "NO_COLOR": "1", "RNNLM_CACHE": "cache", "RNNLM_CONFIG": "config"}
sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

import numpy as np
from fuzz_trials import prepare
from kill_scenarios import SCENARIOS, Scenario, arguments, broken, different, lay_out, make, names
from kill_ways import SIGNALS, Way, count_calls, end, limit_files, survivors

from rnnlm.cli import run

OWN_FAULT = 70  # the exit status of a process in which the tool itself failed, or the command had a traceback
LEAST = 2000  # bytes of the limit on files, so that messages can be written
LONGEST = 120.0  # seconds that a command may take on a busy machine
CHECKS = ("whole", "again", "names", "alive", "message")


@dataclass(frozen=True)
class Unbroken:
    """A run that nothing cut: its outputs' contents, the names in the folder, its seconds, and its calls that write."""

    outputs: dict[str, bytes]
    names: set[str]
    seconds: float
    calls: int


def start(typed: list[str], folder: Path, way: Way | None) -> int:
    """Run a command line in a forked process, in the folder and a session of its own; returns its process id."""
    sys.stdout.flush()
    if pid := os.fork():
        return pid
    status = OWN_FAULT
    try:
        os.setsid()
        os.chdir(folder)
        for descriptor, path in ((1, "../out"), (2, "../err")):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
        if way is not None and way.name == "limit":
            limit_files(int(way.amount))
        calls = count_calls(int(way.amount) if way and way.name == "call" else None, bool(way and way.number))
        status = run(typed)
        sys.stdout.flush()
        sys.stderr.flush()
        if way is None:
            os.fsync(1)
            Path("../calls").write_text(str(calls[0]))
    except KeyboardInterrupt:  # before the command began
        status = 130
    except BaseException:
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
    finally:  # whatever else fails: there must not be two of this process
        os._exit(status)


def unbroken(scenario: Scenario, originals: Path) -> Unbroken:
    """The command without a kill. RuntimeError where it fails."""
    with tempfile.TemporaryDirectory(prefix="rnnlm-kill-") as home:
        folder = Path(home, "files")
        lay_out(scenario, originals, folder)
        begin = time.monotonic()
        _, status = os.waitpid(start(arguments(scenario), folder, None), 0)
        if status:
            raise RuntimeError(f"{scenario.typed} ended with {status}: {Path(home, 'err').read_text()[-2000:]}")
        outputs = {name: (folder / name).read_bytes() for name in scenario.outputs}
        calls = int(Path(home, "calls").read_text())
        return Unbroken(outputs, names(folder), time.monotonic() - begin, calls)


def way_of(rng: np.random.Generator, whole: Unbroken) -> Way:
    """A way to end a run of a command."""
    name = str(rng.choice(["moment", "moment", "call", "call", "size", "limit"]))
    largest = max(map(len, whole.outputs.values()), default=2000)
    if name == "moment":
        return Way(name, float(rng.uniform(0, 1.1 * whole.seconds)), int(rng.choice(SIGNALS)))
    if name == "call":
        return Way(name, int(rng.integers(1, whole.calls + 1)), int(rng.integers(2)))
    return Way(name, int(rng.integers(LEAST if name == "limit" else 0, 2 * largest + LEAST)))


def try_case(scenario: Scenario, way: Way, whole: Unbroken, originals: Path) -> tuple[str, str]:
    """Run the command, end it, and check what it left; returns "" or the check that failed, and what happened."""
    with tempfile.TemporaryDirectory(prefix="rnnlm-kill-") as home:
        folder = Path(home, "files")
        lay_out(scenario, originals, folder)
        old = {name: (folder / name).read_bytes() for name in scenario.before}
        pid = start(arguments(scenario), folder, way)
        status = end(way, pid, folder, names(folder), LONGEST)
        left = survivors(pid)
        if left:
            return "alive", f"{len(left)} processes are left: {left[0][:100]}"
        if problem := _said(status, _errors(home)):
            return "message", problem
        if problem := broken(scenario, folder, old, whole.outputs):
            return "whole", problem
        # Again, as a user would: with --resume where there is a checkpoint.
        resume = scenario.resumes and any(folder.glob("*.checkpoint"))
        if scenario.slow:
            resume = any((folder / name).exists() for name in scenario.outputs) or resume
        _, again = os.waitpid(start(arguments(scenario, resume), folder, None), 0)
        if again:
            return "again", _errors(home)[-300:]
        for name in scenario.outputs:
            if problem := different(name, (folder / name).read_bytes(), whole.outputs[name], Path(home)):
                return "again", problem
        if any(name.startswith("cache/") for name in names(folder)):  # goes with the next text that is new to the cache
            os.waitpid(start(["ppl", "elman.rnnlm", "fresh.txt"], folder, None), 0)
        if litter := names(folder) ^ whole.names:
            return "names", f"left or missing: {', '.join(sorted(litter))}"
        return "", "killed" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"


def _errors(home: str) -> str:
    """What a command wrote to standard error; nothing where it was killed before it could."""
    file = Path(home, "err")
    return file.read_text(errors="replace") if file.exists() else ""


def _said(status: int, err: str) -> str:
    """What is wrong with the end of a process that was not killed outright."""
    if os.WIFSIGNALED(status):
        return ""
    lines = [line for line in err.splitlines() if "rnnlm: error:" in line]
    if "Traceback" in err or os.WEXITSTATUS(status) not in (0, 1, 2, 130) or len(lines) > 1:
        return f"exit status {os.WEXITSTATUS(status)}: {err[-400:]!r}"
    # A training that was interrupted has saved what it needs to go on, and says that; it is no error.
    return (
        "" if lines or os.WEXITSTATUS(status) in (0, 130) else f"exit status {os.WEXITSTATUS(status)} without an error"
    )


def _numbers(given: argparse.Namespace, chosen: list[str]) -> list[tuple[int, str]]:
    """The cases: numbers and scenarios; a slow one comes every fourth round."""
    cases: list[tuple[int, str]] = []
    number = 0
    while len(cases) < given.kills:
        name = chosen[number % len(chosen)]
        if not SCENARIOS[name].slow or len(chosen) == 1 or (number // len(chosen)) % 4 == 3:
            cases.append((number, name))
        number += 1
    return cases


def main() -> int:
    """Run the tool; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, metavar="N", help="how many cases [100]")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the ways and moments [1]")
    parser.add_argument("--scenario", metavar="NAME", help="only commands with this in their names")
    parser.add_argument("--case", type=int, metavar="N", help="this case only")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="processes side by side")
    given = parser.parse_args()
    chosen = [name for name in SCENARIOS if given.scenario is None or given.scenario in name]
    if not chosen:
        parser.error(f"--scenario {given.scenario} is in no name. They are: {', '.join(SCENARIOS)}.")
    prepare(with_processes=True)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rnnlm-kill-") as home:
        originals = Path(home, "originals")
        originals.mkdir()
        make(originals)
        cases = _numbers(given, chosen)
        if given.case is not None:
            cases = [(given.case, chosen[given.case % len(chosen)])]
        whole = {name: unbroken(SCENARIOS[name], originals) for name in dict.fromkeys(name for _, name in cases)}
        print(f"{time.monotonic() - begin:.0f} s for the unbroken runs", flush=True)
        counts = {name: Counter[str]() for name in whole}
        failed = 0
        reading, writing = os.pipe()
        supervisors = []
        for job in range(given.jobs):
            if pid := os.fork():
                supervisors.append(pid)
                continue
            for number, name in cases[job :: given.jobs]:
                way = way_of(np.random.default_rng([given.seed, number]), whole[name])
                try:
                    check, what = try_case(SCENARIOS[name], way, whole[name], originals)
                except Exception as error:
                    check, what = "again", f"{type(error).__name__}: {error}"
                os.write(writing, json.dumps([number, name, way.name, str(way), check, what[:600]]).encode() + b"\n")
            os._exit(0)
        os.close(writing)
        with open(reading, encoding="utf-8") as lines:
            for line in lines:
                number, name, kind, way_text, check, what = json.loads(line)
                counts[name][check or kind] += 1
                if check:
                    failed += 1
                    again = f"python tools/kill.py --seed {given.seed} --case {number}"
                    again += f" --scenario {given.scenario!r}" if given.scenario else ""
                    print(f"{check}  {name}, {way_text}: {' '.join(what.split())}  # {again}", flush=True)
        for pid in supervisors:
            os.waitpid(pid, 0)
    columns = ["moment", "call", "size", "limit", *CHECKS]
    width = max(map(len, [*counts, "all"]))
    print("  ".join(["command".ljust(width), "kills", *(f"{column:>7}" for column in columns)]))
    for name, counted in {**counts, "all": sum(counts.values(), Counter())}.items():
        numbers = [f"{counted[column] or '.':>7}" for column in columns]
        print("  ".join([name.ljust(width), f"{counted.total():5,}", *numbers]))
    total = sum(map(Counter.total, counts.values()))
    print(f"{total:,} kills, {failed:,} failed, {time.monotonic() - begin:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
