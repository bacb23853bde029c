"""The weighted mean of the members' similarities: what an ensemble is, unless said otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hark.core.types import Scores
from hark.metrics.combine.members import Combine, weighted_mean


@dataclass(frozen=True)
class Config:
    """Nothing to set. Members whose similarities spread wider count more; `znorm` takes that out."""

    def build(self) -> Combine:
        """The combination."""
        return combine


def combine(scores: Sequence[Scores], weights: Sequence[float]) -> Scores:
    """(queries, items) the weighted mean. Raises ValueError."""
    return weighted_mean(scores, weights, lambda matrix: matrix)
