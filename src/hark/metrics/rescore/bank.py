"""What all corrections share: the check of what they are given, and the logarithm of a sum of exponentials."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hark.core.types import Scores

Rescore: TypeAlias = Callable[[Scores, Scores | None], Scores]
"""What a correction's `Config.build()` gives."""

Matrix = NDArray[np.float64]


def checked(scores: Scores, bank: Scores | None) -> tuple[Matrix, Matrix]:
    """Scores and bank in float64; the scores themselves where there is no bank.

    Raises ValueError where they are not of the same items, empty, or not finite.
    """
    found = scores if bank is None else bank
    if scores.ndim != 2 or found.ndim != 2 or scores.shape[1] != found.shape[1] or not len(found):
        raise ValueError(
            f"scores {scores.shape} and bank {found.shape}; both must be (queries, items) of the same items"
        )
    if not (np.isfinite(scores).all() and np.isfinite(found).all()):
        raise ValueError("a score is not finite")
    return scores.astype(np.float64), found.astype(np.float64)


def log_sum(matrix: Matrix, axis: int) -> Matrix:
    """log(sum(exp(matrix))) along an axis, which stays as one of length 1."""
    top = matrix.max(axis=axis, keepdims=True)
    found: Matrix = top + np.log(np.exp(matrix - top).sum(axis=axis, keepdims=True))
    return found


def positive(name: str, value: float) -> None:
    """Raises ValueError for a setting that must be above 0."""
    if not value > 0:
        raise ValueError(f"{name} is {value}; it must be above 0")
