"""A language model whose probabilities stand in a table, so that they can be worked out by hand."""

from __future__ import annotations

import numpy as np

from rnnlm.models import LanguageModel
from rnnlm.text import Vocabulary
from rnnlm.text.encoding import as_encoding


class WordTable(LanguageModel):
    """P(word | the word before) from a table (V + 1, V): a row for each word before, the last one for none."""

    kind = "table"

    def __init__(self, table, words):
        self.encoding = as_encoding(Vocabulary(words, [1] * len(words)))
        self.table = np.array(table, dtype=np.float64)
        self.config, self.log = {}, []

    def start(self, batch=1):
        return (np.zeros((batch, 1)),)

    def score(self, x, y, state, keep=None):
        with np.errstate(divide="ignore"):
            return np.where(y < 0, 0.0, np.log(self.table[x, y])), state

    def next(self, x, state):
        with np.errstate(divide="ignore"):
            return np.log(self.table[x]), state
