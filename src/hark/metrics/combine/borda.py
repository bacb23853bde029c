"""Borda's count: an item gets from each member the share of the others that it stands before (de Borda 1781)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hark.core.types import Scores
from hark.metrics.combine.members import Combine, places, weighted_mean


@dataclass(frozen=True)
class Config:
    """Nothing to set."""

    def build(self) -> Combine:
        """The combination."""
        return combine


def combine(scores: Sequence[Scores], weights: Sequence[float]) -> Scores:
    """(queries, items) the weighted mean share, from 1 (first) to 0 (last); ties get their mean. Raises ValueError."""
    return weighted_mean(
        scores, weights, lambda matrix: (matrix.shape[1] - places(matrix)) / max(1, matrix.shape[1] - 1)
    )
