"""Evaluates an ensemble: what its members give together, what each gives alone, and what each is worth to the whole."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hark.core.types import Relevance, Scores
from hark.eval.ensembles.greedy import Choice
from hark.eval.ensembles.members import Found, Scored
from hark.eval.hubness import Corrected, Way, correct
from hark.eval.provenance import Provenance
from hark.eval.questions import Questions
from hark.eval.retrieval import RetrievalReport, measure
from hark.metrics.combine.members import Combine
from hark.metrics.paired import Difference, differences
from hark.metrics.rescore.bank import Rescore
from hark.metrics.retrieval import Divisor, average_precision_at, ranks, recall_at

Values = NDArray[np.float64]

WAYS = ("text to audio", "audio to text")

Both = tuple[Scores, Scores]
"""Scores (texts, clips) and (clips, texts): those of the second need not be the first's, turned round."""


@dataclass(frozen=True)
class Alone:
    """A member by itself; `metrics` by way and name: {"text to audio": {"mAP@10": ...}}."""

    name: str
    stamp: str
    weight: float
    metrics: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Worth:
    """The ensemble without a member: its text-to-audio mAP, and by how much the whole is above it (paired)."""

    name: str
    without: float
    gain: Difference


@dataclass(frozen=True)
class Settings:
    """How queries are drawn for intervals, and what average precision is."""

    rng: np.random.Generator
    k: int = 10
    divisor: Divisor = "reachable"
    resamples: int = 1000
    level: float = 0.95


@dataclass(frozen=True)
class EnsembleReport:
    """What an evaluation of an ensemble found; all differences are paired, query by query.

    `best` is the member with the best text-to-audio mAP on these very clips, which makes `gain` over it no larger than
    over one chosen beforehand. `further` tells in words what was done to the combined scores, `correction` what a
    correction of hubness did, and `effect` the difference that all of it made; `members`, `gain` and `worth` are of
    the scores before it.
    """

    made: Provenance
    combine: Mapping[str, Any]
    retrieval: RetrievalReport
    members: tuple[Alone, ...]
    best: str
    gain: Mapping[str, Mapping[str, Difference]]
    worth: tuple[Worth, ...]
    chosen: Choice | None = None
    chosen_on: Provenance | None = None
    further: tuple[str, ...] = ()
    correction: Mapping[str, Corrected] = dataclasses.field(default_factory=dict)
    effect: Mapping[str, Mapping[str, Difference]] = dataclasses.field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The report as JSON's own types."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Named:
    """An ensemble's name and stamp, which is the hash of its members' stamps, weights and combination."""

    name: str
    stamp: str


def named(name: str, members: Sequence[Scored], combine: Mapping[str, Any], *further: str) -> Named:
    """The name and stamp of members that are combined; `further` tells what else is done to the scores."""
    told = [sorted([one.stamp, one.weight] for one in members), dict(combine), *further]
    return Named(name, hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16])


def combined(members: Sequence[Scored], combine: Combine) -> Both:
    """The members' scores as one, both ways: ranks and normalised scores are a query's own, whichever way one asks."""
    weights = [one.weight for one in members]
    there = combine([one.scores for one in members], weights)
    return there, combine([one.scores.T for one in members], weights)


def corrected(
    found: Found, both: Both, combine: Combine, rescore: Rescore, *, k: int
) -> tuple[Both, dict[str, Corrected]]:
    """Both ways corrected for hubness, each by the bank's queries of its kind; by its own where there is no bank.

    A bank without clips corrects only text to audio.
    """
    weights = [one.weight for one in found.members]
    if not found.texts and not found.clips:
        banks: list[Scores | None] = [None, None]
    else:
        banks = [combine(found.texts, weights) if found.texts else None]
        banks.append(combine([scores.T for scores in found.clips], weights) if found.clips else None)
    result, told = list(both), {}
    for place, (way, scores, bank) in enumerate(zip(WAYS, both, banks, strict=True)):
        if bank is not None or (not found.texts and not found.clips):
            result[place], told[way] = correct(Way(scores, bank), rescore, k=k)
    return (result[0], result[1]), told


