"""The tools that the synthesised sounds are made with: shaped noise, tones, damped modes, envelopes, placing in time.

All work in double precision on arrays of (samples,); nothing is normalised here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Curve: TypeAlias = NDArray[np.float64]
"""(samples,) a sound in the making, or a quantity over time."""

Gain: TypeAlias = Callable[[Curve], Curve]
"""From frequencies in Hz to amplitude factors."""

HIGHEST = 0.45  # of the sampling rate: no partial lies above


def length(duration_s: float, rate_hz: int) -> int:
    """The samples of a duration, at least one."""
    return max(1, round(duration_s * rate_hz))


def band(low_hz: float, high_hz: float, *, order: int = 2) -> Gain:
    """Passes what lies between two frequencies; 6 dB an octave and order beyond them, as Butterworth's filters."""

    def gain(hz: Curve) -> Curve:
        below = low_hz / np.maximum(hz, 1e-3)
        return np.asarray(1 / np.sqrt((1 + below ** (2 * order)) * (1 + (hz / high_hz) ** (2 * order))))

    return gain


def peaks(*resonances: tuple[float, float, float], floor: float = 0.0) -> Gain:
    """Resonances (centre in Hz, width in Hz, amplitude) over a floor, as the formants of a voice."""

    def gain(hz: Curve) -> Curve:
        total = np.full_like(hz, floor)
        for centre, width, amplitude in resonances:
            total += amplitude / (1 + ((hz - centre) / (width / 2)) ** 2)
        return total

    return gain


def noise(rng: Generator, samples: int, *, rate_hz: int, gain: Gain) -> Curve:
    """Steady noise of RMS 1 with the spectrum `gain`."""
    size = _fast_size(samples)
    spectrum = np.fft.rfft(rng.standard_normal(size)) * gain(_bins_hz(size, rate_hz))
    shaped = np.fft.irfft(spectrum, size)[:samples]
    return np.asarray(shaped / np.sqrt(np.mean(shaped**2) + 1e-12))


