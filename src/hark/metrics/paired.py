"""Differences between two systems on the same cases: paired bootstrap intervals, and a randomisation test.

Both systems answered the same queries, so what one query is worth to the one and to the other belongs together: an
interval of the difference drawn so is far narrower than two intervals laid side by side.

The p-value is that of Fisher's randomisation test (Smucker, Allan & Carterette, "A Comparison of Statistical
Significance Tests for Information Retrieval Evaluation", 2007): were the systems the same, a query's two values could
as well be swapped; p is the share of random swaps whose difference is at least as large, the one at hand among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hark.metrics import confidence
from hark.metrics.confidence import Groups, Statistic, Values, drawn_weights, weighted

ROUNDS = 10_000  # swaps; the least p is 1 / 10,001


@dataclass(frozen=True)
class Difference:
    """`second` - `first` is `value`, in the interval [low, high]; `p` is two-sided."""

    first: float
    second: float
    value: float
    low: float
    high: float
    p: float


def differences(
    first: Sequence[Values],
    second: Sequence[Values],
    statistics: Sequence[Statistic],
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
    rounds: int = ROUNDS,
    level: float = 0.95,
    groups: Groups | None = None,
) -> list[Difference]:
    """For each of several values the difference of its mean or median between two systems on the same cases.

    All see the same draws and swaps. The test is exact where there are no more than `rounds` ways to swap.

    Raises ValueError where there is no case, or the systems' values are not of the same cases.
    """
    one, two = np.stack(first), np.stack(second)  # (values, cases)
    if one.shape != two.shape:
        raise ValueError(f"values {one.shape} and {two.shape} are not of the same cases")
    if not one.shape[1]:
        raise ValueError("no cases, so no difference")
    weights = drawn_weights(one.shape[1], resamples, rng, groups=groups)
    drawn = np.concatenate([weighted(two, statistics, w) - weighted(one, statistics, w) for w in weights], axis=1)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=1)
    p = randomisation(one, two, statistics, rng=rng, rounds=rounds, groups=groups)
    before, after = _whole(one, statistics), _whole(two, statistics)
    return [
        Difference(float(a), float(b), float(b - a), float(least), float(most), float(chance))
        for a, b, least, most, chance in zip(before, after, low, high, p, strict=True)
    ]


def randomisation(
    one: Values,
    two: Values,
    statistics: Sequence[Statistic],
    *,
    rng: np.random.Generator,
    rounds: int = ROUNDS,
    groups: Groups | None = None,
) -> Values:
    """(values,) two-sided p of the difference in the mean or median of each of the (values, cases)."""
    found = np.abs(_whole(two, statistics) - _whole(one, statistics))
    found -= 1e-9 * np.abs(one - two).mean(axis=1)  # sums in another order differ in their last bits
    swappable = one.shape[1] if groups is None else int(groups.max()) + 1
    exact = swappable < 60 and 2**swappable <= rounds
    reached, tried = np.zeros(len(one)), 0
    for swapped in _all_swaps(swappable) if exact else _random_swaps(swappable, rounds, rng):
        whole = swapped if groups is None else swapped[:, groups]
        tried += len(whole)
        moved = np.abs(_moved(one, two, statistics, whole))
        reached += np.count_nonzero(moved >= found[:, np.newaxis], axis=1)
    p: Values = reached / tried if exact else (reached + 1) / (tried + 1)
    return p


def _whole(table: Values, statistics: Sequence[Statistic]) -> Values:
    return np.array([row.mean() if of == "mean" else np.median(row) for row, of in zip(table, statistics, strict=True)])


def _moved(one: Values, two: Values, statistics: Sequence[Statistic], swapped: NDArray[np.bool_]) -> Values:
    """(values, rounds) the differences after each of the (rounds, cases) swaps."""
    means = np.array([of == "mean" for of in statistics])
    moved = np.empty((len(one), len(swapped)))
    apart = two[means] - one[means]
    moved[means] = apart.mean(axis=1)[:, np.newaxis] - 2 * (apart @ swapped.T.astype(np.float64)) / one.shape[1]
    for at in np.flatnonzero(~means):
        ours, theirs = np.where(swapped, two[at], one[at]), np.where(swapped, one[at], two[at])
        moved[at] = np.median(theirs, axis=1) - np.median(ours, axis=1)
    return moved


def _random_swaps(cases: int, rounds: int, rng: np.random.Generator) -> Iterator[NDArray[np.bool_]]:
    rows = max(1, confidence.CHUNK // cases)
    for start in range(0, rounds, rows):
        yield rng.integers(2, size=(min(rows, rounds - start), cases), dtype=np.int8).astype(np.bool_)


def _all_swaps(cases: int) -> Iterator[NDArray[np.bool_]]:
    numbers = np.arange(2**cases)[:, np.newaxis]
    yield (numbers >> np.arange(cases) & 1).astype(np.bool_)
