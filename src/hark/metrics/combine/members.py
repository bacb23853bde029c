"""What all combinations share: the check of what they are given, the weighted mean, and places with shared ties."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hark.core.types import Scores

Combine: TypeAlias = Callable[[Sequence[Scores], Sequence[float]], Scores]
"""What a combination's `Config.build()` gives."""

Matrix = NDArray[np.float64]


def weighted_mean(scores: Sequence[Scores], weights: Sequence[float], change: Callable[[Matrix], Matrix]) -> Scores:
    """The mean of the members' matrices after `change`, each counted as much as its weight says.

    Raises ValueError for no member, shapes that differ, a score that is not finite, or weights that are no weights.
    """
    if not scores or len(scores) != len(weights):
        raise ValueError(f"{len(scores)} members and {len(weights)} weights; give one weight to each of some members")
    if not all(np.isfinite(weight) and weight >= 0 for weight in weights) or not sum(weights) > 0:
        raise ValueError(f"weights {list(weights)}: give numbers that are not below 0, one of them above it")
    total: Matrix = np.zeros(scores[0].shape)
    for place, (matrix, weight) in enumerate(zip(scores, weights, strict=True)):
        if matrix.ndim != 2 or matrix.shape != total.shape:
            raise ValueError(f"member {place}: scores {matrix.shape}, the first has {total.shape}")
        if not np.isfinite(matrix).all():
            raise ValueError(f"member {place}: a score is not finite")
        if weight:
            total += weight / sum(weights) * change(matrix.astype(np.float64))
    return total.astype(np.float32)


def places(scores: Matrix) -> Matrix:
    """(queries, items) the items' places in their query's ranking; the best is 1, equal scores share their mean."""
    order = np.argsort(-scores, axis=1, kind="stable")
    ranked = np.take_along_axis(scores, order, axis=1)
    at = np.arange(scores.shape[1])
    differs = ranked[:, 1:] != ranked[:, :-1]
    edge = np.ones((len(scores), 1), dtype=np.bool_)
    first = np.maximum.accumulate(np.where(np.hstack([edge, differs]), at, 0), axis=1)
    last = np.minimum.accumulate(np.where(np.hstack([differs, edge]), at, at.size)[:, ::-1], axis=1)[:, ::-1]
    found = np.empty_like(scores, dtype=np.float64)
    np.put_along_axis(found, order, (first + last) / 2 + 1, axis=1)
    return found
