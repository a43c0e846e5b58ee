"""The reference backend: all operations in plain array code, for any array library that looks like NumPy."""

from __future__ import annotations

from .class_softmax import ClassSoftmaxOps
from .clipping import ClippingOps
from .context import ContextOps
from .ctc import CtcOps
from .elman import ElmanOps
from .gating import GatingOps
from .jordan import JordanOps
from .ngrams import NgramOps
from .normalization import NormalizationOps
from .pooling import PoolingOps
from .sums import SumOps
from .tables import TableOps
from .updates import UpdateOps


class Reference(
    ElmanOps,
    JordanOps,
    GatingOps,
    ClassSoftmaxOps,
    CtcOps,
    ContextOps,
    TableOps,
    ClippingOps,
    NgramOps,
    NormalizationOps,
    PoolingOps,
    SumOps,
    UpdateOps,
):
    """Every operation, stated once and as plainly as in a textbook; every faster backend is compared with it."""

    threads = 1

    @property
    def description(self) -> str:
        """What works, and on how many threads, for a person."""
        name = {"numpy": "NumPy", "numba": "Numba", "cupy": "CuPy"}.get(self.name, self.name)
        return f"{name} on {self.threads} thread{'s' * (self.threads > 1)}"
