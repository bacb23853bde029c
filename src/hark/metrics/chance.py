"""What a ranking at random is worth: `relevant` of `items` are right answers, in an order drawn by lot."""

from __future__ import annotations

import math

from hark.core.types import Relevance


def recall_at(k: int, *, items: int, relevant: int) -> float:
    """The probability that any right answer is among the first `k`: 1 - C(items - relevant, k) / C(items, k)."""
    assert 0 < relevant <= items, (relevant, items)
    k = min(k, items)
    return 1.0 - math.comb(items - relevant, k) / math.comb(items, k)


def average_precision_at(k: int, *, items: int, relevant: int) -> float:
    """The expected average precision at `k`, divided by the min(k, relevant) that can be reached.

    Place j holds a right answer with probability p = relevant / items; given that, each of the j - 1 places before it
    does with (relevant - 1) / (items - 1). So E = p / min(k, relevant) * sum_j (1 + (j - 1) (r - 1) / (n - 1)) / j.
    """
    assert 0 < relevant <= items, (relevant, items)
    others = (relevant - 1) / (items - 1) if items > 1 else 0.0
    total = sum((1.0 + (j - 1) * others) / j for j in range(1, min(k, items) + 1))
    return relevant / items * total / min(k, relevant)


def mean_average_precision_at(k: int, relevant: Relevance) -> float:
    """The mean of `average_precision_at` over the queries of (queries, items); each has a right answer."""
    queries, items = len(relevant), relevant.shape[1]
    each = (average_precision_at(k, items=items, relevant=int(number)) for number in relevant.sum(axis=1))
    return math.fsum(each) / queries
