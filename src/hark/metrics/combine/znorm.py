"""The weighted mean of scores that each have mean 0 and deviation 1, so that no member counts more by its scale."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hark.core.types import Scores
from hark.metrics.combine.members import Combine, Matrix, weighted_mean

Over = Literal["query", "member"]


@dataclass(frozen=True)
class Config:
    """`over` "query": each query's scores are normalised by themselves; "member": all of a member's at once.

    The second sees all queries together, so a query's ranking depends on which others are asked.
    """

    over: Over = "query"

    def build(self) -> Combine:
        """The combination."""
        return functools.partial(combine, over=self.over)


def combine(scores: Sequence[Scores], weights: Sequence[float], *, over: Over) -> Scores:
    """(queries, items) the weighted mean of normalised scores, 0 where all are equal. Raises ValueError."""
    return weighted_mean(scores, weights, functools.partial(_normalised, axis=1 if over == "query" else None))


def _normalised(matrix: Matrix, axis: int | None) -> Matrix:
    centred = matrix - matrix.mean(axis=axis, keepdims=True)
    spread = matrix.std(axis=axis, keepdims=True)
    rounding = 1e-12 * np.abs(matrix).max(axis=axis, keepdims=True, initial=0)  # what equal numbers' deviation may be
    says = spread > rounding
    return np.where(says, centred / np.where(says, spread, 1), 0.0)
