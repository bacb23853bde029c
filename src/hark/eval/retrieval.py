"""Evaluates retrieval both ways: sounds found by texts, and texts found by sounds."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hark.core.types import Scores
from hark.data.manifest import Query
from hark.data.records import Clip
from hark.eval.embed import Embedder, Progress, embed_clips, embed_texts
from hark.eval.folder import refuse_other
from hark.eval.found import Between, Given
from hark.eval.outcome import Direction, Drawn, Measures, Outcome, RetrievalReport, weigh
from hark.eval.provenance import Provenance, provenance
from hark.eval.questions import Asked, Questions, ask
from hark.eval.stored import save_vectors, store_clips
from hark.metrics.confidence import Interval
from hark.metrics.retrieval import Divisor

__all__ = ["Direction", "RetrievalReport", "evaluate", "examine", "measure"]

MANY = 200_000
"""So many clips' vectors are kept on disk and not in memory, also where no folder is given."""

MEASURES = Measures()


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
    metrics: Sequence[str] = MEASURES.metrics,
    interval: Interval = "bootstrap",
    drawn: Drawn = "queries",
    command: str | None = None,
    progress: Progress | None = None,
) -> RetrievalReport:
    """Embeds the clips and the texts about them (`hark.eval.questions`), ranks both ways and measures.

    The average precision is taken at `k`, with `divisor` as in `hark.metrics.retrieval.average_precision_at`;
    `metrics`, `interval` and `drawn` are those of `hark.eval.outcome.Measures`. `command` is what the report's
    provenance tells as the way to its numbers.

    Raises DataError for clips or queries that cannot be used, or a file that cannot be read; WeightsError where the
    model's vectors are not finite; SettingError for a measure that is not known.
    """
    measures = Measures(tuple(metrics), k, divisor, resamples, level, interval, drawn)
    found = examine(
        model, clips, queries=queries, measures=measures, rng=rng, command=command, progress=progress, top=0
    )
    return found.report


def examine(
    model: Embedder,
    clips: Sequence[Clip],
    *,
    queries: Sequence[Query] | None = None,
    measures: Measures = MEASURES,
    rng: np.random.Generator,
    top: int = 10,
    folder: Path | None = None,
    command: str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """`evaluate`, with what each query found. All similarities are made block by block; there is no matrix of them.

    With a `folder` the vectors are written there, and taken from there where they are known
    (`hark.eval.stored.store_clips`). Raises SettingError where it holds another evaluation.
    """
    asked = ask(clips, queries)
    texts = embed_texts(model, list(asked.texts))  # first: it is quick, and may refuse
    told = asked.answers if asked.kind == "queries" else None
    made = provenance(model, clips, texts=asked.texts, answers=told, command=command)
    if folder is not None:
        refuse_other(folder, made)
        sounds = store_clips(model, clips, folder, progress=progress)
        save_vectors(folder / "texts.npy", texts)
        return weigh(Between(texts, sounds), asked, made=made, measures=measures, rng=rng, top=top)
    if len(clips) < MANY:
        held = embed_clips(model, clips, progress=progress)
        return weigh(Between(texts, held), asked, made=made, measures=measures, rng=rng, top=top)
    with tempfile.TemporaryDirectory(prefix="hark-eval-") as scratch:
        sounds = store_clips(model, clips, Path(scratch), progress=progress)
        return weigh(Between(texts, sounds), asked, made=made, measures=measures, rng=rng, top=top)


def measure(
    scores: Scores,
    asked: Questions | Asked,
    *,
    made: Provenance,
    rng: np.random.Generator,
    k: int = 10,
    divisor: Divisor = "reachable",
    resamples: int = 1000,
    level: float = 0.95,
    metrics: Sequence[str] = MEASURES.metrics,
    interval: Interval = "bootstrap",
    drawn: Drawn = "queries",
) -> RetrievalReport:
    """The report on `scores` (texts, clips), whatever made them: a model, an ensemble, a re-ranking."""
    measures = Measures(tuple(metrics), k, divisor, resamples, level, interval, drawn)
    pairs = asked.asked if isinstance(asked, Questions) else asked
    return weigh(Given(scores), pairs, made=made, measures=measures, rng=rng, top=0).report
