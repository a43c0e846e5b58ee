"""What a trained model is worth, and what it says: one probability stream, perplexity and sampling for all models."""

from .perplexity import Perplexity, perplexity, stream_perplexity
from .sampling import Sample, sample
from .score import score
from .stream import Stream, require_same

__all__ = ["Perplexity", "Sample", "Stream", "perplexity", "require_same", "sample", "score", "stream_perplexity"]
