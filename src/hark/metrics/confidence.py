"""Bootstrap intervals: how much a score would move with another draw of the same number of queries or clips.

The percentile bootstrap (Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3): draw as many
cases as there are, with replacement, many times; the interval holds the middle of the values that these draws give.
It knows only the cases that it is given: where all of them agree (every query right) its interval is one point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Draws = NDArray[np.int64]
"""(draws, cases) indices of the cases that each draw holds."""

Values = NDArray[np.float64]

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


def _draws(cases: int, resamples: int, rng: np.random.Generator) -> Iterator[Draws]:
    """`resamples` rows of indices, in chunks that keep memory bounded."""
    rows = max(1, CHUNK // cases)
    for start in range(0, resamples, rows):
        yield rng.integers(cases, size=(min(rows, resamples - start), cases))
