"""Sounds that people make with their throats and hearts."""

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
    modes,
    noise,
    peaks,
    place,
    repeat,
    tone,
    voice,
)
from hark.audio.synth.kind import Kind


def baby(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Cries: long high wails that rise, break and fall, with a breath between them."""
    hz = rng.uniform(380, 520)
    formants = peaks((1050, 350, 1), (2000, 400, 0.4), (3300, 700, 0.6), floor=0.02)

    def wail() -> Curve:
        size = length(rng.uniform(0.7, 1.1), rate_hz)
        shake = 1 + 0.02 * np.sin(2 * np.pi * 6 * np.arange(size) / rate_hz)
        curve = hz * rng.uniform(0.95, 1.05) * glide(size, 0.8, 1.1, 1.15, 1.1, 0.75) * shake
        return voice(rng, curve, rate_hz=rate_hz, formants=formants, breath=0.06, tilt=0.5) * hump(size, rise=0.15)

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(1.2, 1.5), grain=wail)


def laughter(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Ha-ha-ha: breathy syllables, four or five a second, that sink and start again."""
    hz, rate = rng.uniform(160, 320), rng.uniform(4.2, 5.5)
    formants = peaks((750, 200, 1), (1250, 250, 0.7), (2600, 400, 0.3), floor=0.01)
    size = length(0.7 / rate, rate_hz)

    def burst() -> Curve:
        count = int(rng.integers(4, 8))
        track = np.zeros(length(count / rate, rate_hz))
        for number in range(count):
            curve = hz * 0.96**number * glide(size, 1.15, 1.0, 0.85)
            ha = voice(rng, curve, rate_hz=rate_hz, formants=formants, breath=0.25, tilt=1.0) * hump(size, rise=0.3)
            place(track, ha * 0.9**number, length(number / rate, rate_hz))
        return track

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(1.8, 2.4), grain=burst)


def snoring(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """A rasp, 25 to 40 flutters a second, while the breath goes in; a soft rush while it goes out."""
    flutter_hz = rng.uniform(25, 40)

    def breath() -> Curve:
        size = length(rng.uniform(1.0, 1.4), rate_hz)
        curve = flutter_hz * glide(size, 0.85, 1.0, 1.1)
        rasp = voice(rng, curve, rate_hz=rate_hz, formants=peaks((220, 150, 1), (700, 300, 0.5)), breath=0.1, tilt=0.2)
        out = noise(rng, size, rate_hz=rate_hz, gain=band(300, 1200, order=1)) * hump(size, rise=0.4, drop=0.5)
        return np.concatenate((rasp * hump(size, rise=0.4), 0.02 * out))

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(2.8, 3.4), grain=breath)


def cough(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Coughs: a burst of air through the throat, then a short voiced tail; two or three in a row."""
    hz, throat = rng.uniform(110, 260), rng.uniform(600, 1000)
    formants = peaks((throat, 400, 1), (throat * 2, 600, 0.7), (throat * 3.6, 900, 0.4), floor=0.05)

    def one() -> Curve:
        size = length(rng.uniform(0.22, 0.32), rate_hz)
        burst = noise(rng, size, rate_hz=rate_hz, gain=formants)
        burst *= fall(size, rate_hz=rate_hz, decay_s=0.05, attack_s=0.005)
        tail = voice(rng, hz * glide(size, 1.2, 0.8), rate_hz=rate_hz, formants=formants, breath=0.6)
        return 0.4 * burst + 0.6 * tail * hump(size, rise=0.4, drop=0.5)

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(0.4, 0.9), grain=one)


def whistling(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """A tune of pure tones with a little vibrato and breath, on a major scale."""
    scale = rng.uniform(850, 1250) * 2 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
    degree = int(rng.integers(0, 8))

    def note() -> Curve:
        nonlocal degree
        before = degree
        degree = int(np.clip(degree + rng.integers(-3, 4), 0, 7))
        size = length(rng.uniform(0.25, 0.55), rate_hz)
        vibrato = 1 + 0.008 * np.sin(2 * np.pi * 5.5 * np.arange(size) / rate_hz)
        slide = np.minimum(np.arange(size) / length(0.04, rate_hz), 1)
        curve = (scale[before] + (scale[degree] - scale[before]) * slide) * vibrato
        air = 0.015 * noise(rng, size, rate_hz=rate_hz, gain=band(1000, 4000, order=1))
        return (tone(curve, rate_hz=rate_hz, partials=(1, 0.03)) + air) * hump(size, rise=0.1, drop=0.15)

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(0.4, 0.6), grain=note)


def heartbeat(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Lub-dub: two soft thumps below 80 Hz, 55 to 100 times a minute."""
    hz, period_s = rng.uniform(45, 65), 60 / rng.uniform(55, 100)

    def beat() -> Curve:
        size = length(0.45, rate_hz)
        track = np.zeros(size)
        for at_s, pitch, loud in ((0.0, 1.0, 1.0), (0.28, 1.25, 0.7)):
            partials = [(hz * pitch, 0.035, 1.0), (hz * pitch * 1.7, 0.02, 0.4)]
            thump = modes(length(0.17, rate_hz), rate_hz=rate_hz, partials=partials)
            place(track, loud * thump, length(at_s, rate_hz))
        return track

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(period_s, period_s * 1.03), grain=beat)


KINDS = (
    Kind(
        "crying baby",
        baby,
        ("a baby cries", "an infant is crying", "a newborn wails", "a baby screams for its mother"),
        ("the crying of a baby", "an infant's cry"),
    ),
    Kind(
        "laughter",
        laughter,
        ("a person laughs", "someone is laughing", "somebody chuckles", "a person giggles with joy"),
        ("the laughter of a person", "laughing"),
    ),
    Kind(
        "snoring",
        snoring,
        ("a person snores", "someone is snoring", "a sleeper snores heavily", "somebody sleeps loudly"),
        ("the snoring of a sleeper", "loud snores"),
    ),
    Kind(
        "coughing",
        cough,
        (
            "a person coughs",
            "someone is coughing",
            "a sick person coughs again and again",
            "somebody clears their throat",
        ),
        ("the coughing of a person", "a bad cough"),
    ),
    Kind(
        "whistling",
        whistling,
        ("a person whistles", "someone whistles a tune", "somebody is whistling a melody", "a walker whistles happily"),
        ("the whistling of a melody", "a whistled tune"),
    ),
    Kind(
        "heartbeat",
        heartbeat,
        ("a heart beats", "a heart is beating", "a pulse throbs", "a heart thumps in a chest"),
        ("the beating of a heart", "heartbeats"),
    ),
)
