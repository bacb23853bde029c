"""Retrieval metrics, query by query: where the relevant items stand in a ranking, and what that is worth.

A query may have any number of relevant items, and every function returns one value per query, so that means,
medians and their intervals (`hark.metrics.confidence`) are taken by the caller.

Ties count against the system: a relevant item stands behind every irrelevant one with an equal score. A model that
gives all items the same score thus gets the worst value, not the one that the sorting routine happens to leave it.
Some evaluation code (Collaborative Experts', from which SJTU's comes) gives equal scores the mean of their places
instead: `ranks(..., ties="average")`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hark.core.types import Relevance, Scores
from hark.metrics.answers import Answers
from hark.metrics.ranked import Places, Ranked, Ties, places, reaching

Values = NDArray[np.float64]

Divisor = Literal["all", "reachable"]
"""What average precision at k is divided by: "all" relevant items, or the min(k, relevant) that k places can hold."""

BLOCK = 1 << 20  # scores compared at a time


def ranks(scores: Scores, relevant: Relevance, *, ties: Ties = "against") -> Ranked:
    """The ranks of each query's relevant items, best first; the first place is 1.

    `scores` and `relevant` are (queries, items). Nothing is sorted where queries have few relevant items: an item's
    place is one more than the number of those that score as much.

    Raises ValueError where a score is NaN or a query has no relevant item.
    """
    if scores.ndim != 2 or scores.shape != relevant.shape:
        raise ValueError(f"scores {scores.shape} and relevant {relevant.shape} are not the same (queries, items)")
    answers = Answers.of(relevant)
    refuse_lonely(answers)
    bars = falling(scores[answers.query, answers.item], answers)
    starts, rows = answers.starts, max(1, BLOCK // max(1, answers.items))
    reached, above = np.zeros(len(bars), np.int64), np.zeros(len(bars), np.int64)
    for start in range(0, answers.queries, rows):
        block, some = scores[start : start + rows], starts[start : start + rows + 1]
        refuse_nan(block, first=start)
        own = slice(some[0], some[-1])
        reached[own] = reaching(block, bars[own], some - some[0])
        if ties == "average":
            above[own] = reaching(block, bars[own], some - some[0], above=True)
    return places(bars, starts, reached, above if ties == "average" else None)


def refuse_lonely(answers: Answers) -> None:
    """Raises ValueError where a query has no relevant item."""
    number = answers.number
    if not number.all():
        raise ValueError(f"query {int(number.argmin())}: no relevant item")


def refuse_nan(scores: Scores, *, first: int = 0) -> None:
    """Raises ValueError where one of the (queries, items) scores is NaN; the first row is query `first`."""
    if np.isnan(scores).any():
        raise ValueError(f"query {first + int(np.isnan(scores).any(axis=1).argmax())}: a score is NaN")


def falling(scores: Scores, answers: Answers) -> Scores:
    """(pairs,) the scores of the relevant items, sorted within each query from the highest."""
    found: Scores = scores[np.lexsort((-scores, answers.query))]
    return found


def first_rank(ranked: Sequence[Places]) -> Values:
    """Each query's rank of its best relevant item, of which the field reports mean and median."""
    found = Ranked.of(ranked)
    return found.places[found.starts[:-1]].astype(np.float64)


def recall_at(ranked: Sequence[Places], k: int) -> Values:
    """1 where any relevant item is among the first `k`, else 0: what the field calls R@k.

    With several relevant items (five captions of a clip) it is "the best of them", as in the evaluation code of
    LAION-CLAP and WavCaps, and not the share of them that was found. A half place, of averaged ties, counts as the
    whole one before it, but the first place must be held alone: so does the code that averages them.
    """
    return (first_rank(ranked) <= (k if k == 1 else k + 0.5)).astype(np.float64)


def reciprocal_rank(ranked: Sequence[Places], k: int | None = None) -> Values:
    """1 / rank of the best relevant item, 0 where that stands behind `k`; its mean is the MRR."""
    first = first_rank(ranked)
    return np.where(first <= (math.inf if k is None else k), 1 / first, 0.0)


def geometric_mean(values: Sequence[float]) -> float:
    """The geometric mean, 0 where any value is; of R@1, R@5 and R@10 it is what some systems are chosen by."""
    return math.prod(values) ** (1 / len(values))


def average_precision_at(ranked: Sequence[Places], k: int | None, *, divisor: Divisor) -> Values:
    """Average precision at `k` (None: over the whole ranking): precisions at relevant ranks <= k, summed and divided.

    The ranks are sorted first; left in caption order (as LAION-CLAP's `evaluate_clotho_audiocaps` leaves them) the
    "precisions" exceed 1. With one relevant item it is 1 / rank, or 0 behind k: the measure of DCASE 2022-2024.

    The divisor matters only where a query has more than k relevant items:

    * "all": every relevant item, as in trec_eval's map_cut and DCASE 2025's baseline (`average_precision_at_k`);
      a perfect ranking then scores k / relevant.
    * "reachable": min(k, relevant); a perfect ranking always scores 1.

    For Clotho's five captions at k = 10 both are the division by 5 in WavCaps' `retrieval/tools/utils.py`.
    """
    found = Ranked.of(ranked)
    most = found.number if k is None or divisor == "all" else np.minimum(k, found.number)
    return found.total(np.where(_within(found, k), found.ordinal / found.places, 0.0)) / most


def ndcg_at(ranked: Sequence[Places], k: int | None) -> Values:
    """Normalised discounted cumulative gain at `k` (None: over the whole ranking), of relevance that is 0 or 1.

    A relevant item at place p is worth 1 / log2(p + 1); divided by the worth of the best ranking (Järvelin &
    Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002, with the discount of trec_eval).
    """
    found = Ranked.of(ranked)
    most = found.number if k is None else np.minimum(k, found.number)
    best = np.cumsum(1 / np.log2(np.arange(2, int(most.max(initial=0)) + 2)))
    return found.total(np.where(_within(found, k), 1 / np.log2(found.places + 1), 0.0)) / best[most - 1]


def _within(found: Ranked, k: int | None) -> NDArray[np.bool_]:
    within: NDArray[np.bool_] = found.places <= (math.inf if k is None else k)
    return within