def colour(sound: Curve, *, rate_hz: int, gain: Gain) -> Curve:
    """A sound with its spectrum multiplied by `gain`, without delay."""
    size = _fast_size(sound.size + rate_hz // 20)  # what rings past the ends must not come round to the other
    spectrum = np.fft.rfft(sound, size) * gain(_bins_hz(size, rate_hz))
    return np.asarray(np.fft.irfft(spectrum, size)[: sound.size])


def sprinkle(rng: Generator, grain: Curve, samples: int, *, rate_hz: int, per_s: float, spread: float = 1.0) -> Curve:
    """A grain at random times, `per_s` in the mean and once at least; `spread` widens the loudness (log-normal)."""
    count = max(1, int(rng.poisson(per_s * samples / rate_hz)))
    sparks = np.zeros(samples)
    loud = rng.lognormal(0.0, spread, count) * rng.choice((-1.0, 1.0), count)
    np.add.at(sparks, rng.integers(0, samples, count), loud)
    size = _fast_size(samples + grain.size)
    return np.asarray(np.fft.irfft(np.fft.rfft(sparks, size) * np.fft.rfft(grain, size), size)[:samples])


def tone(hz: Curve, *, rate_hz: int, partials: Sequence[float] = (1.0,)) -> Curve:
    """A harmonic tone along a curve of pitches; partials too high for the rate are left out."""
    room = int(HIGHEST * rate_hz / np.max(hz))
    phase = np.cumsum(hz) / rate_hz
    if len(partials) == 1:
        return np.asarray(partials[0] * np.sin(2 * np.pi * phase)) if room else np.zeros(hz.size)
    # one period in a table, read along the phase: the cost does not grow with the number of partials
    points = 4096
    spectrum = np.zeros(points // 2 + 1, dtype=np.complex128)
    kept = np.asarray(partials[:room])
    spectrum[1 : kept.size + 1] = -0.5j * points * kept
    table = np.fft.irfft(spectrum, points)
    table = np.append(table, table[0])
    place = (phase % 1.0) * points
    index = np.minimum(place.astype(np.int64), points - 1)
    return np.asarray(table[index] + (place - index) * (table[index + 1] - table[index]))


def buzz(count: int, tilt: float) -> list[float]:
    """Amplitudes of `count` partials that fall as 1 / number ** tilt."""
    return [number**-tilt for number in range(1, count + 1)]


def modes(samples: int, *, rate_hz: int, partials: Sequence[tuple[float, float, float]]) -> Curve:
    """A struck body: damped sines, each (frequency in Hz, time to 1/e in seconds, amplitude)."""
    sound = np.zeros(samples)
    for hz, decay_s, amplitude in partials:
        if hz < HIGHEST * rate_hz:
            time_s = np.arange(min(samples, length(7 * decay_s, rate_hz))) / rate_hz  # 7 decays: 60 dB
            sound[: time_s.size] += amplitude * np.exp(-time_s / decay_s) * np.sin(2 * np.pi * hz * time_s)
    return sound


def fall(samples: int, *, rate_hz: int, decay_s: float, attack_s: float = 0.001) -> Curve:
    """An envelope that is up after `attack_s` and then falls to 1/e in each `decay_s`."""
    time_s = np.arange(samples) / rate_hz
    return np.asarray(np.minimum(time_s / attack_s, 1.0) * np.exp(-time_s / decay_s))


def hump(samples: int, *, rise: float = 0.2, drop: float = 0.3) -> Curve:
    """An envelope from 0 to 1 and back; `rise` and `drop` are the parts of it that the two take."""
    place = (np.arange(samples) + 0.5) / samples
    up, down = np.minimum(place / rise, 1.0), np.minimum((1 - place) / drop, 1.0)
    return np.asarray(np.sin(np.pi / 2 * up) ** 2 * np.sin(np.pi / 2 * down) ** 2)


def glide(samples: int, *values: float) -> Curve:
    """A curve through values at equal distances."""
    return np.interp(np.linspace(0, 1, samples), np.linspace(0, 1, len(values)), values)


def wander(rng: Generator, samples: int, *, rate_hz: int, per_s: float, low: float, high: float) -> Curve:
    """A curve that moves between two values at random, with `per_s` turns a second."""
    knots = max(2, round(per_s * samples / rate_hz) + 2)
    return glide(samples, *rng.uniform(low, high, knots))


def place(track: Curve, sound: Curve, at: int) -> None:
    """Adds a sound to a track from sample `at` on; what goes past the end is cut."""
    room = min(sound.size, track.size - at)
    if room > 0:
        track[at : at + room] += sound[:room]


def repeat(
    rng: Generator, rate_hz: int, *, duration_s: float, gap_s: tuple[float, float], grain: Callable[[], Curve]
) -> Curve:
    """A grain again and again from near the start on, with `gap_s` (least, most) from one onset to the next."""
    track = np.zeros(length(duration_s, rate_hz))
    at_s = rng.uniform(0, min(0.1, duration_s / 10))
    while at_s < duration_s:
        place(track, grain(), int(at_s * rate_hz))
        at_s += rng.uniform(*gap_s)
    return track


def voice(rng: Generator, hz: Curve, *, rate_hz: int, formants: Gain, breath: float = 0.05, tilt: float = 1.0) -> Curve:
    """A throat: a buzzing tone with some breath, through the formants of a mouth; peak 1."""
    source = tone(hz, rate_hz=rate_hz, partials=buzz(60, tilt))
    source += breath * np.max(np.abs(source)) * rng.standard_normal(hz.size)
    sound = colour(source, rate_hz=rate_hz, gain=formants)
    return np.asarray(sound / (np.max(np.abs(sound)) + 1e-12))


def _fast_size(samples: int) -> int:
    """The next size with factors of 2 and one of 3 or 5 at most: a prime size is five times slower."""
    power = 1 << max(samples - 1, 1).bit_length()
    return min(size for size in (power, power * 3 // 4, power * 5 // 8) if size >= samples)


def _bins_hz(size: int, rate_hz: int) -> Curve:
    return np.asarray(np.fft.rfftfreq(size, 1 / rate_hz), dtype=np.float64)
