"""From characters to ids: tokenizers, vocabularies, corpora and windows.

    corpus = Corpus.encode("train.txt")
    for x, y, keep in windows(corpus.ids, streams=10, steps=20): ...

| file          | what                                                        |
|---------------|-------------------------------------------------------------|
| tokenizers    | the four rules by name: words · prose · characters          |
| vocabulary    | words sorted by count                                       |
| files, pieces | bytes of a text, in pieces that hurt no token               |
| encode, parts | a text of any size into a file of ids · where it is cut     |
| corpus        | the ids of a text, cached                                   |
| windows       | T steps over B parallel streams                             |
"""

from .corpus import Corpus
from .tokenizers import TOKENIZERS, tokenizer
from .vocabulary import EOS, UNK, Vocabulary
from .windows import window_count, windows

__all__ = ["EOS", "TOKENIZERS", "UNK", "Corpus", "Vocabulary", "tokenizer", "window_count", "windows"]
