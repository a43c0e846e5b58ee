"""The table of kinds of model: the name in a model file, and the module and class that stand for it.

A new kind is one file and one line here. The table holds names instead of classes because some models read other models
from files, so that their modules need this one; `find` imports the class that is asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

NETWORKS = {  # what `rnnlm train` trains on a text, by the name of its option `model`
    "elman": "elman.ElmanLM",
    "jordan": "jordan.JordanLM",
    "rnnlm": "rnnlm.MikolovLM",
    "bengio": "feedforward_lm.FeedForwardLM",
    "convolution": "convolution_lm.ConvolutionLM",
}
OTHERS = {  # all other language models that a file may hold
    "custom": "custom.CustomLM",
    "ngram": "ngram.NgramLM",
    "cache": "cache.CacheLM",
    "continuous-cache": "continuous_cache.ContinuousCacheLM",
    "mixture": "mixture.MixtureLM",
    "with-unk": "with_unk.WithUnkLM",
}
CLASSIFIERS = {  # what `rnnlm classify train` trains
    "feedforward": "feedforward.FeedForward",
    "convnet": "convnet.ConvNet",
}


def find(kind: str, *tables: Mapping[str, str]) -> Any:
    """The class of a kind, from the first of the tables that has it; None where none has."""
    for table in tables:
        if kind in table:
            module, name = table[kind].split(".")
            return getattr(importlib.import_module(f".{module}", __package__), name)
    return None


def classes(table: Mapping[str, str]) -> dict[str, Any]:
    """All classes of a table, by kind."""
    return {kind: find(kind, table) for kind in table}
