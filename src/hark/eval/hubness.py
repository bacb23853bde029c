"""Corrects hubness in an evaluation and says what it did: how hubby the items were before and after, and its effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hark.core.types import Scores
from hark.data.records import Clip
from hark.metrics import rerank
from hark.metrics.hubness import Hubness, hubness
from hark.metrics.rescore.bank import Rescore


@dataclass(frozen=True)
class Way:
    """One way of searching, (queries, items), and the scores of the same items under a bank's queries, if there are."""

    scores: Scores
    bank: Scores | None = None


@dataclass(frozen=True)
class Corrected:
    """`queries`: where the correction knows the queries from: a "bank", or "all at once" (it saw all that are asked).

    `before` and `after` are the items' hubness.
    """

    queries: str
    before: Hubness
    after: Hubness


def correct(way: Way, rescore: Rescore, *, k: int = 10) -> tuple[Scores, Corrected]:
    """The corrected scores, and what the correction did. Raises ValueError."""
    changed = rescore(way.scores, way.bank)
    k = min(k, way.scores.shape[1])
    known = "all at once" if way.bank is None else "bank"
    return changed, Corrected(known, hubness(way.scores, k), hubness(changed, k))


class Reranker(Protocol):
    """What a component of `eval.rerankers` builds: it judges the clips that a text found."""

    @property
    def stamp(self) -> str:
        """What identifies the way it judges."""

    def judge(self, text: str, clips: Sequence[Clip]) -> NDArray[np.floating]:
        """(clips,) how well each answers the text; higher is better."""


def judged(scores: Scores, reranker: Reranker, texts: Sequence[str], clips: Sequence[Clip], *, top: int) -> Scores:
    """(texts, clips) scores in which the `top` clips of each text stand as the re-ranker says. Raises HarkError."""
    return rerank.rerank(scores, lambda row, items: reranker.judge(texts[row], [clips[i] for i in items]), top=top)
