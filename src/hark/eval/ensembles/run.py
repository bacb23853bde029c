"""Runs an evaluation of an ensemble from its members to the report."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hark.core import component
from hark.core.errors import SettingError
from hark.data.manifest import Query
from hark.data.records import Clip
from hark.eval.ensembles import ensemble as ensembles
from hark.eval.ensembles.ensemble import Both, EnsembleReport, Settings
from hark.eval.ensembles.greedy import choose
from hark.eval.ensembles.members import Bank, Member, Moved, embed
from hark.eval.hubness import Corrected, judged
from hark.eval.provenance import data_hash, provenance
from hark.eval.questions import questions

Table = Mapping[str, Any]


@dataclass(frozen=True)
class Steps:
    """What is done with the members' scores.

    They are combined by `combine`, a component of `metrics.combine`; by `rescore`, one of `metrics.rescore`, corrected
    for hubness, with the queries of `bank` or else with all that are asked; and the `top` clips of each text are judged
    anew by `rerank`, one of `eval.rerankers`. With `choose_on`, clips with captions or labels, the members are chosen
    greedily there, and count as often as they were taken.
    """

    combine: Table = dataclasses.field(default_factory=lambda: {"name": "mean"})
    choose_on: Sequence[Clip] | None = None
    rescore: Table | None = None
    bank: Bank | None = None
    rerank: Table | None = None
    top: int = 10

    def __post_init__(self) -> None:
        if self.bank is not None and self.rescore is None:
            raise SettingError("a bank of queries, but nothing that uses it; name a correction, such as sinkhorn")
        if self.top < 1:
            raise SettingError(f"top is {self.top}; judge at least one clip anew")


def evaluate(
    name: str,
    members: Sequence[Member],
    clips: Sequence[Clip],
    *,
    steps: Steps,
    settings: Settings,
    queries: Sequence[Query] | None = None,
    cache: Path | None = None,
    command: str | None = None,
    progress: Moved | None = None,
) -> EnsembleReport:
    """Embeds the clips and the texts about them with each member, combines, corrects, measures.

    Members are opened one after the other, so that no two are in memory. `cache` is a folder of vectors
    (`hark.eval.cache`); None makes all anew.

    Raises SettingError for an unknown component or setting, DataError, WeightsError, HarkError.
    """
    asked = questions(clips, queries)
    combine = component.config("metrics.combine", steps.combine, where="combine").build()
    correction = None if steps.rescore is None else component.config("metrics.rescore", steps.rescore, where="rescore")
    reranker = None if steps.rerank is None else component.config("eval.rerankers", steps.rerank, where="rerank")
    chosen = chosen_on = None
    if steps.choose_on is not None:
        _refuse_measured(steps.choose_on, clips)
        about = questions(steps.choose_on)
        there = embed(members, steps.choose_on, about.texts, cache=cache, progress=progress)
        scores = [one.scores for one in there.members]
        chosen = choose(scores, about.relevant, combine, k=settings.k, divisor=settings.divisor)
        members = [
            dataclasses.replace(one, weight=float(count)) for one, count in zip(members, chosen.counts, strict=True)
        ]
        which = ensembles.named(name, there.members, steps.combine)
        chosen_on = provenance(which, steps.choose_on, texts=about.texts, command=command)
    found = embed(members, clips, asked.texts, bank=steps.bank, cache=cache, progress=progress)
    both = ensembles.combined(found.members, combine)
    final: Both | None = None
    told: dict[str, Corrected] = {}
    further: list[str] = []
    if correction is not None:
        final, told = ensembles.corrected(found, both, combine, correction.build(), k=settings.k)
        further.append(f"rescored by {_words(steps.rescore)}, {_bank(steps.bank, asked.texts)}")
    if reranker is not None:
        judge = reranker.build()
        there_too = judged((final or both)[0], judge, asked.texts, clips, top=steps.top)
        final = (there_too, (final or both)[1])
        further.append(f"first {steps.top} clips of each text re-ranked by {_words(steps.rerank)} ({judge.stamp[:12]})")
    told_answers = asked.asked.answers if asked.kind == "queries" else None  # captions tell theirs
    stamped = ensembles.named(name, found.members, steps.combine, *further)
    return ensembles.report(
        found.members,
        asked,
        combine,
        made=provenance(stamped, clips, texts=asked.texts, answers=told_answers, command=command),
        how=steps.combine,
        settings=settings,
        final=final,
        correction=told,
        chosen=chosen,
        chosen_on=chosen_on,
        further=further,
    )


def _refuse_measured(choose_on: Sequence[Clip], clips: Sequence[Clip]) -> None:
    measured = {(clip.path.absolute(), clip.start_s, clip.duration_s) for clip in clips}
    both = [clip for clip in choose_on if (clip.path.absolute(), clip.start_s, clip.duration_s) in measured]
    if both:
        raise SettingError(
            f"clip '{both[0].id}': measured on, so that no member may be chosen by it (so are {len(both)} of "
            f"{len(choose_on)}); choose on other clips"
        )


def _words(table: Table | None) -> str:
    """A component as one types it: "sinkhorn:rounds=5"."""
    assert table is not None
    rest = ",".join(f"{key}={value}" for key, value in table.items() if key != "name")
    return f"{table['name']}:{rest}" if rest else str(table["name"])


def _bank(bank: Bank | None, asked: Sequence[str]) -> str:
    if bank is None:
        return "which saw all queries at once (transductive)"
    also = len(set(bank.texts) & set(asked))
    told = f"{len(bank.texts)} texts ({also} of them asked here) and {len(bank.clips)} clips"
    return f"by a bank of {told}, data {data_hash(bank.clips, texts=bank.texts)}"
