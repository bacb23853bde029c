"""One direction of an evaluation, read back: where right answers stood, by label, and the worst and best queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hark.core.errors import DataError
from hark.eval.folder import Results, Row
from hark.metrics.confidence import Estimate
from hark.metrics.named import parse

WORDS = {"text_to_audio": "text to audio", "audio_to_text": "audio to text"}


@dataclass(frozen=True)
class Shown:
    """A query to look at; `precision` is its average precision over the whole ranking."""

    row: Row
    precision: float


@dataclass(frozen=True)
class Mean:
    """The mean over `queries`."""

    value: float
    queries: int


@dataclass(frozen=True)
class Way:
    """One way of searching. `first` has the rank of each query's best right answer, in the order of the rows.

    `labels` has the means of the metric `main` over the queries about each label: texts all of whose clips have it,
    clips that have it. The `worst` queries come worst first, the `best` best first; none is among both.
    """

    name: str
    queries: int
    items: int
    relevant: float
    metrics: Mapping[str, Estimate]
    main: str
    first: Mapping[str, float]
    labels: Mapping[str, Mean]
    worst: tuple[Shown, ...]
    best: tuple[Shown, ...]


def read(results: Results, name: str, *, labels: Mapping[str, tuple[str, ...]], show: int) -> Way:
    """The direction `name` of an evaluation's folder; `labels` are those of each clip, by id.

    Queries are told worse from better by their average precision over the whole ranking; of equal ones those count as
    better whose right answers lie farther before the wrong ones.

    Raises DataError, which says where.
    """
    metrics, (queries, items, relevant) = _metrics(results, name)
    main = next((m for m in metrics if m.startswith("mAP")), None)
    main = main or next((m for m in metrics if not m.endswith("rank")), "average precision")
    first: dict[str, float] = {}
    sums: dict[str, tuple[float, int]] = {}
    precisions, leads = [], []
    for row in results.rows(name):
        precision = precision_of(row)
        first[row.query] = min(row.ranks)
        precisions.append(precision)
        leads.append(_lead(row, results, name))
        for label in _about(row, name, labels):
            total, number = sums.get(label, (0.0, 0))
            sums[label] = (total + row.values.get(main, precision), number + 1)
    order = np.lexsort([leads, precisions])
    worst, best = order[:show], order[show:][::-1][:show]
    rows = _at(results, name, {*worst.tolist(), *best.tolist()})
    return Way(
        name=name,
        queries=queries,
        items=items,
        relevant=relevant,
        metrics=metrics,
        main=main,
        first=first,
        labels={label: Mean(total / number, number) for label, (total, number) in sums.items()},
        worst=tuple(Shown(rows[at], precisions[at]) for at in worst.tolist()),
        best=tuple(Shown(rows[at], precisions[at]) for at in best.tolist()),
    )


def precision_of(row: Row) -> float:
    """The average precision of a query over the whole ranking."""
    ranks = np.sort(np.asarray(row.ranks, dtype=np.float64))
    return float(np.mean(np.arange(1, len(ranks) + 1) / ranks))


def binned(ranks: NDArray[np.float64], items: int) -> list[tuple[str, int]]:
    """How many ranks are 1, 2, ... 5, 6-10, 11-20, 21-50, 51-100 and so on, up to the number of items."""
    ends, step = [1, 2, 3, 4, 5, 10], 10
    while ends[-1] < items:
        ends += [2 * step, 5 * step, 10 * step]
        step *= 10
    ends = [end for end in ends if end < items] + [items]
    counts = np.bincount(np.searchsorted(ends, ranks), minlength=len(ends))
    starts = [1, *(end + 1 for end in ends[:-1])]
    names = [f"{a}" if a == b else f"{a}\N{EN DASH}{b}" for a, b in zip(starts, ends, strict=True)]
    return list(zip(names, counts.tolist(), strict=False))


def _metrics(results: Results, name: str) -> tuple[dict[str, Estimate], tuple[int, int, float]]:
    """The estimates by name; and how many queries, items, and relevant items a query there are."""
    try:
        told = results.report[name]
        found = {
            str(metric): Estimate(float(one["value"]), float(one["low"]), float(one["high"]))
            for metric, one in told["metrics"].items()
        }
        for metric in found:
            parse(metric, divisor=results.report["divisor"])
        return found, (int(told["queries"]), int(told["items"]), float(told["relevant"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{results.folder}/report.json: no numbers of {name}; evaluate again") from error


def _about(row: Row, name: str, labels: Mapping[str, tuple[str, ...]]) -> Iterable[str]:
    if name == "audio_to_text":
        return dict.fromkeys(labels.get(row.query, ()))
    every = [labels.get(clip, ()) for clip in row.relevant]
    return [label for label in dict.fromkeys(every[0]) if all(label in one for one in every)] if every else []


def _lead(row: Row, results: Results, name: str) -> float:
    """By how much the best right answer scores more than the best wrong one, as far as the kept items tell."""
    try:
        right = [float(item["score"]) for item in row.top if item["relevant"]]
        wrong = [float(item["score"]) for item in row.top if not item["relevant"]]
        if not all(isinstance(item["item"], str) for item in row.top):
            raise ValueError("item")
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{results.folder}/{name}.jsonl: '{row.query}': damaged; evaluate again") from error
    return max(right) - max(wrong) if right and wrong else 0.0


def _at(results: Results, name: str, places: set[int]) -> dict[int, Row]:
    return {at: row for at, row in enumerate(results.rows(name)) if at in places}
