"""Starting a run from a model that was trained before: `from_model`."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import DataError, UsageError
from ..models import load
from ..models.files import unpack
from ..models.recurrent import RecurrentLM
from ..options import declared
from ..own_source import Trust
from ..stored import Stored
from .settings import Settings

# Options of a network that concern its training: those of the new run count. All others are the model's.
OF_THE_RUN = ("dropout", "input_dropout", "seed")


def starting_model(settings: Settings, trust: Trust = False) -> tuple[RecurrentLM, str]:
    """The network in the file `from_model`, with the dropout and the seed of these settings, and the file's SHA-256.

    Its `log` has one entry, {"kind": "from", "file", "sha256", "log"}, which holds the record of its training so far.
    `trust` says whether code that the model names may run. Raises DataError for a file that cannot be used, and for a
    model that is no single network.
    """
    path = Path(str(settings.from_model))
    model = load(path, trust=trust)
    if not isinstance(model, RecurrentLM):
        below = "Give the file of the network itself" if model.submodels else "Train a network, such as --model rnnlm"
        raise DataError(
            f"{path} holds a model of the kind {model.kind}, and training goes on with a single network. {below}."
        )
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    header, arrays = model.to_arrays()
    config = header["config"] | {name: getattr(settings, name) for name in OF_THE_RUN}
    started = unpack(Stored(header | {"config": config}, arrays, path.parent, trust=True))  # its code has run already
    assert isinstance(started, RecurrentLM)
    started.log = [{"kind": "from", "file": str(path), "sha256": sha256, "log": model.log}]
    return started, sha256


def with_structure(settings: Settings, model: RecurrentLM) -> Settings:
    """The settings with the network's own options: its kind, sizes, activation and output layer, and its tokenizer.

    Raises UsageError for an option of the network or the vocabulary that was given and is another than the model's.
    """
    name = model.config["recurrence"] if model.kind == "custom" else model.kind
    own: dict[str, Any] = {"model": name, "tokens": model.tokenizer}
    own |= {name: value for name, value in model.config.items() if name not in (*OF_THE_RUN, "recurrence")}
    declarations = declared(Settings)
    for option in ("max_vocab", "min_count", *own):
        if option not in declarations:  # such as the precision of the weights, which no command sets
            continue
        given, its = getattr(settings, option), own.get(option)
        if given != declarations[option].default and given != its:
            has = f"has {option}={its!r}" if option in own else "has a vocabulary already"
            raise UsageError(f"{option}={given!r} cannot be chosen: {settings.from_model} {has}. Leave it out.")
    changed: dict[str, Any] = {name: value for name, value in own.items() if name in declarations}
    return replace(settings, **changed)
