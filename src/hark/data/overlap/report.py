"""What a check found: pairs of clips that overlap, with the evidence, and what to leave out for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from hark.data import exclude
from hark.data.exclusion_lists import Line
from hark.data.overlap import splits
from hark.data.records import Clip

Kind: TypeAlias = Literal["freesound", "youtube", "file", "samples", "fingerprint", "caption"]
"""The same Freesound recording; the same seconds of a video; equal bytes; equal samples; the same by ear; one caption.

A caption alone is no proof: people say the same of different sounds. It is reported, and never excluded for.
"""

Scope: TypeAlias = Literal["sets", "splits", "within"]
"""Whether two clips are of different sets, of different splits of a set, or of one split."""


@dataclass(frozen=True)
class Member:
    """A clip, and where it belongs. `order` is its place: what is tested on first, then as the sets were given."""

    set: str
    clip: Clip
    order: tuple[int, int, int]

    @property
    def split(self) -> str:
        """The split as published, or nothing."""
        return self.clip.extra.get("split", "")

    @property
    def part(self) -> tuple[str, str]:
        """Its set and split."""
        return self.set, self.split

    def __str__(self) -> str:
        return f"{self.set}{f' ({self.split})' if self.split else ''} '{self.clip.id}'"

    def as_json(self) -> dict[str, str]:
        """For JSON."""
        return {"set": self.set, "split": self.split, "id": self.clip.id, "path": str(self.clip.path)}


def members(sets: Mapping[str, Sequence[Clip]]) -> list[Member]:
    """Every clip, sets and clips as they were given. A set that is called like a corpus has that corpus's splits."""
    found: list[Member] = []
    for number, (name, clips) in enumerate(sets.items()):
        there = {clip.extra.get("split", "") for clip in clips}
        known = there | splits.declared(name.rpartition("/")[2])
        roles = {split: splits.role(split, known) for split in there}
        found += [
            Member(name, clip, (roles[clip.extra.get("split", "")], number, place)) for place, clip in enumerate(clips)
        ]
    return found


@dataclass(frozen=True)
class Overlap:
    """Two clips that overlap: `first` is to keep (it is tested on, or was given first), `second` to leave out.

    What is heard at t in the first is heard at t + offset_s in the second; None where that is not known. `likeness` is
    1 for what is equal, the share of equal peaks for a fingerprint, the similarity of words for a caption.
    """

    kind: Kind
    first: Member
    second: Member
    evidence: str
    likeness: float = 1.0
    offset_s: float | None = None

    @property
    def scope(self) -> Scope:
        """Between sets, between splits, or within a split."""
        if self.first.set != self.second.set:
            return "sets"
        return "splits" if self.first.split != self.second.split else "within"

    def __str__(self) -> str:
        shift = "" if self.offset_s is None else f", {self.offset_s:+.2f} s"
        return f"{self.kind}: {self.first} = {self.second}: {self.evidence}{shift}"

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        told = {"first": self.first.as_json(), "second": self.second.as_json(), "evidence": self.evidence}
        return {"kind": self.kind, "scope": self.scope} | told | {"likeness": self.likeness, "offset_s": self.offset_s}


@dataclass(frozen=True)
class Overlaps:
    """What a check found. `listed` are clips that an exclusion list names, `unheard` those that cannot be heard.

    `faint` are those in which there is too little to hear for a fingerprint; they were compared in all other ways.
    """

    parts: Mapping[tuple[str, str], int]  # set and split, and how many clips
    pairs: tuple[Overlap, ...]
    listed: tuple[tuple[Member, str], ...] = ()
    unheard: tuple[tuple[Member, str], ...] = ()
    faint: tuple[Member, ...] = ()

    @property
    def leaks(self) -> tuple[Overlap, ...]:
        """Pairs of the same sound in different sets or splits."""
        return tuple(pair for pair in self.pairs if pair.scope != "within" and pair.kind != "caption")

    def counts(self) -> dict[Kind, Counter[Scope]]:
        """How many pairs there are of each kind, between sets, between splits and within."""
        found: dict[Kind, Counter[Scope]] = {kind: Counter() for kind in get_args(Kind)}
        for pair in self.pairs:
            found[pair.kind][pair.scope] += 1
        return found

    def exclusions(self) -> list[Line]:
        """What to leave out: of each leak the second clip, and every clip that a list names.

        A leak by Freesound or YouTube id leaves out the recording, in whatever set it is.
        """
        lines: dict[str, Line] = {}
        for pair in self.leaks:
            for token in _of_pair(pair):
                lines.setdefault(token, Line(token, f"{pair.kind}: {pair.second} is {pair.first}, {pair.evidence}"))
        for member, why in self.listed:
            for token in _of_clip(member):
                lines.setdefault(token, Line(token, why))
        return list(lines.values())

    def write_exclusions(self, path: Path) -> None:
        """Writes a file that `exclude` of a recipe's stage takes."""
        exclude.write(path, self.exclusions())

    def lines(self) -> Iterator[str]:
        """The report as text: counts first, then every pair, and what could not be compared."""
        for (name, split), count in self.parts.items():
            yield f"{name}{f' ({split})' if split else ''}: {count} clips"
        for kind, scopes in self.counts().items():
            yield f"{kind}: {scopes['sets']} between sets, {scopes['splits']} between splits, {scopes['within']} within"
        if self.listed:
            yield f"named by an exclusion list: {len(self.listed)}"
        if self.faint:
            yield f"too little to hear for a fingerprint: {len(self.faint)}"
        yield from (str(pair) for pair in self.pairs)
        yield from (f"listed: {member}: {why}" for member, why in self.listed)
        yield from (f"not heard: {member}: {why}" for member, why in self.unheard)

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "parts": [{"set": name, "split": split, "clips": count} for (name, split), count in self.parts.items()],
            "counts": {kind: dict(scopes) for kind, scopes in self.counts().items()},
            "pairs": [pair.as_json() for pair in self.pairs],
            "listed": [member.as_json() | {"why": why} for member, why in self.listed],
            "unheard": [member.as_json() | {"why": why} for member, why in self.unheard],
            "faint": [member.as_json() for member in self.faint],
        }


def _of_pair(pair: Overlap) -> list[str]:
    """What leaves out the second of the two."""
    kept = pair.first.clip
    if pair.kind == "freesound":
        return [f"freesound:{kept.extra['freesound_id']}"]
    seen = exclude.video(kept)
    if pair.kind == "youtube" and seen is not None:
        return [exclude.video_token(*seen)]
    return _of_clip(pair.second)


def _of_clip(member: Member) -> list[str]:
    """The clip by its name, and by its bytes for whoever calls the set otherwise."""
    file = exclude.file_token(member.clip)
    return [exclude.clip_token(member.set, member.clip.id), *([file] if file else [])]
