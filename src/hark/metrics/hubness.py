"""Hubness: in many dimensions a few items are among the nearest of very many queries, and most of none.

Radovanović, Nanopoulos, Ivanović, "Hubs in space", JMLR 11, 2010: it is measured by the skewness of how often each item
is among the k nearest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hark.core.types import Scores


@dataclass(frozen=True)
class Hubness:
    """Of the items' k-occurrences: their skewness, the greatest share of queries that one item is found by, and the
    share of items that none finds.
    """

    k: int
    skewness: float
    most: float
    never: float


def hubness(scores: Scores, k: int = 10) -> Hubness:
    """The hubness of the items under the queries' rankings. Raises ValueError."""
    counts = k_occurrence(scores, k)
    return Hubness(k, skewness(counts), float(counts.max()) / len(scores), float(np.mean(counts == 0)))


def k_occurrence(scores: Scores, k: int) -> NDArray[np.int64]:
    """(items,) for how many queries each item is among the `k` best; of equal scores the first items count.

    Raises ValueError where there is no query or item, a score is NaN, or `k` is not between 1 and the items.
    """
    if scores.ndim != 2 or not scores.size or np.isnan(scores).any():
        raise ValueError(f"scores {scores.shape}: give (queries, items), some of each and no NaN")
    if not 1 <= k <= scores.shape[1]:
        raise ValueError(f"k is {k}; there are {scores.shape[1]} items")
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.bincount(best.ravel(), minlength=scores.shape[1])


def skewness(counts: NDArray[np.int64]) -> float:
    """The third standardised moment; 0 where all counts are equal."""
    centred = counts - counts.mean()
    spread = np.sqrt(np.mean(centred**2))
    return float(np.mean(centred**3) / spread**3) if spread > 0 else 0.0
