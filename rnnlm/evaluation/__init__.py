"""Scoring texts with any model: probability streams, perplexity, mixtures, significance tests and sampling."""

from .external import external, is_external
from .labelling import best_path, label_error_rate
from .log_linear import fit_geometric
from .mixing import fit_linear, greedy_path, mixture
from .perplexity import Perplexity, perplexity, stream_perplexity
from .sampling import Sample, sample
from .score import in_ids_of, score
from .significance import compare, perplexity_interval
from .stream import Stream, require_same
from .stream_files import read_stream, write_binary
from .stream_tsv import write_tsv

__all__ = [
    "Perplexity",
    "Sample",
    "Stream",
    "best_path",
    "compare",
    "external",
    "fit_geometric",
    "fit_linear",
    "greedy_path",
    "in_ids_of",
    "is_external",
    "label_error_rate",
    "mixture",
    "perplexity",
    "perplexity_interval",
    "read_stream",
    "require_same",
    "sample",
    "score",
    "stream_perplexity",
    "write_binary",
    "write_tsv",
]
