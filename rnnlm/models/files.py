"""Models as files that outlive the code: arrays, constructor keywords, vocabulary, tokenizer, log; no pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .. import storage
from ..errors import DataError
from ..ops import ops_for
from ..outputs import ClassMap
from ..text.vocabulary import Vocabulary
from .language_model import LanguageModel
from .recurrent import RecurrentLM


def to_arrays(model: RecurrentLM) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The header and the arrays from which `from_arrays` makes the same model again."""
    header = {"kind": model.kind, "config": model.config, "tokenizer": model.tokenizer}
    arrays = {name: ops_for(param.value).to_host(param.value) for name, param in model.params.items()}
    arrays["vocabulary.words"] = storage.json_array(model.vocabulary.words)
    arrays["log"] = storage.json_array(model.log)
    arrays["vocabulary.counts"] = np.asarray(model.vocabulary.counts, dtype=np.int64)
    if model.class_map is not None:
        arrays["class_start"] = model.class_map.start
    return header, arrays


def from_arrays(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> RecurrentLM:
    """The model that `to_arrays` took apart. KeyError or ValueError when something is missing or misshapen."""
    from . import MODELS

    words = storage.from_json_array(arrays.pop("vocabulary.words"))
    vocabulary = Vocabulary(words, arrays.pop("vocabulary.counts"))
    class_map = ClassMap(arrays.pop("class_start")) if "class_start" in arrays else None
    kind = header["kind"]
    if kind not in MODELS:
        raise DataError(
            f"the model is of the kind {kind!r}, which this rnnlm does not know. Install a newer rnnlm-kit."
        )
    model = MODELS[kind](vocabulary, tokenizer=header["tokenizer"], class_map=class_map, **header["config"])
    model.log = storage.from_json_array(arrays.pop("log"))
    for name, param in model.params.items():
        array = arrays[name]
        if array.shape != param.value.shape:
            raise ValueError(f"array {name} has the shape {array.shape}, the model needs {param.value.shape}")
        param.set(array)
    return model


def save(model: LanguageModel, path: str | Path) -> None:
    """Write the model to a file, whole or not at all. DataError when the place cannot be written."""
    if not isinstance(model, RecurrentLM):
        raise TypeError(f"a {type(model).__name__} has no arrays to save")
    storage.write(path, "model", *to_arrays(model))


def load(path: str | Path) -> LanguageModel:
    """The model in a file. DataError for a file that is missing, damaged, of a newer version, or something else."""
    header, arrays = storage.read(path, "model")
    try:
        return from_arrays(header, arrays)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(
            f"{path} cannot be used as a model: {error!r}. Train it again, or install a newer rnnlm-kit."
        ) from error
