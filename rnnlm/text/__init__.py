"""From characters to ids: encodings, corpora and windows.

    corpus = Corpus.encode("train.txt")
    for x, y, keep in windows(corpus.ids, streams=10, steps=20): ...

| file                     | what                                                            |
|--------------------------|-----------------------------------------------------------------|
| tokenizer                | what a tokenizer is: the base class of all, also of your own    |
| tokenizers               | the rules by name: words · prose · characters                   |
| vocabulary, encoding     | words sorted by count · tokenizer and vocabulary as one value   |
| places                   | where a token stands in its text                                |
| tokenizer_check          | the contract of tokenizers, checked on a text                   |
| files, pieces            | bytes of a text, in pieces that cut no token in two             |
| encode, parts, learning  | a text of any size to a file of ids · cutting it into parts     |
| id_cache                 | the files of ids, keyed by the content of the text              |
| corpus                   | the ids of a text                                               |
| windows                  | T steps over B parallel streams                                 |
"""

from .corpus import Corpus
from .encoding import Encoding, as_encoding
from .places import Place
from .tokenizer import Tokenizer
from .tokenizer_check import check_tokenizer
from .tokenizers import TOKENIZERS, tokenizer
from .vocabulary import EOS, UNK, Vocabulary
from .windows import window_count, windows

__all__ = [
    "EOS",
    "TOKENIZERS",
    "UNK",
    "Corpus",
    "Encoding",
    "Place",
    "Tokenizer",
    "Vocabulary",
    "as_encoding",
    "check_tokenizer",
    "tokenizer",
    "window_count",
    "windows",
]
