"""Counts of n-grams, their smoothing, pruning and files: what n-gram models are made of."""
