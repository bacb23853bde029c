"""Cross-domain similarity local scaling: near to all is near to none (Conneau et al., ICLR 2018, section 2.3)."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from hark.core.types import Scores
from hark.metrics.rescore.bank import Matrix, Rescore, checked, positive


@dataclass(frozen=True)
class Config:
    """`neighbours`: how many of the nearest are averaged; the paper's 10."""

    neighbours: int = 10

    def __post_init__(self) -> None:
        positive("neighbours", self.neighbours)

    def build(self) -> Rescore:
        """The correction."""
        return functools.partial(rescore, neighbours=self.neighbours)


def rescore(scores: Scores, bank: Scores | None, *, neighbours: int) -> Scores:
    """(queries, items) twice the score, less the query's mean with its nearest items, and the item's with the bank's.

    Raises ValueError.
    """
    own, others = checked(scores, bank)
    return 2 * own - _nearest(own, neighbours, axis=1) - _nearest(others, neighbours, axis=0)


def _nearest(matrix: Matrix, neighbours: int, axis: int) -> Matrix:
    least = max(0, matrix.shape[axis] - neighbours)
    best: Matrix = np.sort(matrix, axis=axis).take(range(least, matrix.shape[axis]), axis=axis)
    mean: Matrix = best.mean(axis=axis, keepdims=True)
    return mean
