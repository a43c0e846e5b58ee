"""The commands that tools/kill.py kills, the files that they start from, and what must be true of what they left."""

from __future__ import annotations

import json
import random
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuzz_originals import OLD_FILES

from rnnlm import storage


@dataclass(frozen=True)
class Scenario:
    """A command that writes.

    `typed`    the command line
    `outputs`  the files at their final names that it writes, in the working directory
    `before`   outputs that are there already, with other content
    `resumes`  whether a run that was cut off goes on with --resume
    `slow`     starts processes of its own, so that it is tried less often
    """

    typed: str
    outputs: tuple[str, ...]
    before: tuple[str, ...] = ()
    resumes: bool = False
    slow: bool = False


_TRAIN = "train text.txt --valid valid.txt --test test.txt --hidden 8 --streams 4 --block 8 --seed 3 --backend numpy"
_OFTEN = "--save-every 1e-9"
SCENARIOS = {
    "train": Scenario(f"{_TRAIN} --epochs 3 {_OFTEN} -o m.rnnlm", ("m.rnnlm",), resumes=True),
    "train over a model": Scenario(
        f"{_TRAIN} --epochs 2 {_OFTEN} -o m.rnnlm", ("m.rnnlm",), ("m.rnnlm",), resumes=True
    ),
    "train, adam, jordan": Scenario(
        f"{_TRAIN} --model jordan --optimizer adam --horizon 12 --dropout 0.2 --epochs 2 {_OFTEN} -o m.rnnlm",
        ("m.rnnlm",),
        resumes=True,
    ),
    "train on held-out parts": Scenario(
        f"train text.txt --tokens prose --hidden 6 --streams 4 --block 8 --epochs 2 --backend numpy {_OFTEN}"
        " -o m.rnnlm",
        ("m.rnnlm",),
        resumes=True,
    ),
    "train --last": Scenario(
        f"{_TRAIN} --epochs 3 --last 2 -o m.rnnlm",
        ("m.rnnlm", "m.average.rnnlm", "m.checkpoints.rnnlm"),
        resumes=True,
    ),
    "train --runs": Scenario(
        f"{_TRAIN} --epochs 2 {_OFTEN} --runs 2 --jobs 2 -o m.rnnlm",
        ("m.rnnlm", "m.1.rnnlm", "m.2.rnnlm"),
        resumes=True,
        slow=True,
    ),
    "classify a table": Scenario(
        f"classify train table.csv --layers 5,4 --epochs 6 --batch 4 --backend numpy {_OFTEN} -o m.rnnlm",
        ("m.rnnlm",),
        resumes=True,
    ),
    "classify images": Scenario(
        "classify train images.npz --held-out 0.2 --epochs 4 --batch 2 --optimizer adam --backend numpy"
        f" --blocks 'conv 3 3, pool 2, batch, affine 5, dropout 0.2' {_OFTEN} -o m.rnnlm",
        ("m.rnnlm",),
        ("m.rnnlm",),
        resumes=True,
    ),
    "ngram": Scenario("ngram text.txt --valid valid.txt --order 4 -o m.rnnlm", ("m.rnnlm",), ("m.rnnlm",)),
    "ngram, ARPA": Scenario("ngram text.txt --valid valid.txt --order 3 -o m.arpa", ("m.arpa",), ("m.arpa",)),
    "ensemble": Scenario(
        "ensemble elman.rnnlm kneser_ney.rnnlm --fit valid.txt -o m.rnnlm", ("m.rnnlm",), ("m.rnnlm",)
    ),
    "cache": Scenario("cache kneser_ney.rnnlm --fit valid.txt -o m.rnnlm", ("m.rnnlm",)),
    "score, a table": Scenario("score elman.rnnlm text.txt --top 2 -o m.tsv", ("m.tsv",), ("m.tsv",)),
    "score, binary": Scenario("score elman.rnnlm text.txt --binary -o m.bin", ("m.bin",), ("m.bin",)),
    "corpus get": Scenario("corpus get a-zip --from corpus.zip", ()),
    "ppl, into the cache": Scenario("ppl elman.rnnlm text.txt", ()),
}


