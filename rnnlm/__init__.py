"""`rnnlm`: train, evaluate, mix and sample recurrent-network language models, with n-grams beside them.

    lm = rnnlm.load("m.rnnlm")
    lm.perplexity("text.txt")
    lm.sample("In the beginning", 20, seed=1)
    rnnlm.train("text.txt", hidden=200)

Names are imported when they are first used, so `import rnnlm` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .evaluation.perplexity import perplexity
    from .evaluation.sampling import sample
    from .evaluation.score import score
    from .evaluation.significance import compare
    from .models import (
        CacheLM,
        ContinuousCacheLM,
        ConvNet,
        FeedForward,
        MixtureLM,
        NgramLM,
        load,
        load_classifier,
    )
    from .recurrent import Recurrence
    from .text import Corpus, Encoding, Tokenizer, Vocabulary, check_tokenizer
    from .training import fit_cache, train, train_classifier

__version__ = "0.1.0"
__all__ = [
    "CacheLM",
    "ContinuousCacheLM",
    "ConvNet",
    "Corpus",
    "Encoding",
    "FeedForward",
    "MixtureLM",
    "NgramLM",
    "Recurrence",
    "Tokenizer",
    "Vocabulary",
    "check_tokenizer",
    "compare",
    "fit_cache",
    "load",
    "load_classifier",
    "perplexity",
    "sample",
    "score",
    "train",
    "train_classifier",
]

_HOME = {
    **dict.fromkeys(("CacheLM", "ContinuousCacheLM", "ConvNet", "FeedForward", "MixtureLM", "NgramLM"), "models"),
    **dict.fromkeys(("load", "load_classifier"), "models"),
    **dict.fromkeys(("compare", "perplexity", "sample", "score"), "evaluation"),
    **dict.fromkeys(("Corpus", "Encoding", "Tokenizer", "Vocabulary", "check_tokenizer"), "text"),
    "Recurrence": "recurrent",
    **dict.fromkeys(("fit_cache", "train", "train_classifier"), "training"),
}


def __dir__() -> list[str]:
    return [*__all__, "__version__", "errors", "testing"]


def __getattr__(name: str) -> Any:
    if name in ("errors", "testing"):
        return importlib.import_module(f".{name}", __name__)
    if name not in _HOME:
        raise AttributeError(f"module 'rnnlm' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value
