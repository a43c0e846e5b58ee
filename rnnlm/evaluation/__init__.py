"""What a trained model is worth, and what it says: perplexity and sampling on one interface for all models."""

from .perplexity import Perplexity, perplexity
from .sampling import Sample, sample

__all__ = ["Perplexity", "Sample", "perplexity", "sample"]
