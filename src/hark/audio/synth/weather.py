"""Sounds of weather, water and fire."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from hark.audio.synth.craft import (
    Curve,
    band,
    fall,
    glide,
    hump,
    length,
    noise,
    place,
    repeat,
    sprinkle,
    tone,
    wander,
)
from hark.audio.synth.kind import Kind


def rain(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """A hiss of far drops under the patter of near ones."""
    samples = length(duration_s, rate_hz)
    hiss = noise(rng, samples, rate_hz=rate_hz, gain=band(rng.uniform(800, 1600), 7500, order=1))
    size = length(0.004, rate_hz)
    drop = rng.standard_normal(size) * fall(size, rate_hz=rate_hz, decay_s=0.0008, attack_s=0.0002)
    patter = sprinkle(rng, drop, samples, rate_hz=rate_hz, per_s=rng.uniform(150, 500), spread=0.7)
    return hiss + patter * rng.uniform(0.5, 1.2) / np.std(patter)


def thunder(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """A crack, then rolls of deep noise that come and die away."""
    samples = length(duration_s, rate_hz)
    deep = noise(rng, samples, rate_hz=rate_hz, gain=band(25, rng.uniform(90, 180)))
    crack = noise(rng, samples, rate_hz=rate_hz, gain=band(200, 1500, order=1))
    rolls = np.zeros(samples)
    for _ in range(int(rng.integers(3, 8))):
        at = int(rng.uniform(0, 0.5) * samples)
        size = samples - at
        place(rolls, rng.uniform(0.3, 1) * fall(size, rate_hz=rate_hz, decay_s=duration_s / 5, attack_s=0.1), at)
    roll = fall(samples, rate_hz=rate_hz, decay_s=duration_s / 4, attack_s=0.02)
    return deep * (rolls + roll) + 0.5 * crack * fall(samples, rate_hz=rate_hz, decay_s=0.15, attack_s=0.005)


def wind(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Gusts: bands of noise that rise and fall slowly, each in its own time."""
    samples = length(duration_s, rate_hz)
    sound = np.zeros(samples)
    low = rng.uniform(120, 250)
    for octave in range(3):
        gain = band(low * 2**octave, low * 2**octave * 1.3, order=3)
        gust = wander(rng, samples, rate_hz=rate_hz, per_s=1.2, low=0.1, high=1.0) ** 2
        sound += noise(rng, samples, rate_hz=rate_hz, gain=gain) * gust / (1 + octave)
    return sound


def waves(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Swells that break: the brighter noise comes late and steeply."""
    samples = length(duration_s, rate_hz)
    low = noise(rng, samples, rate_hz=rate_hz, gain=band(80, 500, order=1))
    high = noise(rng, samples, rate_hz=rate_hz, gain=band(700, 4500, order=1))
    period_s = min(rng.uniform(2.5, 5), duration_s)
    phase = (np.arange(samples) / rate_hz / period_s + rng.uniform(0.0, 0.3)) % 1
    swell = np.where(phase < 0.6, np.sin(np.pi / 2 * phase / 0.6) ** 2, np.cos(np.pi / 2 * (phase - 0.6) / 0.4) ** 2)
    return np.asarray(low * (0.15 + swell) + 1.2 * high * swell**3)


def fire(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """A soft rush of air with crackles that are few, short and of very unlike loudness."""
    samples = length(duration_s, rate_hz)
    sound = 0.4 * noise(rng, samples, rate_hz=rate_hz, gain=band(60, 400, order=1))
    for decay_s, per_s in ((0.0008, rng.uniform(20, 40)), (0.003, rng.uniform(4, 10))):
        size = length(8 * decay_s, rate_hz)
        snap = rng.standard_normal(size) * fall(size, rate_hz=rate_hz, decay_s=decay_s, attack_s=0.0001)
        sound += 1.5 * sprinkle(rng, snap, samples, rate_hz=rate_hz, per_s=per_s, spread=1.0)
    return np.asarray(np.tanh(sound / 3))  # one great snap would leave all others unheard


def drops(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Drops into water: each closes a bubble, whose tone rises (Minnaert's resonance of a shrinking bubble)."""
    hz = rng.uniform(600, 1300)

    def drop() -> Curve:
        size = length(0.12, rate_hz)
        start = hz * rng.uniform(0.8, 1.25)
        ring = fall(size, rate_hz=rate_hz, decay_s=rng.uniform(0.015, 0.03), attack_s=0.002)
        return tone(glide(size, start, start * rng.uniform(1.6, 2.4)), rate_hz=rate_hz) * ring * rng.uniform(0.4, 1)

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(0.15, 0.6), grain=drop)


def stream(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Many small bubbles of all sizes over a little rush."""
    samples = length(duration_s, rate_hz)
    sound = 0.12 * noise(rng, samples, rate_hz=rate_hz, gain=band(300, 2500, order=1))

    def bubble() -> Curve:
        size = length(rng.uniform(0.02, 0.06), rate_hz)
        start = np.exp(rng.uniform(np.log(350), np.log(1800)))
        return tone(glide(size, start, start * 1.3), rate_hz=rate_hz) * hump(size) * rng.uniform(0.1, 1)

    return sound + repeat(rng, rate_hz, duration_s=duration_s, gap_s=(0.002, 0.02), grain=bubble)


KINDS = (
    Kind(
        "rain",
        rain,
        ("rain falls", "it is raining", "rain patters on the ground", "raindrops come down steadily"),
        ("the sound of rain", "steady rainfall"),
    ),
    Kind(
        "thunder",
        thunder,
        ("thunder rolls", "thunder rumbles", "it thunders", "a thunderclap rolls away"),
        ("the rumble of thunder", "a clap of thunder"),
    ),
    Kind(
        "wind",
        wind,
        ("the wind blows", "wind howls", "a strong wind is blowing", "gusts of wind come and go"),
        ("blowing wind", "the howling of the wind"),
    ),
    Kind(
        "sea waves",
        waves,
        ("waves roll onto the shore", "the sea surges", "ocean waves break on a beach", "surf washes ashore"),
        ("waves of the sea", "the surf of the ocean"),
    ),
    Kind(
        "crackling fire",
        fire,
        ("a fire crackles", "wood burns and crackles", "a campfire is burning", "flames pop and crackle"),
        ("the crackling of a fire", "a burning wood fire"),
    ),
    Kind(
        "water drops",
        drops,
        ("water drips", "drops of water fall", "a tap is dripping", "water drips into a basin"),
        ("dripping water", "falling drops of water"),
    ),
    Kind(
        "stream",
        stream,
        ("a stream flows", "a brook babbles", "water gurgles over stones", "a small river is running"),
        ("flowing water", "the babbling of a brook"),
    ),
)
