"""`rnnlm corpus`: the named corpora, texts and labelled data."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

import click

from .console import paint, result, result_json, say
from .options import json_option


@click.group()
def command() -> None:
    """Named corpora: texts, artificial grammars and labelled data.

    A name can stand for a text in `rnnlm train NAME`, and for labelled data in `rnnlm classify train NAME`.
    """


@command.command("list")
@json_option
def list_corpora(as_json: bool) -> None:
    """The catalogue, with licence and size."""
    from .. import catalogue

    entries = catalogue.entries()
    if as_json:
        result_json({name: asdict(entry) | {"content": entry.content} for name, entry in entries.items()})
        return
    width = max(map(len, entries))
    for name, entry in entries.items():
        size = "made here" if entry.size is None else f"{entry.size / 1e6:.1f} MB"
        result(f"{paint(name.ljust(width), 'cyan', sys.stdout)}  {entry.description}")
        sha256 = f"; sha256 {entry.sha256[:12]}…" if entry.sha256 else ""
        content = "" if entry.content == catalogue.TEXT else f"{entry.content}; "
        result(f"{' ' * width}  {content}{size}{sha256}; licence: {entry.licence}")
    say(_cache_line())


@command.command("clear")
@click.option("--all", "everything", is_flag=True, help="Remove fetched corpora too, to be fetched or given again.")
def clear_cache(everything: bool) -> None:
    """Empty the cache: encoded texts and compiled kernels.

    They are made again when they are needed. Files that another process has open stay readable to it.
    """
    from .. import cache_room
    from ..cache_folder import cache_folder, temporary_cache

    for folder in filter(None, (cache_folder(), temporary_cache(make=False))):
        removed = cache_room.clear(folder, corpora=everything)
        say(f"{removed / 1e6:,.1f} MB removed from {folder}")
    say(_cache_line())


def _cache_line() -> str:
    """The line that says where the cache is and how large."""
    from .. import cache_room
    from ..cache_folder import cache_folder

    folder = cache_folder()
    if folder is None:
        return "cache: none, since no home folder is known. Set RNNLM_CACHE to a folder with room."
    parts = ", ".join(f"{size / 1e6:,.1f} MB of {what}" for what, size in cache_room.sizes(folder).items())
    limit = cache_room.size_limit()
    most = "without a limit" if limit == float("inf") else f"{limit / 1e9:,.4g} GB of encoded texts at most"
    return f"cache {folder}: {parts}; {most} (RNNLM_CACHE_SIZE); `rnnlm corpus clear` empties it"


@command.command("get")
@click.argument("name")
@click.option(
    "--from", "source", metavar="PATH", help="A copy that you have: the folder of a licensed corpus, or the archive."
)
@json_option
def get_corpus(name: str, source: str | None, as_json: bool) -> None:
    """Get a corpus and print where its files are.

    The corpus NAME is fetched, checked and unpacked into the cache.
    """
    from .. import catalogue

    bar: Any = None

    def progress(done: int, total: int | None) -> None:
        nonlocal bar
        if bar is None:
            from tqdm import tqdm

            bar = tqdm(desc=name, total=total, unit="B", unit_scale=True, leave=False, disable=not sys.stderr.isatty())
        bar.update(done - bar.n)

    fetched = catalogue.get(name, source=source, progress=progress, content=None)
    if bar is not None:
        bar.close()
    files = {part: path for part in catalogue.PARTS if (path := getattr(fetched, part)) is not None}
    if as_json:
        facts: dict[str, Any] = {part: str(path) for part, path in files.items()}
        facts |= {"content": fetched.entry.content, "tokenizer": fetched.tokenizer or None, "sha256": fetched.sha256}
        result_json(facts | {"source_perplexity": fetched.source_perplexity})
        return
    for part, path in files.items():
        result(f"{paint(part, 'cyan', sys.stdout)}\t{path}")
    what = f"tokenizer {fetched.tokenizer}" if fetched.tokenizer else fetched.entry.content
    say(f"licence: {fetched.entry.licence}; sha256 {fetched.sha256}; {what}")
    if fetched.entry.sha256 not in (None, fetched.sha256):
        say(f"this copy is not the one that the field measures on, whose sha256 is {fetched.entry.sha256}", "yellow")
    if fetched.source_perplexity is not None:
        say(f"perplexity of a perfect model: {fetched.source_perplexity:.4f} per token")
    verb = "train" if fetched.entry.content == catalogue.TEXT else "classify train"
    say(f"Next: rnnlm {verb} {name}", "green")
