"""What a user names: each model is a file, and `MODELS` lists them by the name that `--model` and model files use."""

from .elman import ElmanLM
from .files import load, save
from .jordan import JordanLM
from .language_model import LanguageModel
from .recurrent import RecurrentLM
from .rnnlm import MikolovLM

MODELS: dict[str, type[RecurrentLM]] = {model.kind: model for model in (ElmanLM, JordanLM, MikolovLM)}

__all__ = ["MODELS", "ElmanLM", "JordanLM", "LanguageModel", "MikolovLM", "RecurrentLM", "load", "save"]
