"""Retrieval metrics by name: "R@5", "mAP@16/all", "nDCG@10", "MRR", "mean rank", "median rank"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hark.core.errors import SettingError
from hark.metrics.confidence import Statistic
from hark.metrics.ranked import Places
from hark.metrics.retrieval import (
    Divisor,
    Values,
    average_precision_at,
    first_rank,
    ndcg_at,
    recall_at,
    reciprocal_rank,
)

KNOWN = "R@k, mAP, mAP@k, mAP@k/all, mAP@k/reachable, nDCG, nDCG@k, MRR, MRR@k, mean rank, median rank"
_CUT = re.compile(r"(R|mAP|nDCG|MRR)(?:@([1-9]\d*))?(?:/(all|reachable))?")


@dataclass(frozen=True)
class Metric:
    """One value per query, of which `statistic` is taken; `divisor` only matters to mAP."""

    name: str
    kind: str
    k: int | None
    divisor: Divisor
    statistic: Statistic = "mean"

    @property
    def rising(self) -> bool:
        """Whether more is better; of ranks less is."""
        return self.kind != "rank"

    def values(self, ranked: Sequence[Places]) -> Values:
        """(queries,) the metric of each query."""
        if self.kind == "rank":
            return first_rank(ranked)
        if self.kind == "mAP":
            return average_precision_at(ranked, self.k, divisor=self.divisor)
        if self.kind == "nDCG":
            return ndcg_at(ranked, self.k)
        if self.kind == "MRR":
            return reciprocal_rank(ranked, self.k)
        assert self.k is not None
        return recall_at(ranked, self.k)


def parse(name: str, *, divisor: Divisor) -> Metric:
    """The metric of that name; `divisor` is that of an mAP whose name does not say it.

    Raises SettingError.
    """
    name = name.strip()
    if name in ("mean rank", "median rank"):
        return Metric(name, "rank", None, divisor, "median" if name == "median rank" else "mean")
    found = _CUT.fullmatch(name)
    if found is None or (found[1] == "R" and found[2] is None) or (found[3] is not None and found[1] != "mAP"):
        raise SettingError(f"metric '{name}': unknown; give one of {KNOWN}")
    own: Divisor = "all" if found[3] == "all" else "reachable" if found[3] == "reachable" else divisor
    return Metric(name, found[1], int(found[2]) if found[2] else None, own)
