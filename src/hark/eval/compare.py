"""Compares two evaluations on the same clips and questions, query by query."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hark.core.errors import DataError
from hark.core.provenance import made_by
from hark.eval import folder
from hark.eval.folder import Results, Row
from hark.eval.outcome import ALL, Drawn, Measures
from hark.eval.provenance import Provenance
from hark.metrics.confidence import Groups
from hark.metrics.paired import ROUNDS, Difference, differences
from hark.metrics.retrieval import Divisor

MEASURES = Measures(ALL)


@dataclass(frozen=True)
class Comparison:
    """How `second` differs from `first`, by metric; `queries` is how many each way.

    Intervals are paired bootstraps over `drawn`; p is two-sided, of a randomisation test, and not corrected for the
    number of metrics.
    """

    first: Provenance
    second: Provenance
    hark: str
    command: str | None
    divisor: Divisor
    level: float
    resamples: int
    rounds: int
    drawn: Drawn
    queries: Mapping[str, int]
    text_to_audio: Mapping[str, Difference]
    audio_to_text: Mapping[str, Difference]

    def as_json(self) -> dict[str, Any]:
        """The comparison as JSON's own types."""
        return dataclasses.asdict(self)


def compare(
    first: Path,
    second: Path,
    *,
    measures: Measures = MEASURES,
    rounds: int = ROUNDS,
    rng: np.random.Generator,
    command: str | None = None,
) -> Comparison:
    """The differences second - first between two folders that `hark eval --out` wrote.

    All metrics are made anew from the ranks, so that it does not matter which ones the evaluations measured.

    Raises DataError where a folder cannot be read or the two are not of the same data.
    """
    one, two = folder.read(first), folder.read(second)
    if one.made.data != two.made.data:
        raise DataError(
            f"{second}: evaluated on data {two.made.data}, but {first} on {one.made.data}; "
            "compare evaluations of the same clips and questions"
        )
    found, queries = {}, {}
    for way in folder.WAYS:
        ours, theirs = _together(one, two, way)
        queries[way] = len(ours)
        groups = _groups(ours) if measures.drawn == "clips" and way == "text_to_audio" else None
        before, after = folder.ranked(ours), folder.ranked(theirs)
        made = differences(
            [metric.values(before) for metric in measures.parsed],
            [metric.values(after) for metric in measures.parsed],
            [metric.statistic for metric in measures.parsed],
            rng=rng,
            resamples=measures.resamples,
            rounds=rounds,
            level=measures.level,
            groups=groups,
        )
        found[way] = {metric.name: one_made for metric, one_made in zip(measures.parsed, made, strict=True)}
    return Comparison(
        first=one.made,
        second=two.made,
        hark=made_by()["hark"],
        command=command,
        divisor=measures.divisor,
        level=measures.level,
        resamples=measures.resamples,
        rounds=rounds,
        drawn=measures.drawn,
        queries=queries,
        text_to_audio=found["text_to_audio"],
        audio_to_text=found["audio_to_text"],
    )


def _together(one: Results, two: Results, way: str) -> tuple[list[Row], list[Row]]:
    """Both systems' rows of the same queries, in the order of the first's."""
    ours, theirs = list(one.rows(way)), {row.query: row for row in two.rows(way)}
    for row in ours:
        other = theirs.get(row.query)
        if other is None or len(other.ranks) != len(row.ranks):
            raise DataError(f"{two.folder}/{way}.jsonl: nothing of '{row.query}', or of other answers; evaluate again")
    if len(ours) != len(theirs):
        raise DataError(f"{two.folder}/{way}.jsonl: {len(theirs)} queries, not {len(ours)}; evaluate again")
    return ours, [theirs[row.query] for row in ours]


def _groups(rows: Sequence[Row]) -> Groups:
    """Groups of the texts whose first clip (by name, so that the manifest's order does not matter) is the same."""
    return np.unique([min(row.relevant) for row in rows], return_inverse=True)[1].reshape(-1).astype(np.int64)
