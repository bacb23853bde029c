"""What `prepare` found: counts of clips, captions and hours, every clip that is left out and why, published counts."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hark.data.card import Card
from hark.data.prepare.shard import Outcome, one_line
from hark.data.records import Clip
from hark.data.whole import ALL, differences

LEFT_OUT = ("missing", "unreadable", "silent", "too short")
SHOWN = 20  # lines of each kind; the report's file has all


@dataclass(frozen=True)
class Left:
    """A clip that is not in the manifest, and why."""

    id: str
    file: str
    reason: str


@dataclass(frozen=True)
class Counts:
    """Clips and captions of a split: listed by the published tables, prepared, and as the publishers count."""

    listed: int = 0
    clips: int = 0
    captions: int = 0
    published_clips: int | None = None
    published_captions: int | None = None


@dataclass(frozen=True)
class Report:
    """What became of a corpus. `left_out` has the clips by kind, `duplicates` the ids of clips of the same samples.

    `on_purpose` are clips that were to be left out: those that the settings leave out, and known faults. `wrong` says
    where the counts of these and the prepared ones are not the published ones, one short text each.
    """

    corpus: str
    listed: int
    found: int
    prepared: int
    hours: float
    captions: int
    words: int
    clipped: int  # clips with samples beyond full scale
    left_out: Mapping[str, tuple[Left, ...]]
    on_purpose: tuple[Left, ...]
    duplicates: tuple[tuple[str, ...], ...]
    dropped: int  # of the duplicates
    splits: Mapping[str, Counts]
    wrong: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether every clip was prepared or left out on purpose, and the counts are the published ones."""
        return not self.wrong and not any(self.left_out.values())

    def as_json(self) -> dict[str, Any]:
        """For a .json file."""
        return {"good": self.good} | dataclasses.asdict(self)

    def text(self) -> str:
        """For reading: counts, splits, and the first of what is left out."""
        return "\n".join(self._lines())

    def summary(self) -> str:
        """What is not as it should be, on one line."""
        counts = [f"{len(clips)} {kind}" for kind, clips in self.left_out.items() if clips]
        return "; ".join([*([", ".join(counts)] if counts else []), *self.wrong])

    def _lines(self) -> Iterator[str]:
        yield f"{'listed':<12}{self.listed}"
        yield f"{'found':<12}{self.found}"
        for kind, clips in self.left_out.items():
            yield f"{kind:<12}{len(clips)}"
        if self.on_purpose:
            yield f"{'on purpose':<12}{len(self.on_purpose)} left out"
        repeats = sum(len(group) - 1 for group in self.duplicates)
        yield f"{'duplicate':<12}{repeats}{f' ({self.dropped} dropped)' if self.dropped else ''}"
        yield f"{'prepared':<12}{self.prepared}"
        yield f"{'clipped':<12}{self.clipped}"
        yield f"{'hours':<12}{self.hours:.2f}"
        yield f"{'captions':<12}{self.captions} of {self.words} words"
        for split, counts in self.splits.items():
            said = _beside(counts.clips, counts.published_clips)
            yield f"{split}: {said} clips, {_beside(counts.captions, counts.published_captions)} captions"
        for kind, left in self.left_out.items():
            yield from _some([f"{kind}: {one_line(one.file)}: {one.reason}" for one in left])
        yield from _some([f"on purpose: {one_line(one.file)}: {one.reason}" for one in self.on_purpose])
        yield from _some([f"duplicate: {' = '.join(map(one_line, group))}" for group in self.duplicates])


def _some(lines: list[str]) -> list[str]:
    return lines if len(lines) <= SHOWN else [*lines[:SHOWN], f"... and {len(lines) - SHOWN} more"]


def _beside(count: int, published: int | None) -> str:
    return str(count) if published is None else f"{count} of {published}"


def duplicates(clips: Sequence[Clip], outcomes: Sequence[Outcome]) -> tuple[tuple[str, ...], ...]:
    """Groups of prepared clips whose samples are the same, in the order of their first."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for clip, outcome in zip(clips, outcomes, strict=True):
        if outcome.facts is not None:
            groups[outcome.facts.sha256].append(clip.id)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def describe(
    corpus: str,
    clips: Sequence[Clip],
    outcomes: Sequence[Outcome],
    *,
    omitted: Sequence[tuple[Clip, str]],
    card: Card | None,
    splits: Sequence[str],
    same: tuple[tuple[str, ...], ...],
    dropped: int,
) -> Report:
    """The report on clips and what became of them; `card` None: there are no published counts to compare with.

    `omitted` are clips that were left out on purpose before, each with why. A clip with a known fault (extra `fault`)
    that cannot be prepared is left out on purpose too.
    """
    pairs = list(zip(clips, outcomes, strict=True))
    made = [(clip, outcome.facts) for clip, outcome in pairs if outcome.facts is not None]
    left_out: dict[str, list[Left]] = {kind: [] for kind in LEFT_OUT}
    known = list(omitted)
    for clip, outcome in pairs:
        if outcome.facts is None and "fault" in clip.extra:
            known.append((clip, f"a known fault ({clip.extra['fault']})"))
        elif outcome.facts is None:
            left_out[outcome.kind].append(Left(clip.id, str(clip.path), outcome.reason))
    prepared = [clip for clip, _ in made]
    every = [*clips, *(clip for clip, _ in omitted)]
    return Report(
        corpus=corpus,
        listed=len(every),
        found=sum(outcome.kind != "missing" for outcome in outcomes),
        prepared=len(made) - dropped,
        hours=sum(facts.duration_s for _, facts in made) / 3600,
        captions=sum(len(clip.captions) for clip in prepared),
        words=sum(len(text.split()) for clip in prepared for text in clip.captions),
        clipped=sum(facts.clipped > 0 for _, facts in made),
        left_out={kind: tuple(left) for kind, left in left_out.items()},
        on_purpose=tuple(Left(clip.id, str(clip.path), why) for clip, why in known),
        duplicates=same,
        dropped=dropped,
        splits=_splits(every, prepared, card, splits),
        wrong=tuple(differences([*prepared, *(clip for clip, _ in known)], card, splits)) if card else (),
    )


def _splits(
    listed: Sequence[Clip], prepared: Sequence[Clip], card: Card | None, asked: Sequence[str]
) -> dict[str, Counts]:
    there, made = Counter(map(_split, listed)), Counter(map(_split, prepared))
    captions: Counter[str] = Counter()
    for clip in prepared:
        captions[_split(clip)] += len(clip.captions)
    published = {**card.clips, **card.captions} if card else {}
    names = dict.fromkeys([*published, *there])
    if ALL in names:
        there[ALL], made[ALL], captions[ALL] = len(listed), len(prepared), captions.total()
    return {
        name: Counts(
            listed=there[name],
            clips=made[name],
            captions=captions[name],
            published_clips=card.clips.get(name) if card else None,
            published_captions=card.captions.get(name) if card else None,
        )
        for name in names
        if not asked or name in asked
    }


def _split(clip: Clip) -> str:
    return clip.extra.get("split", ALL)
