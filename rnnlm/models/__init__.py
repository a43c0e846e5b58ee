"""What a user names, a file each: `MODELS` are those that `rnnlm train --model` trains, `KINDS` all in model files."""

from .elman import ElmanLM
from .files import load, save
from .jordan import JordanLM
from .language_model import LanguageModel
from .ngram import NgramLM
from .recurrent import RecurrentLM
from .rnnlm import MikolovLM

MODELS: dict[str, type[RecurrentLM]] = {model.kind: model for model in (ElmanLM, JordanLM, MikolovLM)}
KINDS: dict[str, type[LanguageModel]] = {**MODELS, NgramLM.kind: NgramLM}  # every kind of model file

__all__ = [
    "KINDS",
    "MODELS",
    "ElmanLM",
    "JordanLM",
    "LanguageModel",
    "MikolovLM",
    "NgramLM",
    "RecurrentLM",
    "load",
    "save",
]
