"""Evaluates retrieval both ways: sounds found by texts, and texts found by sounds."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from hark.core.errors import DataError
from hark.core.types import Relevance, Scores
from hark.data.manifest import Query
from hark.data.records import Clip
from hark.eval.embed import Embedder, Progress, embed_clips, embed_texts, similarities
from hark.metrics import confidence
from hark.metrics.confidence import Estimate
from hark.metrics.retrieval import Divisor, average_precision_at, first_rank, ranks, recall_at
from hark.text.prompts import words

Texts = Literal["captions", "labels", "queries"]
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
    """What an evaluation of retrieval found, and for which model.

    `text_to_audio` searches all clips by each text; `audio_to_text` searches all texts by each clip that has any.
    `texts` says what the texts are, `divisor` what average precision is divided by, `level` the intervals' coverage.
    """

    model: str
    stamp: str
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
    progress: Progress | None = None,
) -> RetrievalReport:
    """Embeds the clips and the texts about them, ranks both ways and measures.

    The texts are those of `queries`; without them the clips' distinct captions (one that two clips share is answered
    by both); where no clip has a caption, the labels' words (answered by every clip with the label). The average
    precision is taken at `k`, with `divisor` as in `hark.metrics.retrieval.average_precision_at`.

    Raises DataError for clips or queries that cannot be used, or a file that cannot be read; WeightsError where the
    model's vectors are not finite.
    """
    place = _places(clips)
    if queries is not None:
        kind: Texts = "queries"
        answers = _gather((query.text, _answers(query, place)) for query in queries)
    elif any(clip.captions for clip in clips):
        kind = "captions"
        answers = _gather((text, [place[clip.id]]) for clip in clips for text in clip.captions)
    else:
        kind = "labels"
        answers = _gather((words(label), [place[clip.id]]) for clip in clips for label in clip.labels)
    if not answers:
        nothing = "no queries in the file" if kind == "queries" else "no clip has a caption or a label"
        raise DataError(f"{nothing}; nothing to search for")
    relevant = np.zeros((len(answers), len(clips)), dtype=np.bool_)
    for row, found in enumerate(answers.values()):
        relevant[row, sorted(found)] = True

    texts = embed_texts(model, list(answers))  # first: it is quick, and may refuse
    sounds = embed_clips(model, clips, progress=progress)
    scores = similarities(texts, sounds)
    described = relevant.any(axis=0)  # a clip that no text is about can be a wrong answer, but not a question

    measure = functools.partial(_measure, k=k, divisor=divisor, rng=rng, resamples=resamples, level=level)
    return RetrievalReport(
        model=model.name,
        stamp=model.stamp,
        texts=kind,
        divisor=divisor,
        level=level,
        resamples=resamples,
        text_to_audio=measure(scores, relevant),
        audio_to_text=measure(scores.T[described], relevant.T[described]),
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


def _places(clips: Sequence[Clip]) -> dict[str, int]:
    """Where each clip stands, by id."""
    if not clips:
        raise DataError("no clips; nothing to evaluate on")
    place: dict[str, int] = {}
    for at, clip in enumerate(clips):
        if clip.id in place:
            raise DataError(f"clip id '{clip.id}' stands twice; ids must be unique in an evaluation")
        place[clip.id] = at
    return place


def _answers(query: Query, place: Mapping[str, int]) -> list[int]:
    if not query.relevant:
        raise DataError(f'query "{query.text}": no relevant clip; name at least one')
    for clip_id in query.relevant:
        if clip_id not in place:
            raise DataError(
                f"query \"{query.text}\": no clip '{clip_id}' in the manifest; mend the id, or the selection"
            )
    return [place[clip_id] for clip_id in query.relevant]


def _gather(found: Iterable[tuple[str, Iterable[int]]]) -> dict[str, set[int]]:
    """The clips that answer each distinct text, in the order in which the texts first appear."""
    answers: dict[str, set[int]] = {}
    for text, clips in found:
        answers.setdefault(text, set()).update(clips)
    return answers
