"""The official scorer's numbers from a table of results alone."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hark.core.errors import DataError
from hark.eval.dcase.check import Expected, Table, read_file, refuse
from hark.eval.dcase.editions import Edition
from hark.eval.dcase.sources import Asked
from hark.eval.provenance import Provenance, provenance
from hark.metrics import confidence
from hark.metrics.confidence import Estimate
from hark.metrics.ranked import Places, Ranked
from hark.metrics.retrieval import Divisor, average_precision_at, ranks, recall_at

RECALLS = (1, 5, 10)


@dataclass(frozen=True)
class ScoreReport:
    """What a table of results is worth. `relevant` is the mean number of files that answer a query.

    The model of `made` is the table's file, its stamp the file's hash.
    """

    made: Provenance
    edition: int
    queries: int
    files: int
    relevant: float
    divisor: Divisor
    level: float
    metrics: Mapping[str, Estimate]

    def as_json(self) -> dict[str, Any]:
        """The report as JSON's own types."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class _File:
    name: str
    stamp: str


def score(
    path: Path,
    edition: Edition,
    asked: Asked,
    *,
    level: float = 0.95,
    command: str | None = None,
) -> ScoreReport:
    """R@1, R@5, R@10 and the edition's average precision of the table `path`, against what answers the queries.

    With one file for each query they are those of DCASE 2022's `eval_script.py`, which reads the ten names of each
    row: 1 / place for the right one, 0 where it is not among them. The intervals are the jackknife's, as there. Of a
    matrix, ties count against the system.

    Raises DataError where nothing says what answers the queries, or the table has a defect.
    """
    relevant = asked.queries.relevant
    if relevant is None:
        raise DataError("nothing says which files answer the queries; give a manifest with captions, or --queries")
    table = read_file(path, edition, Expected(asked.queries.places, frozenset(asked.files)))
    refuse(table.defects)
    ranked = _places(table, relevant) if edition.form == "list" else _ranks(table, relevant)

    def mean(values: confidence.Values) -> Estimate:
        return confidence.jackknife(values, level=level)

    metrics = {f"R@{cut}": mean(recall_at(ranked, cut)) for cut in RECALLS}
    precision = average_precision_at(ranked, edition.cut, divisor=edition.divisor)
    metrics[f"mAP@{edition.cut}"] = mean(precision)
    file = _File(path.name, hashlib.sha256(path.read_bytes()).hexdigest()[:16])
    return ScoreReport(
        made=provenance(file, asked.clips, texts=asked.queries.texts, command=command),
        edition=edition.year,
        queries=len(ranked),
        files=len(asked.files),
        relevant=float(np.mean([len(relevant[text]) for text in asked.queries.texts])),
        divisor=edition.divisor,
        level=level,
        metrics=metrics,
    )


def _places(table: Table, relevant: Mapping[str, Sequence[str]]) -> Ranked:
    """Where the relevant files stand in the lists; infinitely far where they do not."""
    ranked: list[Places] = []
    for text, answers in relevant.items():
        place = {name: at for at, name in enumerate(table.rows[text][1], start=1)}
        ranked.append(np.array([place.get(name, np.inf) for name in answers]))
    return Ranked.of(ranked)


def _ranks(table: Table, relevant: Mapping[str, Sequence[str]]) -> Ranked:
    """Where the relevant files stand in a matrix."""
    scores = np.array([[float(cell) for cell in table.rows[text][1]] for text in relevant], dtype=np.float64)
    wanted = np.array([[name in answers for name in table.files] for answers in map(set, relevant.values())])
    return ranks(scores, wanted)
