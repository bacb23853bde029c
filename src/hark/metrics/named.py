"""Retrieval metrics by name: "R@5", "mAP@16/all", "nDCG@10", "MRR", "mean rank", "median rank"."""

from __future__ import annotations

import difflib
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
RANKS = ("mean rank", "median rank")
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
    if name in RANKS:
        return Metric(name, "rank", None, divisor, "median" if name == "median rank" else "mean")
    found = _cut(name)
    if found is None:
        near = _mended(name)
        meant = "" if near is None else f"did you mean '{near}'? "
        raise SettingError(f"metric '{name}': unknown; {meant}give one of {KNOWN}")
    own: Divisor = "all" if found[3] == "all" else "reachable" if found[3] == "reachable" else divisor
    return Metric(name, found[1], int(found[2]) if found[2] else None, own)


def _mended(name: str) -> str | None:
    """The metric that a misspelt name means, if one is near: "map@10", "recall@5"."""
    word, at, cut = name.partition("@")
    words = {kind.lower(): kind for kind in ("R", "mAP", "nDCG", "MRR", *RANKS)} | {"recall": "R"}
    near = difflib.get_close_matches(word.strip().lower(), words, n=1, cutoff=0.6)
    mended = f"{words[near[0]]}{at}{cut.strip()}" if near else ""
    return mended if mended in RANKS or _cut(mended) is not None else None


def _cut(name: str) -> re.Match[str] | None:
    """The parts of a metric's name; recall needs a cut, and only mAP has a divisor."""
    found = _CUT.fullmatch(name)
    if found is None or (found[1] == "R" and found[2] is None) or (found[3] is not None and found[1] != "mAP"):
        return None
    return found
