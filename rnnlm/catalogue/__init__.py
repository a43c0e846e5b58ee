"""The named corpora: the catalogue, and fetching its files, checked by their hashes, into the cache.

| file                     | what                                                             |
|--------------------------|------------------------------------------------------------------|
| entry                    | a corpus in the catalogue, and its files                         |
| corpora                  | the catalogue; fetching a corpus; `NAME:PART` as a source        |
| sources, fetch, digits   | how the files of each kind of corpus are made and checked        |
| grammar, grammar_entropy | artificial languages whose best possible perplexity is known     |
| data                     | the files that are installed with the package                    |
"""

from .corpora import entries, files_of, get, holds, is_name, part
from .entry import LABELLED, PARTS, TEXT, Entry, Fetched

__all__ = ["LABELLED", "PARTS", "TEXT", "Entry", "Fetched", "entries", "files_of", "get", "holds", "is_name", "part"]
