"""Sinkhorn normalisation: every query gets one item's worth, and every item is got equally often.

The items' prices are found on the bank (Sinkhorn & Knopp 1967; with a bank, so that each query stands alone: Yakovlev,
Polykovskiy, Zhebrak, "Sinkhorn transformations for single-query postprocessing in text-video retrieval", SIGIR 2023).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from hark.core.types import Scores
from hark.metrics.rescore.bank import Matrix, Rescore, checked, log_sum, positive


@dataclass(frozen=True)
class Config:
    """`temperature` of the exponentials; `rounds` of normalising rows, then columns."""

    temperature: float = 0.05
    rounds: int = 20

    def __post_init__(self) -> None:
        positive("temperature", self.temperature)
        positive("rounds", self.rounds)

    def build(self) -> Rescore:
        """The correction."""
        return functools.partial(rescore, temperature=self.temperature, rounds=self.rounds)


def rescore(scores: Scores, bank: Scores | None, *, temperature: float, rounds: int) -> Scores:
    """(queries, items) scores / temperature minus the items' prices. Raises ValueError."""
    own, others = checked(scores, bank)
    prices: Matrix = np.zeros((1, own.shape[1]))
    for _ in range(rounds):
        rows = log_sum(others / temperature - prices, axis=1)
        prices = log_sum(others / temperature - rows, axis=0)
    return own / temperature - prices