def report(
    members: Sequence[Scored],
    asked: Questions,
    combine: Combine,
    *,
    made: Provenance,
    how: Mapping[str, Any],
    settings: Settings,
    final: Both | None = None,
    correction: Mapping[str, Corrected] | None = None,
    chosen: Choice | None = None,
    chosen_on: Provenance | None = None,
    further: Sequence[str] = (),
) -> EnsembleReport:
    """Measures the ensemble, its members, and it without each; `final` are scores that were corrected or re-ranked.

    `how` is the combination as a table. Raises ValueError for scores that cannot be combined or ranked.
    """
    plain = combined(members, combine)
    alone = [_values((one.scores, one.scores.T), asked, settings) for one in members]
    whole = _values(plain, asked, settings)
    key = f"mAP@{settings.k}"
    best = max(range(len(members)), key=lambda place: alone[place][WAYS[0]][key].mean())
    worth = []
    for place, member in enumerate(members if len(members) > 1 else ()):
        others = [one for at, one in enumerate(members) if at != place]
        if not member.weight or not sum(one.weight for one in others):
            continue
        scores = combine([one.scores for one in others], [one.weight for one in others])
        values = _precision(scores, asked.relevant, settings)
        (gain,) = _differences([values], [whole[WAYS[0]][key]], settings)
        worth.append(Worth(member.name, gain.first, gain))
    return EnsembleReport(
        made=made,
        combine=how,
        retrieval=_measured(final or plain, asked, made, settings),
        members=tuple(
            Alone(one.name, one.stamp, one.weight, {way: _means(table) for way, table in values.items()})
            for one, values in zip(members, alone, strict=True)
        ),
        best=members[best].name,
        gain=_all_differences(alone[best], whole, settings),
        worth=tuple(worth),
        chosen=chosen,
        chosen_on=chosen_on,
        further=tuple(further),
        correction=correction or {},
        effect={} if final is None else _all_differences(whole, _values(final, asked, settings), settings),
    )


def _measured(both: Both, asked: Questions, made: Provenance, settings: Settings) -> RetrievalReport:
    """The whole report, each way from its own scores, by the draws that `hark eval` makes."""
    given = {"k": settings.k, "divisor": settings.divisor, "resamples": settings.resamples, "level": settings.level}
    same = copy.deepcopy(settings.rng)
    there = measure(both[0], asked, made=made, rng=settings.rng, **given)  # type: ignore[arg-type]
    back = measure(both[1].T, asked, made=made, rng=same, **given)  # type: ignore[arg-type]
    return dataclasses.replace(there, audio_to_text=back.audio_to_text)


def _values(both: Both, asked: Questions, settings: Settings) -> dict[str, dict[str, Values]]:
    """Average precision and recall at 1, query by query, both ways."""
    described = asked.described
    found = {}
    for way, scores, relevant in (
        (WAYS[0], both[0], asked.relevant),
        (WAYS[1], both[1][described], asked.relevant.T[described]),
    ):
        ranked = ranks(scores, relevant)
        precision = average_precision_at(ranked, settings.k, divisor=settings.divisor)
        found[way] = {f"mAP@{settings.k}": precision, "R@1": recall_at(ranked, 1)}
    return found


def _precision(scores: Scores, relevant: Relevance, settings: Settings) -> Values:
    return average_precision_at(ranks(scores, relevant), settings.k, divisor=settings.divisor)


def _means(table: Mapping[str, Values]) -> dict[str, float]:
    return {name: float(values.mean()) for name, values in table.items()}


def _differences(old: Sequence[Values], new: Sequence[Values], settings: Settings) -> list[Difference]:
    """The differences of the means, with their paired intervals: a query is drawn with both its values."""
    how = {"resamples": settings.resamples, "level": settings.level}
    return differences(old, new, ["mean"] * len(old), rng=settings.rng, **how)  # type: ignore[arg-type]


def _all_differences(
    old: Mapping[str, Mapping[str, Values]], new: Mapping[str, Mapping[str, Values]], settings: Settings
) -> dict[str, dict[str, Difference]]:
    return {
        way: dict(zip(table, _differences(list(old[way].values()), list(table.values()), settings), strict=True))
        for way, table in new.items()
    }
