"""The reference backend: all operations in plain array code, for any array library that looks like NumPy."""

from __future__ import annotations

from .recurrence import RecurrenceOps
from .tables import TableOps


class Reference(RecurrenceOps, TableOps):
    """Every operation, stated once and as plainly as the textbook: the judge of every faster backend."""
