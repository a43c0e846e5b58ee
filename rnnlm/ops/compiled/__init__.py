"""The hot loops, compiled by Numba: only `ops/cpu` calls them, and only this folder imports Numba.

Every kernel works on a part of its rows (streams, tokens, words) that the caller names, releases the interpreter lock,
and computes each number in an order that does not depend on the part: so any number of threads gives the same bits.
Arrays are C-contiguous; offsets are in elements, on the flattened array. `jit` says how they are compiled, `vectors`
has the two innermost loops of all matrix products as vector instructions.
"""
