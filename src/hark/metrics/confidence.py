"""Bootstrap and jackknife intervals: how much a score would move with another draw of as many queries or clips.

The percentile bootstrap (Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3): draw as many
cases as there are, with replacement, many times; the interval holds the middle of the values that these draws give.
It knows only the cases that it is given: where all of them agree (every query right) its interval is one point.

The jackknife (the same book, chapter 11; the intervals of DCASE's results pages): leave each case out once; it needs no
random numbers, and is symmetric around the value. It does not work for medians, whose intervals are bootstrapped.

Cases that come together (the captions of a clip) are not independent; `groups` says which do, and then whole groups are
drawn, or left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Draws = NDArray[np.int64]
"""(draws, cases) indices of the cases that each draw holds."""

Values = NDArray[np.float64]

Groups = NDArray[np.int64]
"""(cases,) which group each case is of, numbered from 0 without gaps."""

Statistic = Literal["mean", "median"]

Interval = Literal["bootstrap", "jackknife"]

CHUNK = 2_000_000  # indices drawn at a time, 16 MB


@dataclass(frozen=True)
class Estimate:
    """A value and the interval [low, high] around it."""

    value: float
    low: float
    high: float


def bootstrap(
    statistic: Callable[[Draws], Values],
    cases: int,
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
    level: float = 0.95,
    centre: bool = False,
) -> Estimate:
    """The statistic of all cases, and its percentile interval over `resamples` draws of them.

    `statistic` takes (draws, cases) indices and returns (draws,) values. `centre` moves the interval so that the draws'
    mean lies on the value: for statistics that the copies in a draw bias. (Copies of a relevant clip stand side by
    side in a ranking, so that average precision near chance is higher in nearly every draw than in the whole set.)

    Raises ValueError where there is no case.
    """
    if cases < 1:
        raise ValueError("no cases, so no interval")
    assert resamples > 0, resamples
    assert 0 < level < 1, level
    value = float(statistic(np.arange(cases)[np.newaxis])[0])
    drawn = np.concatenate([statistic(draws) for draws in _draws(cases, resamples, rng)])
    if centre:
        drawn += value - drawn.mean()
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(low), float(high))


def mean(values: Values, *, rng: np.random.Generator, resamples: int = 1000, level: float = 0.95) -> Estimate:
    """The mean of one value per case, with its interval."""
    return bootstrap(
        lambda draws: np.mean(values[draws], axis=1), len(values), rng=rng, resamples=resamples, level=level
    )


def median(values: Values, *, rng: np.random.Generator, resamples: int = 1000, level: float = 0.95) -> Estimate:
    """The median of one value per case, with its interval."""
    return bootstrap(
        lambda draws: np.median(values[draws], axis=1), len(values), rng=rng, resamples=resamples, level=level
    )


def times_drawn(draws: Draws) -> NDArray[np.int64]:
    """(draws, cases) how often each draw holds each case: the weights under which a draw is the whole set."""
    rows, cases = draws.shape
    flat = draws + cases * np.arange(rows)[:, np.newaxis]
    return np.bincount(flat.ravel(), minlength=rows * cases).reshape(rows, cases)


def several(
    values: Sequence[Values],
    statistics: Sequence[Statistic],
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
    level: float = 0.95,
    groups: Groups | None = None,
    interval: Interval = "bootstrap",
) -> list[Estimate]:
    """The mean or median of each of several values of the same cases, with its interval; all see the same draws.

    Medians are bootstrapped even where `interval` is "jackknife". Raises ValueError where there is no case.
    """
    table = np.stack(values)  # (values, cases)
    if not table.shape[1]:
        raise ValueError("no cases, so no interval")
    whole = [row.mean() if of == "mean" else np.median(row) for row, of in zip(table, statistics, strict=True)]
    if interval == "jackknife" and "median" not in statistics:
        return [jackknife(row, level=level, groups=groups) for row in table]
    weights = drawn_weights(table.shape[1], resamples, rng, groups=groups)
    drawn = np.concatenate([weighted(table, statistics, some) for some in weights], axis=1)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=1)
    found = []
    for row, of, value, least, most in zip(table, statistics, whole, low, high, strict=True):
        if (row == row[0]).all():
            found.append(Estimate(float(row[0]), float(row[0]), float(row[0])))  # as it is, not rounded by a sum
        elif of == "mean" and interval == "jackknife":
            found.append(jackknife(row, level=level, groups=groups))
        else:
            found.append(Estimate(float(value), float(least), float(most)))
    return found


def jackknife(values: Values, *, level: float = 0.95, groups: Groups | None = None) -> Estimate:
    """The mean of one value per case, and its interval by a normal law with the jackknife's standard error.

    Without groups that is the usual standard error of a mean. One case, or group, leaves no doubt.
    """
    if not len(values):
        raise ValueError("no cases, so no interval")
    sums = values if groups is None else np.bincount(groups, weights=values)
    number = np.ones(len(values)) if groups is None else np.bincount(groups)
    value = float(values.mean())
    if len(sums) == 1 or (values == values[0]).all():
        return Estimate(float(values[0]) if len(values) == 1 else value, value, value)
    without = (sums.sum() - sums) / (number.sum() - number)
    error = np.sqrt((len(sums) - 1) / len(sums) * np.sum((without - without.mean()) ** 2))
    half = NormalDist().inv_cdf((1 + level) / 2) * float(error)
    return Estimate(value, value - half, value + half)


def weighted(table: Values, statistics: Sequence[Statistic], weights: NDArray[np.int64]) -> Values:
    """(values, draws) the mean or median of each of the (values, cases), as often as (draws, cases) weights say."""
    total = weights.sum(axis=1)
    found = np.empty((len(table), len(weights)))
    means = np.array([of == "mean" for of in statistics])
    found[means] = table[means] @ weights.T.astype(np.float64) / total
    for at in np.flatnonzero(~means):
        order = np.argsort(table[at], kind="stable")
        reached, ordered = np.cumsum(weights[:, order], axis=1), table[at][order]
        low, high = ((reached > (middle // 2)[:, np.newaxis]).argmax(axis=1) for middle in (total - 1, total))
        found[at] = (ordered[low] + ordered[high]) / 2
    return found


def drawn_weights(
    cases: int, resamples: int, rng: np.random.Generator, *, groups: Groups | None = None
) -> Iterator[NDArray[np.int64]]:
    """(some draws, cases) how often each case is drawn, in chunks that keep memory bounded."""
    for draws in _draws(cases if groups is None else int(groups.max()) + 1, resamples, rng):
        weights = times_drawn(draws)
        yield weights if groups is None else weights[:, groups]


def _draws(cases: int, resamples: int, rng: np.random.Generator) -> Iterator[Draws]:
    """`resamples` rows of indices, in chunks that keep memory bounded."""
    rows = max(1, CHUNK // cases)
    for start in range(0, resamples, rows):
        yield rng.integers(cases, size=(min(rows, resamples - start), cases))
