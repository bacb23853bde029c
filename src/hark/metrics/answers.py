"""Which items answer which queries, kept as pairs: a million clips and a thousand texts need no matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hark.core.types import Relevance

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Answers:
    """Pair i says that item `item[i]` answers query `query[i]`; sorted by query, then by item, none twice.

    `queries` and `items` are how many there are of each. Made by `of` (a matrix) or `paired` (pairs in any order).
    """

    query: Indices
    item: Indices
    queries: int
    items: int

    @classmethod
    def of(cls, relevant: Relevance) -> Answers:
        """The pairs that are true in the (queries, items) matrix."""
        query, item = np.nonzero(relevant)
        return cls(query.astype(np.int64), item.astype(np.int64), *relevant.shape)

    @classmethod
    def paired(cls, query: Indices, item: Indices, *, queries: int, items: int) -> Answers:
        """The pairs given in any order, each once."""
        assert not len(query) or (0 <= query.min() <= query.max() < queries and 0 <= item.min() <= item.max() < items)
        keys = np.unique(query.astype(np.int64) * items + item)
        return cls(keys // items, keys % items, queries, items)

    @property
    def starts(self) -> Indices:
        """(queries + 1,) where each query's pairs begin; those of query q are starts[q]:starts[q + 1]."""
        return np.searchsorted(self.query, np.arange(self.queries + 1)).astype(np.int64)

    @property
    def number(self) -> Indices:
        """(queries,) how many items answer each."""
        return np.bincount(self.query, minlength=self.queries).astype(np.int64)

    def turned(self) -> Answers:
        """The other way round: the items asked for the queries that they answer."""
        return Answers.paired(self.item, self.query, queries=self.items, items=self.queries)

    def rows(self, start: int, stop: int) -> Answers:
        """The answers of the queries start:stop, which are then numbered from 0."""
        low, high = np.searchsorted(self.query, (start, stop))
        return Answers(self.query[low:high] - start, self.item[low:high], stop - start, self.items)

    def answered(self) -> tuple[Indices, Answers]:
        """Which queries have an answer, and the answers of these alone, numbered anew."""
        asked, query = np.unique(self.query, return_inverse=True)
        return asked, Answers(query.reshape(-1).astype(np.int64), self.item, len(asked), self.items)

    def holds(self, query: Indices, item: Indices) -> NDArray[np.bool_]:
        """For each of the pairs asked whether it is one of these."""
        keys, wanted = self.query * self.items + self.item, query * self.items + item
        if not len(keys):
            return np.zeros(len(wanted), dtype=np.bool_)
        found: NDArray[np.bool_] = keys[np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)] == wanted
        return found

    def matrix(self) -> Relevance:
        """(queries, items) true where the item answers the query."""
        relevant = np.zeros((self.queries, self.items), dtype=np.bool_)
        relevant[self.query, self.item] = True
        return relevant
