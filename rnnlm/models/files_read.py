"""The files that a model needs besides its own: those of a mixture's members, and the user's own sources."""

from __future__ import annotations

from pathlib import Path

from ..declared_files import NamedFile
from ..own_source import file_of
from .custom import CustomLM
from .language_model import LanguageModel
from .mixture import MixtureLM
from .model import Model


def files_read(model: Model, path: str | Path) -> list[NamedFile]:
    """Return the files that were read to load the model in the file `path`, that one included."""
    return [NamedFile("the model", path), *_beside(model, Path(path).parent)]


def _beside(model: Model, folder: Path) -> list[NamedFile]:
    """The files that a model refers to, whose own file, or that which contains it, is in `folder`."""
    files = []
    for use, name in (
        ("the recurrence", model.config["recurrence"] if isinstance(model, CustomLM) else ""),
        ("the tokenizer", model.encoding.tokenizer if isinstance(model, LanguageModel) else ""),
    ):
        source = file_of(name)
        if source is not None:  # where `own_source.find` looks
            files += [NamedFile(use, place) for place in (source, folder / source, folder / source.name)]
    members = model.files if isinstance(model, MixtureLM) else None
    for place, part in enumerate(model.submodels):
        if members is None:
            files += _beside(part, folder)
        else:
            files += [NamedFile("a member", members[place]), *_beside(part, members[place].parent)]
    return files
