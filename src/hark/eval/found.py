"""Searches all items by all queries, block by block, so that the matrix of scores need never exist as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hark.core.types import Scores
from hark.eval.embed import paired_similarities, similarities
from hark.eval.stored import Rows
from hark.metrics.answers import Answers, Indices
from hark.metrics.ranked import Ranked, places, reaching
from hark.metrics.retrieval import falling, refuse_lonely, refuse_nan
from hark.metrics.top import Top

QUERIES, ITEMS = 1024, 4096  # of a block: 16 MB of scores
BINS = 200


class Likeness(Protocol):
    """Scores of queries and items that can be asked for in parts."""

    @property
    def shape(self) -> tuple[int, int]:
        """Queries, items."""

    def block(self, queries: Indices, items: Indices) -> Scores:
        """(queries, items) the scores of all these with all those."""

    def pairs(self, queries: Indices, items: Indices) -> Scores:
        """(n,) the scores of pairs, to the last bit those of `block`."""

    def turned(self) -> Likeness:
        """The same with queries for items."""


@dataclass(frozen=True)
class Given:
    """A matrix of scores (queries, items), whatever made it."""

    scores: Scores

    @property
    def shape(self) -> tuple[int, int]:
        """Queries, items."""
        return self.scores.shape[0], self.scores.shape[1]

    def block(self, queries: Indices, items: Indices) -> Scores:
        """(queries, items) scores."""
        found: Scores = self.scores[_span(queries)][:, _span(items)]
        return found

    def pairs(self, queries: Indices, items: Indices) -> Scores:
        """(n,) scores."""
        found: Scores = self.scores[queries, items]
        return found

    def turned(self) -> Given:
        """The transposed matrix."""
        return Given(self.scores.T)


@dataclass(frozen=True)
class Between:
    """The cosines of vectors, made when they are asked for (`hark.eval.embed.similarities`)."""

    queries: Rows
    items: Rows

    @property
    def shape(self) -> tuple[int, int]:
        """Queries, items."""
        return len(self.queries), len(self.items)

    def block(self, queries: Indices, items: Indices) -> Scores:
        """(queries, items) cosines."""
        return similarities(self.queries[queries], self.items[items])

    def pairs(self, queries: Indices, items: Indices) -> Scores:
        """(n,) cosines, in parts, those of neighbouring items together."""
        order = np.argsort(items, kind="stable")
        found = np.empty(len(order), dtype=np.float32)
        for start in range(0, len(order), ITEMS):
            some = order[start : start + ITEMS]
            found[some] = paired_similarities(self.queries[queries[some]], self.items[items[some]])
        return found

    def turned(self) -> Between:
        """Items for queries."""
        return Between(self.items, self.queries)


@dataclass(frozen=True)
class Found:
    """What each query found: the ranks of its relevant items, and the best items of all.

    `top` and `top_scores` are (queries, k), -1 and -inf where there are fewer items. `matching` and `others` count
    the scores of the pairs that belong together and of those that do not, between the `edges`.
    """

    answers: Answers
    ranked: Ranked
    top: Indices
    top_scores: NDArray[np.float64]
    edges: NDArray[np.float64]
    matching: Indices
    others: Indices


def find(scores: Likeness, answers: Answers, *, asked: Indices | None = None, top: int = 10) -> Found:
    """Ranks all items by each query of `asked` (places among the scores' queries; all of them unless given).

    `answers` are of the queries asked, numbered as they stand in `asked`. The ranks are those that
    `hark.metrics.retrieval.ranks` finds in the whole matrix, ties included, for any size of blocks: first the scores
    of relevant items are made, then each block counts the items that reach them.

    Raises ValueError where a score is NaN or a query has no relevant item.
    """
    refuse_lonely(answers)
    asked = np.arange(scores.shape[0]) if asked is None else asked
    pairs = scores.pairs(asked[answers.query], answers.item)
    bars, starts = falling(pairs, answers), answers.starts
    edges = _edges(pairs)
    reached, all_counts = np.zeros(len(bars), np.int64), np.zeros(BINS, np.int64)
    items, best = [], []
    rows = max(QUERIES, QUERIES * ITEMS // max(1, answers.items))  # few items: more queries at a time
    for first in range(0, answers.queries, rows):
        some = asked[first : first + rows]
        own = slice(starts[first], starts[first + len(some)])
        begins = starts[first : first + len(some) + 1] - starts[first]
        kept = Top(answers.rows(first, first + len(some)), top)
        for start in range(0, answers.items, ITEMS):
            block = scores.block(some, np.arange(start, min(start + ITEMS, answers.items)))
            refuse_nan(block, first=first)
            reached[own] += reaching(block, bars[own], begins)
            kept.add(block, first=start)
            all_counts += _counts(block, edges)
        items.append(kept.items)
        best.append(kept.scores)
    matching = _counts(pairs, edges)
    return Found(
        answers,
        places(bars, starts, reached),
        np.concatenate(items),
        np.concatenate(best),
        edges,
        matching,
        all_counts - matching,
    )


def _span(at: Indices) -> slice | Indices:
    """A slice where the places are neighbours, which numpy takes without copying."""
    whole = len(at) and at[-1] - at[0] == len(at) - 1 and (np.diff(at) == 1).all()
    return slice(int(at[0]), int(at[-1]) + 1) if whole else at


def _edges(scores: Scores) -> NDArray[np.float64]:
    """Of cosines -1 to 1; where scores are something else, somewhat more than those of pairs that belong together."""
    finite = scores[np.isfinite(scores)].astype(np.float64)
    most = float(np.abs(finite).max(initial=0.0))
    return np.linspace(-1.0, 1.0, BINS + 1) * (1.0 if most <= 1.001 else 1.5 * most)


def _counts(scores: Scores, edges: NDArray[np.float64]) -> Indices:
    """How many scores lie in each bin; those beyond the ends count in the last bins."""
    scale = scores.dtype.type(BINS / (edges[-1] - edges[0]))
    bins = np.clip((scores - scores.dtype.type(edges[0])) * scale, 0, BINS - 1).astype(np.uint8)
    return np.bincount(bins.ravel(), minlength=BINS).astype(np.int64)
