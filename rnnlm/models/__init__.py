"""What a user names, a file each: `MODELS` are those that `rnnlm train --model` trains, `KINDS` all in model files."""

from .averaging import average
from .cache import CacheLM
from .cache_fit import fit_cache, fit_continuous_cache
from .classifier import Classifier
from .continuous_cache import ContinuousCacheLM
from .convnet import ConvNet
from .convolution_lm import ConvolutionLM
from .custom import CustomLM
from .elman import ElmanLM
from .feedforward import FeedForward
from .feedforward_lm import FeedForwardLM
from .files import load, load_any, load_classifier, load_together, save
from .jordan import JordanLM
from .language_model import LanguageModel
from .mixture import MixtureLM
from .ngram import NgramLM
from .recurrent import RecurrentLM
from .rnnlm import MikolovLM

MODELS: dict[str, type[RecurrentLM]] = {
    model.kind: model for model in (ElmanLM, JordanLM, MikolovLM, FeedForwardLM, ConvolutionLM)
}
CLASSIFIERS: dict[str, type[Classifier]] = {model.kind: model for model in (FeedForward, ConvNet)}
KINDS: dict[str, type[LanguageModel]] = {  # every kind of model file
    **MODELS,
    **{model.kind: model for model in (CustomLM, NgramLM, CacheLM, ContinuousCacheLM, MixtureLM)},
}

__all__ = [
    "CLASSIFIERS",
    "KINDS",
    "MODELS",
    "CacheLM",
    "Classifier",
    "ContinuousCacheLM",
    "ConvNet",
    "ConvolutionLM",
    "CustomLM",
    "ElmanLM",
    "FeedForward",
    "FeedForwardLM",
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
    "load_any",
    "load_classifier",
    "load_together",
    "save",
]
