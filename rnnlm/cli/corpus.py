"""`rnnlm corpus`: the named corpora."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

import click

from .console import paint, result, result_json, say


@click.group()
def command() -> None:
    """Named corpora and artificial grammars. A name can stand for a text in `rnnlm train NAME`."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def list_corpora(as_json: bool) -> None:
    """The catalogue, with licence and size."""
    from ..text import catalogue

    entries = catalogue.entries()
    if as_json:
        result_json({name: asdict(entry) for name, entry in entries.items()})
        return
    width = max(map(len, entries))
    for name, entry in entries.items():
        size = "made here" if entry.size is None else f"{entry.size / 1e6:.1f} MB"
        result(f"{paint(name.ljust(width), 'cyan', sys.stdout)}  {entry.description}")
        sha256 = f"; sha256 {entry.sha256[:12]}…" if entry.sha256 else ""
        result(f"{' ' * width}  {size}{sha256}; licence: {entry.licence}")


@command.command("get")
@click.argument("name")
@click.option(
    "--from", "source", metavar="PATH", help="A copy that you have: the folder of a licensed corpus, or the archive."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def get_corpus(name: str, source: str | None, as_json: bool) -> None:
    """Fetch, check and unpack the corpus NAME into the cache; prints where its files are."""
    from ..text import catalogue

    bar: Any = None

    def progress(done: int, total: int | None) -> None:
        nonlocal bar
        if bar is None:
            from tqdm import tqdm

            bar = tqdm(desc=name, total=total, unit="B", unit_scale=True, leave=False, disable=not sys.stderr.isatty())
        bar.update(done - bar.n)

    fetched = catalogue.get(name, source=source, progress=progress)
    if bar is not None:
        bar.close()
    files = {part: path for part in ("train", "valid", "test") if (path := getattr(fetched, part)) is not None}
    if as_json:
        facts: dict[str, Any] = {part: str(path) for part, path in files.items()}
        facts |= {"tokenizer": fetched.tokenizer, "sha256": fetched.sha256}
        result_json(facts | {"source_perplexity": fetched.source_perplexity})
        return
    for part, path in files.items():
        result(f"{paint(part, 'cyan', sys.stdout)}\t{path}")
    say(f"licence: {fetched.entry.licence}; sha256 {fetched.sha256}; tokenizer {fetched.tokenizer}")
    if fetched.entry.sha256 not in (None, fetched.sha256):
        say(f"this copy is not the one that the field measures on, whose sha256 is {fetched.entry.sha256}", "yellow")
    if fetched.source_perplexity is not None:
        say(f"perplexity of a perfect model: {fetched.source_perplexity:.4f} per token")
    say(f"Next: rnnlm train {name}", "green")
