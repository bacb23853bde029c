"""Dual softmax: the item's chance among the items, times the query's chance among the bank's queries.

After Cheng et al., "Improving video-text retrieval by multi-stream corpus alignment and dual softmax loss", 2021; in
logarithms, where scores below 0 keep their order (a plain product would turn it round).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from hark.core.types import Scores
from hark.metrics.rescore.bank import Rescore, checked, log_sum, positive


@dataclass(frozen=True)
class Config:
    """`temperature` of both softmaxes."""

    temperature: float = 0.05

    def __post_init__(self) -> None:
        positive("temperature", self.temperature)

    def build(self) -> Rescore:
        """The correction."""
        return functools.partial(rescore, temperature=self.temperature)


def rescore(scores: Scores, bank: Scores | None, *, temperature: float) -> Scores:
    """(queries, items) the sum of both log-chances. Raises ValueError."""
    own, others = checked(scores / temperature, None if bank is None else bank / temperature)
    return 2 * own - log_sum(own, axis=1) - log_sum(others, axis=0)
