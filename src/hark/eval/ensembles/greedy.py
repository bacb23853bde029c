"""Chooses an ensemble's members one after the other, each time the one that helps most (Caruana et al., ICML 2004).

A member may be taken several times and then weighs more. The first taken is the best single one, and nothing is taken
that does not help, so on the clips that it is chosen by the choice is never worse than any single member. On other
clips it may be: choose by clips that nothing is reported on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hark.core.types import Relevance, Scores
from hark.metrics.combine.members import Combine
from hark.metrics.retrieval import Divisor, average_precision_at, ranks


@dataclass(frozen=True)
class Choice:
    """How often each member was taken; which was taken at each step, and the text-to-audio mAP then; each one's own."""

    counts: tuple[int, ...]
    taken: tuple[int, ...]
    values: tuple[float, ...]
    singles: tuple[float, ...]


def choose(
    scores: Sequence[Scores],
    relevant: Relevance,
    combine: Combine,
    *,
    k: int = 10,
    divisor: Divisor = "reachable",
    most: int = 20,
) -> Choice:
    """Takes members while the mean average precision at `k` rises, at most `most` times; of equal ones the first.

    Raises ValueError for scores that cannot be combined or ranked.
    """

    def value(counts: Sequence[int]) -> float:
        own = [matrix for matrix, count in zip(scores, counts, strict=True) if count]
        combined = combine(own, [count for count in counts if count])
        return float(average_precision_at(ranks(combined, relevant), k, divisor=divisor).mean())

    def more(counts: Sequence[int], member: int) -> list[int]:
        return [count + (place == member) for place, count in enumerate(counts)]

    counts = [0] * len(scores)
    taken: list[int] = []
    values: list[float] = []
    singles: tuple[float, ...] = ()
    while len(taken) < most:
        found = [value(more(counts, member)) for member in range(len(scores))]
        singles = singles or tuple(found)
        best = max(range(len(found)), key=found.__getitem__)
        if values and found[best] <= values[-1]:
            break
        counts = more(counts, best)
        taken.append(best)
        values.append(found[best])
    return Choice(tuple(counts), tuple(taken), tuple(values), singles)
