"""The settings of several runs in a TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import DataError, unknown_name
from ..options import declared
from .settings import Settings

# Settings that are the same for all runs: what computes, and whether to resume.
FOR_ALL = ("device", "precision", "backend", "threads", "resume")


def read_runs(path: str | Path, settings: Settings) -> list[Settings]:
    """The runs of a TOML file: an array of tables `[[run]]`, whose keys are the fields of `Settings`.

    A setting that a table leaves out is that of `settings`, except the output; "none" stands for None where a setting
    may have no number. DataError names file, run and key for whatever is not allowed.
    """
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror or error}. Give `runs` a number, or a TOML file of runs."
        ) from error
    except ValueError as error:  # no TOML, or no UTF-8
        raise DataError(f"{path} is not TOML: {error}. Give a table [[run]] for each run.") from error
    tables = content.pop("run", None)
    if content:
        raise DataError(f"{path}: {next(iter(content))!r} stands outside of a run. Put it under [[run]].")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise DataError(f"{path} has no runs. Give a table [[run]] for each, with two brackets.")
    declarations = {name: one for name, one in declared(Settings).items() if name not in FOR_ALL}
    runs = []
    for number, table in enumerate(tables, 1):
        for name in table:
            if name in FOR_ALL:
                raise DataError(f"{path}, run {number}: `{name}` is the same for all runs. Say it once, for all.")
            if name not in declarations:
                problem = unknown_name(f"setting {name!r}", name, declarations, allowed="Settings are")
                raise DataError(f"{path}, run {number}: {problem}")
        try:
            values: dict[str, Any] = {name: declarations[name].convert(value) for name, value in table.items()}
        except ValueError as error:
            raise DataError(f"{path}, run {number}: {error}.") from error
        runs.append(replace(settings, **{"output": None, **values}))
    return runs
