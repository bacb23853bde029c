"""Minus the weighted mean of the members' distances, as IRIT's ensemble of DCASE 2022 averages them (section 3)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hark.core.types import Scores
from hark.metrics.combine.members import Combine, weighted_mean

Kind = Literal["euclidean", "cosine"]


@dataclass(frozen=True)
class Config:
    """`kind` "euclidean" is the distance of the unit vectors, sqrt(2 - 2 cos); "cosine" is 1 - cos.

    Means of cosine distances rank as means of similarities do; means of Euclidean ones do not: among two items of
    equal mean similarity the one that the members disagree on is nearer.
    """

    kind: Kind = "euclidean"

    def build(self) -> Combine:
        """The combination."""
        return functools.partial(combine, kind=self.kind)


def combine(scores: Sequence[Scores], weights: Sequence[float], *, kind: Kind) -> Scores:
    """(queries, items) minus the weighted mean distance, of cosines. Raises ValueError, also where one is none."""
    if any(np.abs(matrix).max(initial=0) > 1.001 for matrix in scores):
        raise ValueError("a score is beyond 1; distances are made of cosines")
    if kind == "cosine":
        return weighted_mean(scores, weights, lambda matrix: matrix - 1)
    return weighted_mean(scores, weights, lambda matrix: -np.sqrt(np.maximum(2 - 2 * matrix, 0)))
