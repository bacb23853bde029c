"""What the reports claim, put to the miniature: paired differences over seeds and queries, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.miniature.plan import GROUPS, Run

Expects = Literal["more", "at least", "alike"]
Verdict = Literal["confirmed", "not confirmed", "undecided", "no runs"]
Values = NDArray[np.float64]

MARGIN = 0.02
"""A difference of mAP@10 so small counts as none, for claims that two things are alike."""

FINE = "pre-training, then fine-tuning > fine-tuning"
T_95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}
"""Student's t by its degrees of freedom, 97.5 %."""


@dataclass(frozen=True)
class Side:
    """A run's scores: those of its result, or others that it was measured by; or an ensemble's, by its name.

    Of several runs the mean of what each has.
    """

    run: Run | str | tuple[Run, ...]
    scores: str = "result"


@dataclass(frozen=True)
class Claim:
    """A report's claim that the first of each pair is better ("more"), no worse ("at least"), or no different."""

    report: str
    said: str
    pairs: tuple[tuple[Side, Side], ...]
    expects: Expects = "more"


@dataclass(frozen=True)
class Interval:
    """95 %, in mAP@10."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"[{self.low:+.3f}, {self.high:+.3f}]"


@dataclass(frozen=True)
class Outcome:
    """The mean of each side, of their difference, its intervals over seeds (Student) and queries (bootstrap)."""

    pairs: int
    first: float
    second: float
    by_seed: Interval | None
    by_query: Interval
    verdict: Verdict

    @property
    def difference(self) -> float:
        """How much more the first side has."""
        return self.first - self.second


def claims(seeds: int = 3) -> list[Claim]:
    """All that are put to the miniature, report by report."""

    def versus(first: str, second: str, one: str = "as the report", other: str = "as the report") -> Any:
        return tuple((Side(Run(first, one, seed)), Side(Run(second, other, seed))) for seed in range(seeds))

    def inside(runs: Sequence[Run], one: str, other: str) -> Any:
        return tuple((Side(run, one), Side(run, other)) for run in runs)

    def whole(name: str) -> Any:
        return tuple(
            (Side(f"{name}, seed {seed}"), Side(tuple(Run(system, seed=seed) for system in GROUPS[name])))
            for seed in range(seeds)
        )

    def members(name: str) -> Any:
        return tuple((Side(f"{name}, {seeds} seeds"), Side(Run(name, seed=seed))) for seed in range(seeds))

    ly = [Run("ly-2024/g"), *(Run(f"ly-2024/{letter}", seed=seed) for letter in "abcdef" for seed in range(seeds))]
    clap, texts = "msclap-2023", (("gpt2-119k", "gpt2"), ("roberta", "roberta"), ("clip", "clip"))
    htsat, irit, sjtu = "laion-2022/htsat", "irit-2022/passt-mpnet", "sjtu-2022/cnn14-bert"
    three = [Run(htsat, seed=seed) for seed in range(seeds)]
    pre_trained = sum((versus(f"{clap}/htsat22-{one}", f"{clap}/htsat-{other}") for one, other in texts), start=())
    plain = "plain loss"
    return [
        Claim("laion-2022", "dual loss > plain loss", versus(htsat, htsat, other=plain)),
        Claim("laion-2022", "three checkpoints together > the best of them", inside(three, "result", "member-1")),
        Claim("laion-2022", "ensemble of seeds > one of them", members(htsat)),
        Claim("laion-2022", "HTS-AT and PANN (system 1) > one of them", whole("laion-2022: system 1, HTS-AT and PANN")),
        Claim(
            "ly-2024",
            "the ten best checkpoints averaged >= the best single",
            inside(ly, "result", "best single"),
            "at least",
        ),
        Claim("ly-2024", "Mixco neutral", versus("ly-2024/b", "ly-2024/c", other="without masking"), "alike"),
        Claim("ly-2024", "token masking neutral", versus("ly-2024/c", "ly-2024/c", other="without masking"), "alike"),
        Claim("ly-2024", "ensemble of seeds > one of them", members("ly-2024/b")),
        Claim("ly-2024", "A to F (ensemble 1) > one of them", whole("ly-2024: ensemble 1, A to F")),
        Claim("msclap-2023", "audio encoder trained on several tasks (HTSAT-22) > on one (HTSAT)", pre_trained),
        Claim("irit-2022", "tags > no tags", versus(f"{irit}-tags", irit)),
        Claim("irit-2022", FINE, versus(f"{irit}-tags-ac", f"{irit}-tags")),
        Claim("irit-2022", "ensemble of seeds > one of them", members(f"{irit}-tags-ac")),
        Claim("sjtu-2022", "InfoNCE > triplet", versus(sjtu, sjtu, other="triplet")),
        Claim("sjtu-2022", FINE, versus(sjtu, sjtu, other="without pre-training")),
        Claim("sjtu-2022", "ensemble of seeds > one of them", members(sjtu)),
        Claim("sjtu-2022", "ensemble of all five > one of them", whole("sjtu-2022: all five")),
    ]  # fmt: skip


def ensembles(seeds: int = 3) -> dict[str, list[Run]]:
    """The runs of every ensemble, by its name."""
    named = [side.run for claim in claims(seeds) for pair in claim.pairs for side in pair if isinstance(side.run, str)]
    groups = {
        f"{name}, seed {seed}": [Run(system, seed=seed) for system in systems]
        for name, systems in GROUPS.items()
        for seed in range(seeds)
    }
    alike = {
        name: [Run(name.split(",")[0], seed=seed) for seed in range(seeds)] for name in named if name not in groups
    }
    return alike | groups


def precisions(side: Side, results: Mapping[str, Any]) -> Values | None:
    """The average precision of each query, None where it was not measured."""
    if isinstance(side.run, tuple):
        each = [found for run in side.run if (found := precisions(Side(run, side.scores), results)) is not None]
        return np.mean(each, axis=0) if len(each) == len(side.run) else None
    kept = results.get("ensembles", {}) if isinstance(side.run, str) else results["runs"]
    record = kept.get(side.run if isinstance(side.run, str) else side.run.key)
    if record is None or side.scores not in record.get("measured", {}):
        return None
    return np.array(record["measured"][side.scores]["ap"])


def outcome(claim: Claim, results: Mapping[str, Any]) -> Outcome | None:
    """What the runs that there are say of a claim; None where there is no whole pair."""
    found = [[precisions(side, results) for side in pair] for pair in claim.pairs]
    both = [(one, other) for one, other in found if one is not None and other is not None]
    if not both:
        return None
    first, second = (np.stack(side) for side in zip(*both, strict=True))
    by_seed, by_query = over_seeds(first - second), over_queries(first - second)
    intervals = [by_query] if by_seed is None else [by_seed, by_query]
    verdict = "undecided" if by_seed is None else judged(claim.expects, intervals)
    return Outcome(len(both), float(first.mean()), float(second.mean()), by_seed, by_query, verdict)


def over_seeds(apart: Values) -> Interval | None:
    """Student's interval of the mean of (pairs, queries), pairs being the cases; None of one pair."""
    means = apart.mean(axis=1)
    free = len(means) - 1
    if free < 1:
        return None
    half = student(free) * means.std(ddof=1) / np.sqrt(len(means))
    return Interval(float(means.mean() - half), float(means.mean() + half))


def student(free: int) -> float:
    """The 97.5 % point of Student's t; beyond the table by its expansion about the normal's (Fisher and Cornish)."""
    z = 1.959964
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return T_95.get(free, z + first / free + second / free**2 + third / free**3)


def over_queries(apart: Values, *, resamples: int = 4000) -> Interval:
    """The bootstrap interval of the mean of (pairs, queries), queries being the cases."""
    rng = np.random.default_rng(0)
    each = apart.mean(axis=0)
    drawn = each[rng.integers(len(each), size=(resamples, len(each)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(float(low), float(high))


def judged(expects: Expects, intervals: Sequence[Interval]) -> Verdict:
    """Whether all intervals say so, or all the contrary, or neither."""
    low, high = min(i.low for i in intervals), max(i.high for i in intervals)
    if expects == "alike":
        if max(-low, high) < MARGIN:
            return "confirmed"
        return "not confirmed" if all(i.low > 0 for i in intervals) or high < 0 else "undecided"
    if low > 0 or (expects == "at least" and low == 0):
        return "confirmed"
    return "not confirmed" if high < 0 else "undecided"
