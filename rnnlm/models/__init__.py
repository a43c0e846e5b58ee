"""What a user names, a file each: `MODELS` are those that `rnnlm train --model` trains, `KINDS` all in model files."""

from .averaging import average
from .cache import CacheLM
from .cache_fit import fit_cache, fit_continuous_cache
from .continuous_cache import ContinuousCacheLM
from .elman import ElmanLM
from .files import load, load_together, save
from .jordan import JordanLM
from .language_model import LanguageModel
from .mixture import MixtureLM
from .ngram import NgramLM
from .recurrent import RecurrentLM
from .rnnlm import MikolovLM

MODELS: dict[str, type[RecurrentLM]] = {model.kind: model for model in (ElmanLM, JordanLM, MikolovLM)}
KINDS: dict[str, type[LanguageModel]] = {  # every kind of model file
    **MODELS,
    **{model.kind: model for model in (NgramLM, CacheLM, ContinuousCacheLM, MixtureLM)},
}

__all__ = [
    "KINDS",
    "MODELS",
    "CacheLM",
    "ContinuousCacheLM",
    "ElmanLM",
    "JordanLM",
    "LanguageModel",
    "MikolovLM",
    "MixtureLM",
    "NgramLM",
    "RecurrentLM",
    "average",
    "fit_cache",
    "fit_continuous_cache",
    "load",
    "load_together",
    "save",
]
