"""A kind of sound: how it is made and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.random import Generator

from hark.audio.synth.craft import Curve, length
from hark.core.types import Wave

LEAST_HZ = 16000
RMS = 0.1  # -20 dB: room for sounds that are ten times louder in their peaks
PEAK = 0.9
FADE_S = 0.01


class Draw(Protocol):
    """Makes one sound of a kind, with its parameters drawn at random, at any level."""

    def __call__(self, rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
        """(samples,) the sound."""
        ...


@dataclass(frozen=True)
class Kind:
    """A kind of sound; `sentences` ("a dog barks") and `nouns` ("the barking of a dog") say it in other words."""

    label: str
    draw: Draw
    sentences: tuple[str, ...]
    nouns: tuple[str, ...]

    @property
    def captions(self) -> tuple[str, ...]:
        """All that is said of it."""
        return self.sentences + self.nouns

    def render(self, rng: Generator, rate_hz: int, *, duration_s: float) -> Wave:
        """(round(duration_s * rate_hz),) one such sound; the same generator state gives the same sound.

        `rate_hz` is at least 16,000: crickets need it. `duration_s` may be short (0.3), then little of it is heard.
        It has no DC, starts and ends at zero, and its RMS is 0.1 unless its peak would pass 0.9: then the peak is 0.9.
        """
        assert rate_hz >= LEAST_HZ, rate_hz
        sound = self.draw(rng, rate_hz, duration_s=duration_s)
        assert sound.size == length(duration_s, rate_hz), (self.label, sound.size)
        return levelled(faded(sound - np.mean(sound), rate_hz))


def faded(sound: Curve, rate_hz: int) -> Curve:
    """The sound with 10 ms (at most a quarter of it) faded in and out, so that its ends do not click."""
    samples = min(length(FADE_S, rate_hz), max(1, sound.size // 4))
    ramp = np.sin(np.pi / 2 * np.arange(samples) / samples) ** 2  # starts at 0 exactly
    sound = sound.copy()
    sound[:samples] *= ramp
    sound[-samples:] *= ramp[::-1]
    return sound


def levelled(sound: Curve) -> Wave:
    """The sound at RMS 0.1, or with its peak at 0.9 where that is softer."""
    rms, peak = np.sqrt(np.mean(sound**2)), np.max(np.abs(sound))
    assert peak > 0, "a kind of sound drew silence"
    return np.asarray(sound * min(RMS / rms, PEAK / peak), dtype=np.float32)
