"""What an evaluation of retrieval is asked to measure, and all that it found, query by query."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from hark.core.errors import SettingError
from hark.eval.found import Found, Likeness, find
from hark.eval.provenance import Provenance
from hark.eval.questions import Asked, Texts
from hark.metrics import confidence, named
from hark.metrics.answers import Answers, Indices
from hark.metrics.confidence import Estimate, Groups, Interval
from hark.metrics.named import Metric
from hark.metrics.ranked import Ranked
from hark.metrics.retrieval import Divisor

Drawn = Literal["queries", "clips"]
"""What intervals draw: queries, or clips with all texts about them, which are not independent of each other."""

ALL = ("R@1", "R@5", "R@10", "mAP@{k}", "nDCG@{k}", "MRR", "mean rank", "median rank")


@dataclass(frozen=True)
class Measures:
    """What is measured: `metrics` by name (`hark.metrics.named`; {k} stands for `k`), and how intervals are made.

    `divisor` is that of an mAP whose name does not say it. Raises SettingError.
    """

    metrics: tuple[str, ...] = ("R@1", "R@5", "R@10", "mAP@{k}", "mean rank", "median rank")
    k: int = 10
    divisor: Divisor = "reachable"
    resamples: int = 1000
    level: float = 0.95
    interval: Interval = "bootstrap"
    drawn: Drawn = "queries"
    parsed: tuple[Metric, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, value, known in (
            ("divisor", self.divisor, ("all", "reachable")),
            ("interval", self.interval, ("bootstrap", "jackknife")),
            ("drawn", self.drawn, ("queries", "clips")),
        ):
            if value not in known:
                raise SettingError(f"{name} '{value}': unknown; give {known[0]} or {known[1]}")
        for name, number in (("k", self.k), ("resamples", self.resamples)):
            if number < 1:
                raise SettingError(f"{name} {number}: give 1 or more")
        if not 0 < self.level < 1:
            raise SettingError(f"level {self.level:g}: give a share between 0 and 1, such as 0.95")
        if not self.metrics:
            raise SettingError("no metrics; name at least one")
        names = dict.fromkeys(name.replace("{k}", str(self.k)) for name in self.metrics)
        parsed = tuple(named.parse(name, divisor=self.divisor) for name in names)
        object.__setattr__(self, "parsed", parsed)

    def estimates(
        self, ranked: Ranked, *, rng: np.random.Generator, groups: Groups | None = None
    ) -> dict[str, Estimate]:
        """Each metric with its interval; a jackknife's, which is symmetric, is cut off where the metric ends."""
        found = confidence.several(
            [metric.values(ranked) for metric in self.parsed],
            [metric.statistic for metric in self.parsed],
            rng=rng,
            resamples=self.resamples,
            level=self.level,
            groups=groups,
            interval=self.interval,
        )
        return {metric.name: _within(one, metric) for metric, one in zip(self.parsed, found, strict=True)}


def measures(
    metrics: Sequence[str], k: int, divisor: str, resamples: int, level: float, interval: str, drawn: str
) -> Measures:
    """Measures from words that a user wrote. Raises SettingError."""
    return Measures(tuple(metrics), k, divisor, resamples, level, interval, drawn)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Direction:
    """One way of searching: `metrics` by name ("R@1", "mAP@10", "median rank"), each a mean or median over queries.

    The intervals come from drawing queries, or clips. A query has `relevant` relevant items on average, among `items`.
    """

    queries: int
    items: int
    relevant: float
    metrics: Mapping[str, Estimate]


@dataclass(frozen=True)
class RetrievalReport:
    """What an evaluation of retrieval found, and what it was made of.

    `text_to_audio` searches all clips by each text; `audio_to_text` searches all texts by each clip that has any.
    `texts` says what the texts are, `divisor` what average precision is divided by where a metric's name does not say
    it; `level`, `resamples`, `interval` and `drawn` are of the intervals (those of medians are always bootstrapped).
    """

    made: Provenance
    texts: Texts
    divisor: Divisor
    level: float
    resamples: int
    text_to_audio: Direction
    audio_to_text: Direction
    interval: Interval = "bootstrap"
    drawn: Drawn = "queries"

    def as_json(self) -> dict[str, Any]:
        """The report as JSON's own types."""
        return dataclasses.asdict(self)

    def note(self) -> str:
        """How the intervals and mAP were made, in a line."""
        over = "queries" if self.drawn == "queries" else "clips with their texts"
        note = f"[low, high]: {self.level:.0%} {self.interval} interval over {over}"
        return note + said_of_map(self.text_to_audio.metrics, self.divisor)


def said_of_map(metrics: Iterable[str], divisor: Divisor) -> str:
    """What the mAPs whose names do not tell their divisor are divided by; nothing where there is none."""
    if not any(name.startswith("mAP") and "/" not in name for name in metrics):
        return ""
    return "; mAP is divided by " + ("min(k, relevant)" if divisor == "reachable" else "all relevant")


@dataclass(frozen=True)
class Outcome:
    """The report, and what each query found. `described` are the clips that `audio_to_text` asks for."""

    report: RetrievalReport
    measures: Measures
    asked: Asked
    described: Indices
    text_to_audio: Found
    audio_to_text: Found


def weigh(
    scores: Likeness, asked: Asked, *, made: Provenance, measures: Measures, rng: np.random.Generator, top: int = 10
) -> Outcome:
    """Searches both ways and measures. `scores` are (texts, clips); the `top` items of each query are kept.

    Raises ValueError where a score is NaN or a query has no answer.
    """
    described, back = asked.answers.turned().answered()
    there_found = find(scores, asked.answers, top=top)
    back_found = find(scores.turned(), back, asked=described, top=top)
    groups = by_first(asked.answers) if measures.drawn == "clips" else None
    report = RetrievalReport(
        made=made,
        texts=asked.kind,
        divisor=measures.divisor,
        level=measures.level,
        resamples=measures.resamples,
        text_to_audio=_direction(there_found, measures.estimates(there_found.ranked, rng=rng, groups=groups)),
        audio_to_text=_direction(back_found, measures.estimates(back_found.ranked, rng=rng)),
        interval=measures.interval,
        drawn=measures.drawn,
    )
    return Outcome(report, measures, asked, described, there_found, back_found)


def by_first(answers: Answers) -> Groups:
    """(queries,) groups of the queries that have the first of their answers in common."""
    return np.unique(answers.item[answers.starts[:-1]], return_inverse=True)[1].reshape(-1).astype(np.int64)


def _direction(found: Found, metrics: Mapping[str, Estimate]) -> Direction:
    answers = found.answers
    return Direction(answers.queries, answers.items, len(answers.query) / answers.queries, metrics)


def _within(found: Estimate, metric: Metric) -> Estimate:
    least, most = (0.0, 1.0) if metric.rising else (1.0, np.inf)
    return Estimate(found.value, float(max(found.low, least)), float(min(found.high, most)))
