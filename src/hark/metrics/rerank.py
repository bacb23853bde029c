"""The hook for a second look: the best items of each query are judged anew, by something slower and better."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hark.core.types import Scores

Judge = Callable[[int, NDArray[np.int64]], NDArray[np.floating]]
"""Takes a query's row and the items to judge; returns one score for each."""


def rerank(scores: Scores, judge: Judge, *, top: int = 10) -> Scores:
    """(queries, items) scores by which the `top` items stand as the judge says, and all others behind as they were.

    Items that tie with the last of the top ones are judged as well, so that the result does not hang on their order.

    Raises ValueError where the judge's scores are not finite or not one for each item.
    """
    if top < 1:
        raise ValueError(f"top is {top}; judge at least one item")
    changed = scores.astype(np.float64)
    for row, own in enumerate(changed):
        least = np.sort(own)[-min(top, len(own))]
        items = np.flatnonzero(own >= least)
        judged = np.asarray(judge(row, items), dtype=np.float64)
        if judged.shape != items.shape or not np.isfinite(judged).all():
            raise ValueError(f"query {row}: the judge must give {len(items)} finite scores, not {judged.tolist()}")
        changed[row, items] = least + judged - judged.min()  # all others are below `least`
    return changed
