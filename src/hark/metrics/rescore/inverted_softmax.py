"""Query-bank normalisation: a score is divided by what the item gets from the bank (Bogolin et al., CVPR 2022).

The inverted softmax is Smith et al.'s (ICLR 2017); the dynamic one leaves those queries alone whose nearest item is no
bank query's nearest (Bogolin, Croitoru, Jin, Liu, Albanie, "Cross modal retrieval with querybank normalisation").
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from hark.core.types import Scores
from hark.metrics.rescore.bank import Rescore, checked, log_sum, positive


@dataclass(frozen=True)
class Config:
    """`temperature` of the softmax (the paper's 1 / 20); `dynamic` corrects only queries that run into a hub."""

    temperature: float = 0.05
    dynamic: bool = True

    def __post_init__(self) -> None:
        positive("temperature", self.temperature)

    def build(self) -> Rescore:
        """The correction."""
        return functools.partial(rescore, temperature=self.temperature, dynamic=self.dynamic)


def rescore(scores: Scores, bank: Scores | None, *, temperature: float, dynamic: bool) -> Scores:
    """(queries, items) the logarithm of the inverted softmax, which ranks as it does. Raises ValueError."""
    own, others = checked(scores, bank)
    changed = own / temperature - log_sum(others / temperature, axis=0)
    if dynamic:
        hubs = np.zeros(own.shape[1], dtype=np.bool_)
        hubs[others.argmax(axis=1)] = True
        changed = np.where(hubs[own.argmax(axis=1)][:, np.newaxis], changed, own / temperature)
    return changed
