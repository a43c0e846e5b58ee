"""Discounts from counts of counts, and which ones to use where a text gives none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LARGEST = 3  # counts of three and more share a discount
FALL_BACK = (0.5, 1.0, 1.5)


@dataclass(frozen=True)
class Discounts:
    """D1, D2 and D3+: what is subtracted from the count of an n-gram that occurs once, twice, more often.

    `note` says why they are not those of the formula; it is empty if they are.
    """

    values: tuple[float, float, float]
    note: str = ""

    def of(self, counts: np.ndarray) -> np.ndarray:
        """The discount of each count: (n,) -> (n,) float64."""
        return np.array([0.0, *self.values])[np.minimum(counts, LARGEST)]


def count_of_counts(counts: np.ndarray) -> np.ndarray:
    """n_1 … n_4: how many of the counts (n,) are 1, 2, 3 and 4."""
    return np.bincount(np.minimum(counts, LARGEST + 2), minlength=LARGEST + 3)[1 : LARGEST + 2]


def modified(n: np.ndarray, order: int) -> Discounts:
    """The discounts of modified Kneser–Ney smoothing: Y = n1 / (n1 + 2 n2), D_i = i - (i + 1) Y n_{i+1} / n_i.

    They suppose that rare n-grams thin out as in ordinary text: that n1 … n3 are not zero and 0 < D_i ≤ i. Small,
    repetitive and character texts break that. Then the one discount Y of absolute discounting stands for all three
    where n1 and n2 give it, else 0.5, 1 and 1.5. S. F. Chen and J. Goodman, "An empirical study of smoothing techniques
    for language modeling", TR-10-98, Harvard, 1998.
    """
    n1, n2, n3, n4 = (int(count) for count in n)
    if n1 and n2 and n3:
        y = n1 / (n1 + 2 * n2)
        d = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
        if all(0 < d_i <= i for i, d_i in enumerate(d, 1)):
            return Discounts(d)
        values = ", ".join(f"{d_i:.3g}" for d_i in d)
        problem = f"their counts of counts {n1:,}, {n2:,}, {n3:,}, {n4:,} would give D = {values}"
    else:
        missing = next(i for i, count in enumerate((n1, n2, n3), 1) if not count)
        problem = f"none of them occurs exactly {('once', 'twice', 'three times')[missing - 1]}"
    if n1 and n2:
        y = n1 / (n1 + 2 * n2)
        return Discounts((y, y, y), f"order {order}: {problem}; one discount n1 / (n1 + 2 n2) = {y:.3g} stands for all")
    return Discounts(FALL_BACK, f"order {order}: {problem}; the discounts 0.5, 1 and 1.5 stand in")


def absolute(n: np.ndarray, order: int) -> Discounts:
    """The one discount of absolute discounting, D = n1 / (n1 + 2 n2), or 0.5 where the text gives none.

    H. Ney, U. Essen and R. Kneser, "On structuring probabilistic dependences in stochastic language modelling",
    Computer Speech and Language 8, 1994.
    """
    n1, n2 = int(n[0]), int(n[1])
    if n1 and n2:
        d = n1 / (n1 + 2 * n2)
        return Discounts((d, d, d))
    often = "twice" if n1 else "once"
    return Discounts((0.5, 0.5, 0.5), f"order {order}: none of them occurs exactly {often}; the discount 0.5 stands in")
