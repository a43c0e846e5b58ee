"""The models, one a file: `MODELS` are those that `rnnlm train` trains, `KINDS` all that a model file may hold."""

from . import kinds
from .averaging import average
from .cache import CacheLM
from .classifier import Classifier
from .continuous_cache import ContinuousCacheLM
from .convnet import ConvNet
from .convolution_lm import ConvolutionLM
from .custom import CustomLM
from .elman import ElmanLM
from .feedforward import FeedForward
from .feedforward_lm import FeedForwardLM
from .files import load, load_any, load_classifier
from .jordan import JordanLM
from .language_model import LanguageModel
from .mixture import MixtureLM
from .ngram import NgramLM
from .recurrent import RecurrentLM
from .rnnlm import MikolovLM
from .together import load_together
from .with_unk import WithUnkLM

MODELS: dict[str, type[RecurrentLM]] = kinds.classes(kinds.NETWORKS)
CLASSIFIERS: dict[str, type[Classifier]] = kinds.classes(kinds.CLASSIFIERS)
KINDS: dict[str, type[LanguageModel]] = {**MODELS, **kinds.classes(kinds.OTHERS)}  # every kind of model file

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
    "WithUnkLM",
    "average",
    "load",
    "load_any",
    "load_classifier",
    "load_together",
]
