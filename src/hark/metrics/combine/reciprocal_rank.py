"""Reciprocal rank fusion: an item gets 1 / (k + place) from each member (Cormack, Clarke, Büttcher, SIGIR 2009)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from hark.core.types import Scores
from hark.metrics.combine.members import Combine, places, weighted_mean


@dataclass(frozen=True)
class Config:
    """`k` damps the first places: the paper's 60 lets many middling places outdo one first."""

    k: float = 60.0

    def __post_init__(self) -> None:
        if not self.k > -1:
            raise ValueError(f"k is {self.k}; it must be above -1")

    def build(self) -> Combine:
        """The combination."""
        return functools.partial(combine, k=self.k)


def combine(scores: Sequence[Scores], weights: Sequence[float], *, k: float) -> Scores:
    """(queries, items) the weighted mean of 1 / (k + place); equal scores share their mean place. Raises ValueError."""
    return weighted_mean(scores, weights, lambda matrix: 1 / (k + places(matrix)))
