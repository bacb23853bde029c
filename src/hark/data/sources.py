"""What a mixture draws from: the clips of one corpus, in shards, as files, or decoded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hark.audio.decode import decode, info
from hark.audio.window import crop
from hark.core.errors import DataError, SoundError
from hark.core.types import Wave
from hark.data.pcm import Pcm
from hark.data.records import Clip
from hark.data.sentences import sentences
from hark.data.shards.read import Shards
from hark.data.shards.sample import Sample, length_at


@dataclass(frozen=True)
class Heard:
    """A visit to a clip: a stretch of its sound, all that can be said of it, and the group of those alike."""

    id: str
    wave: Wave
    said: tuple[str, ...]
    group: str


class Source(Protocol):
    """A corpus whose clips are visited by number, in any order and process; it must pickle."""

    @property
    def name(self) -> str:
        """The corpus."""

    @property
    def seconds(self) -> NDArray[np.float64]:
        """(clips,) how long each is."""

    def __len__(self) -> int: ...

    def hear(self, number: int, *, rate_hz: int, samples: int, rng: np.random.Generator) -> Heard:
        """A random stretch of `samples` samples, or the whole clip where it is shorter.

        Raises DataError, naming the clip.
        """


@dataclass(frozen=True)
class InShards:
    """Samples of shards: all, or those numbered in `kept`. `say` are templates for what is said; none: their own texts.

    `clips` are what is known of these samples, where it is known already. With `at_hz` seconds are those of the samples
    that decoding to this rate would make, to the last one.
    """

    name: str
    shards: Shards
    say: tuple[str, ...] = ()
    kept: NDArray[np.int64] | None = None
    clips: Sequence[Clip] = ()
    at_hz: int | None = None

    @property
    def seconds(self) -> NDArray[np.float64]:
        """(clips,) how long each is, by the index."""
        if self.at_hz is not None:
            return np.array([self.length(n, rate_hz=self.at_hz) for n in range(len(self))]) / self.at_hz
        return self.shards.seconds if self.kept is None else self.shards.seconds[self.kept]

    def __len__(self) -> int:
        return len(self.shards) if self.kept is None else len(self.kept)

    def length(self, number: int, *, rate_hz: int) -> int:
        """The samples that a clip has at a rate."""
        return length_at(*self.shards.frames(self._place(number)), rate_hz)

    def stretch(self, number: int, start: int, samples: int, *, rate_hz: int) -> Wave:
        """A clip's samples from `start` on, or as many as are left; only these are decoded.

        Raises DataError.
        """
        return _stretch(self.shards[self._place(number)], start, samples, rate_hz)

    def hear(self, number: int, *, rate_hz: int, samples: int, rng: np.random.Generator) -> Heard:
        """A random stretch; only that is decoded.

        Raises DataError.
        """
        sample = self.shards[self._place(number)]
        wave = _stretch(sample, _start(self.length(number, rate_hz=rate_hz), samples, rng), samples, rate_hz)
        clip = self.clips[number] if self.clips else sample.clip
        said = sentences(clip, self.say) if self.say else sample.texts
        return Heard(clip.id, wave, said, group(clip, self.name))

    def _place(self, number: int) -> int:
        return number if self.kept is None else int(self.kept[number])


@dataclass(frozen=True)
class InFiles:
    """Clips whose sounds are files of their own, or stretches of files. `say` are templates for what is said.

    With `at_hz` seconds are those of the samples that decoding to this rate would make, to the last one.
    """

    name: str
    clips: Sequence[Clip]
    say: tuple[str, ...] = ("{caption}",)
    at_hz: int | None = None

    @property
    def seconds(self) -> NDArray[np.float64]:
        """(clips,) how long each is; opens every file."""
        if self.at_hz is not None:
            return np.array([self.length(n, rate_hz=self.at_hz) for n in range(len(self))]) / self.at_hz
        return np.array([_seconds(clip) for clip in self.clips])

    def __len__(self) -> int:
        return len(self.clips)

    def length(self, number: int, *, rate_hz: int) -> int:
        """The samples that decoding a clip to a rate would make; opens its file.

        Raises DataError.
        """
        clip = self.clips[number]
        try:
            found = info(clip.path)
        except SoundError as error:
            raise DataError(f"clip '{clip.id}': {error}") from None
        left = length_at(found.frames, found.rate_hz, rate_hz) - round(clip.start_s * rate_hz)
        return max(1, left if clip.duration_s is None else min(left, round(clip.duration_s * rate_hz)))

    def stretch(self, number: int, start: int, samples: int, *, rate_hz: int) -> Wave:
        """A clip's samples from `start` on, or as many as are left; only these are decoded.

        Raises DataError.
        """
        clip = self.clips[number]
        first = round(clip.start_s * rate_hz)
        if clip.duration_s is not None:
            samples = min(samples, round(clip.duration_s * rate_hz) - start)
        try:
            wave = decode(clip.path, rate_hz, start_s=(first + start) / rate_hz, duration_s=samples / rate_hz)
        except SoundError as error:
            raise DataError(f"clip '{clip.id}': {error}") from None
        return _in_scale(wave)

    def hear(self, number: int, *, rate_hz: int, samples: int, rng: np.random.Generator) -> Heard:
        """A random stretch; only that is decoded.

        Raises DataError.
        """
        clip = self.clips[number]
        start = _start(self.length(number, rate_hz=rate_hz), samples, rng)
        wave = self.stretch(number, start, samples, rate_hz=rate_hz)
        return Heard(clip.id, wave, sentences(clip, self.say), group(clip, self.name))


@dataclass(frozen=True)
class Decoded:
    """Clips decoded once, at the mixture's rate, each with what is said of it; needs no workers."""

    name: str
    pcm: Pcm
    clips: Sequence[Clip]
    rate_hz: int
    say: tuple[str, ...] = ("{caption}",)

    @property
    def seconds(self) -> NDArray[np.float64]:
        """(clips,) how long each is."""
        return np.asarray(np.diff(self.pcm.starts) / self.rate_hz, dtype=np.float64)

    def __len__(self) -> int:
        return len(self.clips)

    def hear(self, number: int, *, rate_hz: int, samples: int, rng: np.random.Generator) -> Heard:
        """A random stretch."""
        assert rate_hz == self.rate_hz, (rate_hz, self.rate_hz)
        clip = self.clips[number]
        wave = crop(self.pcm.wave(number), samples, rng=rng)
        return Heard(clip.id, wave, sentences(clip, self.say), group(clip, self.name))


def group(clip: Clip, corpus: str) -> str:
    """Clips with the same labels say the same; a clip without labels is a group of its own."""
    return "|".join(sorted(clip.labels)).casefold() if clip.labels else f"{corpus}:{clip.id}"


def _start(total: int, samples: int, rng: np.random.Generator) -> int:
    """Where a stretch begins, every place equally likely."""
    return int(rng.integers(max(1, total - samples + 1)))


def _stretch(sample: Sample, start: int, samples: int, rate_hz: int) -> Wave:
    return _in_scale(sample.wave(rate_hz, start_s=start / rate_hz, duration_s=samples / rate_hz))


def _in_scale(wave: Wave) -> Wave:
    """The wave cut off at full scale, as 16 bits would hold it."""
    return np.clip(wave, -1.0, 1.0)


def _seconds(clip: Clip) -> float:
    try:
        left = info(clip.path).duration_s - clip.start_s
    except SoundError as error:
        raise DataError(f"clip '{clip.id}': {error}") from None
    return left if clip.duration_s is None else min(left, clip.duration_s)
