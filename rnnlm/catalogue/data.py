"""The data files that are installed with the package: the catalogue of corpora and the grammars."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from ..errors import DataError


def corpora_folder() -> Path:
    """Return the folder `corpora`: inside the installed package, or beside it in a checkout.

    Raises DataError where neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "corpora", package.parent / "corpora"):
        if (folder / "catalogue.toml").is_file():
            return folder
    raise DataError(f"the folder corpora is missing from {package}. Install rnnlm-kit again.")


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file. Raises DataError where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}.") from None
