"""Evaluates retrieval both ways: sounds found by texts, and texts found by sounds."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hark.core.types import Relevance, Scores
from hark.data.manifest import Query
from hark.data.records import Clip
from hark.eval.embed import Embedder, Progress, embed_clips, embed_texts, similarities
from hark.eval.provenance import Provenance, provenance
from hark.eval.questions import Questions, Texts, questions
from hark.metrics import confidence
from hark.metrics.confidence import Estimate
from hark.metrics.retrieval import Divisor, average_precision_at, first_rank, ranks, recall_at

RECALLS = (1, 5, 10)


@dataclass(frozen=True)
class Direction:
    """One way of searching: `metrics` by name ("R@1", "mAP@10", "median rank"), each a mean or median over queries.

    The intervals come from drawing queries. A query has `relevant` relevant items on average, among `items`.
    """

    queries: int
    items: int
    relevant: float
    metrics: Mapping[str, Estimate]


@dataclass(frozen=True)
class RetrievalReport:
    """What an evaluation of retrieval found, and what it was made of.

    `text_to_audio` searches all clips by each text; `audio_to_text` searches all texts by each clip that has any.
    `texts` says what the texts are, `divisor` what average precision is divided by, `level` the intervals' coverage.
    """

    made: Provenance
    texts: Texts
    divisor: Divisor
    level: float
    resamples: int
    text_to_audio: Direction
    audio_to_text: Direction

    def as_json(self) -> dict[str, Any]:
        """The report as JSON's own types."""
        return dataclasses.asdict(self)


def evaluate(
    model: Embedder,
    clips: Sequence[Clip],
    *,
    queries: Sequence[Query] | None = None,
    rng: np.random.Generator,
    k: int = 10,
    divisor: Divisor = "reachable",
    resamples: int = 1000,
    level: float = 0.95,
    command: str | None = None,
    progress: Progress | None = None,
) -> RetrievalReport:
    """Embeds the clips and the texts about them (`hark.eval.questions`), ranks both ways and measures.

    The average precision is taken at `k`, with `divisor` as in `hark.metrics.retrieval.average_precision_at`.
    `command` is what the report's provenance tells as the way to its numbers.

    Raises DataError for clips or queries that cannot be used, or a file that cannot be read; WeightsError where the
    model's vectors are not finite.
    """
    asked = questions(clips, queries)
    texts = embed_texts(model, list(asked.texts))  # first: it is quick, and may refuse
    sounds = embed_clips(model, clips, progress=progress)
    made = provenance(model, clips, texts=asked.texts, command=command)
    scores = similarities(texts, sounds)
    return measure(scores, asked, made=made, rng=rng, k=k, divisor=divisor, resamples=resamples, level=level)


def measure(
    scores: Scores,
    asked: Questions,
    *,
    made: Provenance,
    rng: np.random.Generator,
    k: int = 10,
    divisor: Divisor = "reachable",
    resamples: int = 1000,
    level: float = 0.95,
) -> RetrievalReport:
    """The report on `scores` (texts, clips), whatever made them: a model, an ensemble, a re-ranking."""
    described = asked.described
    one_way = functools.partial(_measure, k=k, divisor=divisor, rng=rng, resamples=resamples, level=level)
    return RetrievalReport(
        made=made,
        texts=asked.kind,
        divisor=divisor,
        level=level,
        resamples=resamples,
        text_to_audio=one_way(scores, asked.relevant),
        audio_to_text=one_way(scores.T[described], asked.relevant.T[described]),
    )


def _measure(
    scores: Scores,
    relevant: Relevance,
    *,
    k: int,
    divisor: Divisor,
    rng: np.random.Generator,
    resamples: int,
    level: float,
) -> Direction:
    mean = functools.partial(confidence.mean, rng=rng, resamples=resamples, level=level)
    median = functools.partial(confidence.median, rng=rng, resamples=resamples, level=level)
    ranked = ranks(scores, relevant)
    first = first_rank(ranked)
    metrics = {f"R@{cut}": mean(recall_at(ranked, cut)) for cut in RECALLS}
    metrics[f"mAP@{k}"] = mean(average_precision_at(ranked, k, divisor=divisor))
    metrics["mean rank"] = mean(first)
    metrics["median rank"] = median(first)
    queries, items = scores.shape
    return Direction(queries, items, float(relevant.sum(axis=1).mean()), metrics)
