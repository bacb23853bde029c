"""Clips decoded when they are asked for, no more of each than is wanted: for training that decodes nothing ahead."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hark.core.types import Wave
from hark.data.exclude import Exclusions
from hark.data.records import Clip
from hark.data.shards.listed import Listed
from hark.data.sources import Heard, InFiles, InShards


@dataclass(frozen=True)
class Live:
    """Several sources, one after the other, as one at one rate."""

    name: str
    parts: Sequence[InFiles | InShards]
    rate_hz: int
    say: tuple[str, ...] = ()

    @property
    def clips(self) -> list[Clip]:
        """The clips of all."""
        return [clip for part in self.parts for clip in part.clips]

    @property
    def seconds(self) -> NDArray[np.float64]:
        """(clips,) how long each is."""
        return np.concatenate([part.seconds for part in self.parts])

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def length(self, number: int) -> int:
        """The samples of a clip.

        Raises DataError.
        """
        part, place = self._at(number)
        return part.length(place, rate_hz=self.rate_hz)

    def stretch(self, number: int, start: int, samples: int) -> Wave:
        """A clip's samples from `start` on, or as many as are left; only these are decoded.

        Raises DataError.
        """
        part, place = self._at(number)
        return part.stretch(place, start, samples, rate_hz=self.rate_hz)

    def hear(self, number: int, *, rate_hz: int, samples: int, rng: np.random.Generator) -> Heard:
        """A random stretch; only that is decoded.

        Raises DataError.
        """
        part, place = self._at(number)
        return part.hear(place, rate_hz=rate_hz, samples=samples, rng=rng)

    def _at(self, number: int) -> tuple[InFiles | InShards, int]:
        for part in self.parts:
            if number < len(part):
                return part, number
            number -= len(part)
        raise IndexError(number)


def parts(
    name: str, clips: Sequence[Clip], say: tuple[str, ...], *, rate_hz: int, packed: Sequence[Listed] = ()
) -> list[InFiles | InShards]:
    """The clips as files of their own; or, where they are some of the samples `packed`, those of each folder."""
    if not packed:
        return [InFiles(name, clips, say, rate_hz)]
    places = {clip.id: (folder, number) for folder, one in enumerate(packed) for number, clip in enumerate(one.clips)}
    found: list[InFiles | InShards] = []
    for folder, one in enumerate(packed):
        mine = [clip for clip in clips if places[clip.id][0] == folder]
        if mine:
            kept = np.array([places[clip.id][1] for clip in mine])
            found.append(InShards(name, one.shards, say, kept, mine, rate_hz))
    return found


def excluded_bytes(packed: Sequence[Listed], excluded: Exclusions) -> set[str]:
    """The ids of those samples whose sounds are excluded by their bytes."""
    found: set[str] = set()
    for one in packed if excluded.files else ():
        for number, clip in enumerate(one.clips):
            size = int(one.shards.rows["sound_size"][number])
            if (excluded.sizes is None or size in excluded.sizes) and _sha256(one, number) in excluded.files:
                found.add(clip.id)
    return found


def _sha256(one: Listed, number: int) -> str:
    return hashlib.sha256(one.shards[number].sound).hexdigest()