def make(folder: Path) -> None:
    """Write the files that the commands read."""
    import zipfile

    for name in ("elman.rnnlm", "kneser_ney.rnnlm", "table.csv", "images.npz"):
        shutil.copyfile(OLD_FILES / name, folder / name)
    rng = random.Random(1)
    nouns, verbs = ["cat", "dog", "man", "woman", "bird"], ["sees", "hears", "likes"]
    for name, lines in {"text.txt": 300, "valid.txt": 40, "test.txt": 40, "fresh.txt": 9}.items():
        rows = [f"the {rng.choice(nouns)} {rng.choice(verbs)} a {rng.choice(nouns)}" for _ in range(lines)]
        (folder / name).write_text("\n".join(rows) + "\n")
    with zipfile.ZipFile(folder / "corpus.zip", "w") as packed:
        for part in ("train", "valid", "test"):
            packed.writestr(zipfile.ZipInfo(f"{part}.tokens"), (folder / "text.txt").read_bytes())


def lay_out(scenario: Scenario, originals: Path, folder: Path) -> None:
    """Make a working directory with the files that the command reads, and old outputs where it has some."""
    shutil.copytree(originals, folder)
    for name in scenario.before:
        shutil.copyfile(originals / "elman.rnnlm", folder / name)


def arguments(scenario: Scenario, resume: bool = False) -> list[str]:
    """The command line as a list."""
    return [*shlex.split(scenario.typed), *(["--resume"] if resume else [])]


def names(folder: Path) -> set[str]:
    """All files in the working directory, and whatever in its cache is not where it belongs."""
    found = {path.name for path in folder.iterdir() if path.name != "cache"}
    return found | {str(path.relative_to(folder)) for path in folder.glob("cache/**/.*")}


def broken(scenario: Scenario, folder: Path, old: dict[str, bytes], whole: dict[str, bytes]) -> str:
    """What is wrong with the files at final names after a kill, empty if nothing; `old` and `whole` are contents."""
    for name in scenario.outputs:
        path = folder / name
        content = path.read_bytes() if path.exists() else None
        if content == old.get(name) or content == whole[name]:
            continue
        if content is None:
            return f"{name}, which was there before, is gone"
        if not scenario.resumes:
            return f"{name} is neither the old nor the new file"
        problem = _unreadable(path, "model")  # of an interrupted run, the best epoch until then
        if problem:
            return problem
    for path in folder.glob("*.checkpoint"):
        if problem := _unreadable(path, "checkpoint"):
            return problem
    return ""


def _unreadable(path: Path, what: str) -> str:
    try:
        storage.read(path, what)
        return ""
    except Exception as error:
        return f"{path.name} cannot be read: {error}"


def different(name: str, content: bytes, whole: bytes, folder: Path) -> str:
    """How a file differs from that of a run that nothing cut, empty if only by the command of its record."""
    if content == whole:
        return ""
    if not name.endswith(".rnnlm"):
        return f"{name} has other bytes than that of an unbroken run"
    (folder / "one").write_bytes(content)
    (folder / "two").write_bytes(whole)
    (header, arrays), (header_, arrays_) = (storage.read(folder / file, "model") for file in ("one", "two"))
    for file in ("one", "two"):
        (folder / file).unlink()
    if _without_commands(header) != _without_commands(header_) or arrays.keys() != arrays_.keys():
        return f"{name} has another header than that of an unbroken run"
    for key, array in arrays.items():
        if key.split(".")[-1] == "log":
            one, two = (_without_commands(json.loads(log.tobytes())) for log in (array, arrays_[key]))
            same = one == two
        else:
            same = array.tobytes() == arrays_[key].tobytes()
        if not same:
            return f"{name} has another {key} than that of an unbroken run"
    return ""


def _without_commands(value: Any) -> Any:
    """JSON data without the records of typed commands, of which one has --resume."""
    if isinstance(value, dict):
        return {key: _without_commands(item) for key, item in value.items() if key != "command"}
    return [_without_commands(item) for item in value] if isinstance(value, list) else value
