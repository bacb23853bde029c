"""The ranks of all queries' relevant items in one array, from which metrics of a million queries are quickly made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from hark.core.types import Scores
from hark.metrics.answers import Indices

Ties = Literal["against", "average"]
"""Which places equal scores get: relevant items the last ones ("against" the system), or each one their mean."""

Places: TypeAlias = NDArray[np.int64 | np.float64]
"""Places in a ranking; the best place is 1, and half places occur where ties are averaged."""

FEW = 8  # up to so many bars a row is compared with each; beyond, sorting it once is quicker


class Ranked(Sequence[Places]):
    """For each query the places of its relevant items, best first; those of all queries lie in `places`.

    The places of query q are places[starts[q]:starts[q + 1]], which indexing gives.
    """

    def __init__(self, places: Places, starts: Indices) -> None:
        """Takes places that are sorted within each query."""
        self.places, self.starts = places, starts

    @classmethod
    def of(cls, ranked: Sequence[Places]) -> Ranked:
        """The same places, sorted. Raises ValueError where a query has none."""
        if isinstance(ranked, Ranked):
            return ranked
        number = np.array([len(places) for places in ranked], dtype=np.int64)
        if not number.all():
            raise ValueError("a query without relevant items has no rank")
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(number)])
        places = np.concatenate(list(ranked)) if len(ranked) else np.zeros(0, np.int64)
        return cls(places[np.lexsort((places, np.repeat(np.arange(len(number)), number)))], starts)

    @property
    def query(self) -> Indices:
        """(pairs,) which query each place belongs to."""
        return np.repeat(np.arange(len(self)), self.number)

    @property
    def number(self) -> Indices:
        """(queries,) how many relevant items each has."""
        return np.diff(self.starts)

    @property
    def ordinal(self) -> Indices:
        """(pairs,) 1 for each query's best relevant item, 2 for its second, and so on."""
        return np.arange(1, len(self.places) + 1) - np.repeat(self.starts[:-1], self.number)

    def total(self, worth: NDArray[np.float64]) -> NDArray[np.float64]:
        """(queries,) the sums of what each place is worth."""
        sums = np.zeros(len(self))
        np.add.at(sums, self.query, worth)
        return sums

    def __len__(self) -> int:
        """How many queries."""
        return len(self.starts) - 1

    @overload
    def __getitem__(self, at: int) -> Places: ...
    @overload
    def __getitem__(self, at: slice) -> list[Places]: ...
    def __getitem__(self, at: int | slice) -> Places | list[Places]:
        """The places of one query, or of several."""
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        if not -len(self) <= at < len(self):
            raise IndexError(at)
        at %= len(self)
        return self.places[self.starts[at] : self.starts[at + 1]]


def reaching(scores: Scores, bars: Scores, starts: Indices, *, above: bool = False) -> Indices:
    """(bars,) how many of a query's scores reach each of its bars (`above`: lie above it).

    `scores` is (queries, any items); the bars of query q are bars[starts[q]:starts[q + 1]]. Counts of blocks of items
    add up to that of all.
    """
    counts = np.zeros(len(bars), dtype=np.int64)
    number = np.diff(starts)
    compare = np.greater if above else np.greater_equal
    few = number <= FEW
    for place in range(int(number[few].max(initial=0))):
        rows = np.flatnonzero(few & (number > place))
        at = starts[rows] + place
        asked = scores if len(rows) == len(scores) else scores[rows]
        counts[at] = np.count_nonzero(compare(asked, bars[at, np.newaxis]), axis=1)
    for row in np.flatnonzero(~few):
        ordered, own = np.sort(scores[row]), slice(starts[row], starts[row + 1])
        counts[own] = len(ordered) - np.searchsorted(ordered, bars[own], side="right" if above else "left")
    return counts


def places(bars: Scores, starts: Indices, reached: Indices, above: Indices | None = None) -> Ranked:
    """The ranks of relevant items of which `bars` are the scores, falling within each query.

    `reached` and `above` count, among all items and the relevant ones themselves, those that score at least as much,
    and more (`reaching`). Without `above` a relevant item stands behind every irrelevant one with an equal score; with
    it equal ones share the mean of their places.
    """
    if above is not None:
        return Ranked((above + 1 + reached) / 2, starts)
    number = np.diff(starts)
    begins = np.ones(len(bars) + 1, dtype=np.bool_)  # where a query, or another score within it, begins
    begins[1:-1] = bars[1:] != bars[:-1]
    begins[starts] = True
    edges = np.flatnonzero(begins)
    end = np.repeat(edges[1:], np.diff(edges)) - np.repeat(starts[:-1], number)  # relevant ones that score as much
    ordinal = np.arange(1, len(bars) + 1) - np.repeat(starts[:-1], number)
    return Ranked(reached - end + ordinal, starts)
