"""Sums, products and maxima over flat arrays, of which kernels are made."""

from __future__ import annotations

from .jit import kernel, maximum, reduction


@maximum
def largest(a):
    """max a; a is not empty."""
    top = a[0]
    for i in range(a.size):
        top = a[i] if a[i] > top else top
    return top


@reduction
def total(a):
    """Σ a."""
    s = a.dtype.type(0)
    for i in range(a.size):
        s += a[i]
    return s


@reduction
def square_total(a):
    """Σ a²."""
    s = a.dtype.type(0)
    for i in range(a.size):
        s += a[i] * a[i]
    return s


@reduction
def inner(a, b):
    """Σ a b."""
    s = a.dtype.type(0)
    for i in range(a.size):
        s += a[i] * b[i]
    return s


@kernel
def add(a, b):
    """a += b."""
    for i in range(a.size):
        a[i] += b[i]
