"""The best items of each query, kept while blocks of items pass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hark.core.types import Scores
from hark.metrics.answers import Answers, Indices


class Top:
    """The `k` items with the highest scores; of equal ones irrelevant items stand first, then those of lower index.

    So the order is that of `hark.metrics.retrieval.ranks`, and does not depend on the blocks. `items` and `scores` are
    (queries, k); where there are fewer items than k the rest is -1 and -inf.
    """

    def __init__(self, answers: Answers, k: int) -> None:
        """Starts with none."""
        self.answers, self.k = answers, k
        self.items: Indices = np.full((answers.queries, k), -1, dtype=np.int64)
        self.scores = np.full((answers.queries, k), -np.inf)
        self._number = answers.number

    def add(self, scores: Scores, *, first: int = 0) -> None:
        """Takes (queries, some items) scores in; the first of these items is item `first`, and all before it passed."""
        if not self.k or not scores.size:
            return
        bar = self.scores[:, -1].astype(scores.dtype)
        passing = scores >= bar[:, np.newaxis]
        many = np.flatnonzero(np.count_nonzero(passing, axis=1) > 4 * self.k)
        for row in many:
            passing[row] = self._least(scores[row], bar[row], int(self._number[row]))
        query, item = np.nonzero(passing)
        if len(query):
            self._merge(query, item + first, scores[query, item])

    def _least(self, row: Scores, bar: float, relevant: int) -> NDArray[np.bool_]:
        """Which of a row's items can still be among the first k."""
        bar = max(bar, np.partition(row, len(row) - self.k)[len(row) - self.k])
        passing: NDArray[np.bool_] = row > bar
        equal = np.flatnonzero(row == bar)[: self.k + relevant]  # of so many at most `relevant` are put back
        passing[equal] = True
        return passing

    def _merge(self, query: Indices, item: Indices, score: Scores) -> None:
        rows, new = np.unique(query, return_inverse=True)
        held = self.items[rows] >= 0
        every_query = np.concatenate([np.nonzero(held)[0], new.reshape(-1)])
        every_item = np.concatenate([self.items[rows][held], item])
        every_score = np.concatenate([self.scores[rows][held], score.astype(np.float64)])
        relevant = self.answers.holds(rows[every_query], every_item)
        order = np.lexsort((every_item, relevant, -every_score, every_query))
        every_query = every_query[order]
        place = np.arange(len(order)) - np.searchsorted(every_query, every_query)
        kept = place < self.k
        self.items[rows[every_query[kept]], place[kept]] = every_item[order][kept]
        self.scores[rows[every_query[kept]], place[kept]] = every_score[order][kept]
