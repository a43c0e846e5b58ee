"""`rnnlm`: train, evaluate and sample recurrent-network language models.

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
    from .models import load
    from .text import Corpus, Vocabulary
    from .training import train

__version__ = "0.1.0"
__all__ = ["Corpus", "Vocabulary", "load", "perplexity", "sample", "train"]

_HOME = {
    "Corpus": "text",
    "Vocabulary": "text",
    "load": "models",
    "perplexity": "evaluation",
    "sample": "evaluation",
    "train": "training",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'rnnlm' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value
