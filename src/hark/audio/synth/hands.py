"""Sounds of hands and feet: knocking, typing, walking, clapping, sawing."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from hark.audio.synth.craft import (
    Curve,
    band,
    fall,
    hump,
    length,
    modes,
    noise,
    peaks,
    place,
    repeat,
    sprinkle,
    wander,
)
from hark.audio.synth.kind import Kind


def knock(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Three to five raps on wood, then a pause: low modes that die at once."""
    hz, step_s = rng.uniform(140, 260), rng.uniform(0.16, 0.28)

    def raps() -> Curve:
        count = int(rng.integers(3, 6))
        track = np.zeros(length(count * step_s + 0.2, rate_hz))
        for number in range(count):
            partials = [(hz * ratio, 0.03 / ratio**0.7, 1 / ratio) for ratio in (1.0, 1.9, 2.7, 4.3, 6.1)]
            rap = modes(length(0.2, rate_hz), rate_hz=rate_hz, partials=partials)
            place(track, rap * rng.uniform(0.7, 1), length(number * step_s * rng.uniform(0.97, 1.03), rate_hz))
        return track

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(5 * step_s + 0.4, 5 * step_s + 0.9), grain=raps)


def typing(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Keys: a sharp click and a small thud, 5 to 10 a second, unevenly."""
    gap_s, hz = rng.uniform(0.07, 0.14), rng.uniform(500, 900)

    def key() -> Curve:
        size = length(0.05, rate_hz)
        pitch = hz * rng.uniform(0.8, 1.25)
        click = noise(rng, size, rate_hz=rate_hz, gain=band(1800, 6500))
        click *= fall(size, rate_hz=rate_hz, decay_s=0.003, attack_s=0.0005)
        thud = modes(size, rate_hz=rate_hz, partials=[(pitch, 0.006, 0.6), (pitch * 2.3, 0.004, 0.4)])
        return (click + thud) * rng.uniform(0.4, 1.0)

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(gap_s, gap_s * 2.5), grain=key)


def footsteps(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Steps, 100 to 125 a minute: the heel thumps, the sole scuffs a tenth of a second later."""
    step_s, floor_hz = 60 / rng.uniform(100, 125), rng.uniform(70, 130)

    def step() -> Curve:
        track = np.zeros(length(0.35, rate_hz))
        size = length(0.12, rate_hz)
        thump = modes(size, rate_hz=rate_hz, partials=[(floor_hz, 0.03, 1.0), (floor_hz * 2.6, 0.015, 0.5)])
        tap = noise(rng, size, rate_hz=rate_hz, gain=band(400, 1800, order=1))
        place(track, thump + 0.35 * tap * fall(size, rate_hz=rate_hz, decay_s=0.008), 0)
        scuff = noise(rng, size, rate_hz=rate_hz, gain=band(1200, 5000, order=1)) * hump(size, rise=0.4, drop=0.5)
        place(track, rng.uniform(0.04, 0.1) * scuff, length(0.1, rate_hz))
        return track * rng.uniform(0.75, 1)

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(step_s * 0.96, step_s * 1.04), grain=step)


def applause(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Many claps at random: hollow hands ring between 800 and 1,800 Hz for a few milliseconds."""
    samples = length(duration_s, rate_hz)
    crowd = np.zeros(samples)
    for _ in range(4):  # four sorts of hands
        size = length(0.03, rate_hz)
        hand = noise(rng, size, rate_hz=rate_hz, gain=peaks((rng.uniform(800, 1800), 700, 1), floor=0.08))
        hand *= fall(size, rate_hz=rate_hz, decay_s=0.005, attack_s=0.0005)
        crowd += sprinkle(rng, hand, samples, rate_hz=rate_hz, per_s=rng.uniform(20, 90), spread=0.5)
    return crowd * wander(rng, samples, rate_hz=rate_hz, per_s=0.7, low=0.6, high=1.0)


def saw(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Strokes to and fro, each a noise that the teeth chop 70 to 150 times a second; the push is the louder."""
    stroke_s, teeth_hz = rng.uniform(0.25, 0.45), rng.uniform(70, 150)
    centre = rng.uniform(1500, 2800)
    push = True

    def stroke() -> Curve:
        nonlocal push
        push = not push
        size = length(stroke_s * 0.85, rate_hz)
        bright = centre * (1.0 if push else 0.75)
        rasp = noise(rng, size, rate_hz=rate_hz, gain=band(bright * 0.5, bright * 1.8))
        teeth = 1 + 0.8 * np.sin(2 * np.pi * teeth_hz * np.arange(size) / rate_hz)
        return rasp * teeth * hump(size, rise=0.3, drop=0.3) * (1.0 if push else 0.6)

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(stroke_s, stroke_s * 1.05), grain=stroke)


KINDS = (
    Kind(
        "door knock",
        knock,
        ("someone knocks on a door", "a visitor is knocking", "a fist raps on wood", "somebody knocks"),
        ("a knock at the door", "the knocking on a wooden door"),
    ),
    Kind(
        "keyboard typing",
        typing,
        ("someone types on a keyboard", "a person is typing", "keys of a computer click", "fingers tap on a keyboard"),
        ("typing on a keyboard", "the clicking of keys"),
    ),
    Kind(
        "footsteps",
        footsteps,
        ("someone walks", "a person is walking by", "footsteps sound on the floor", "shoes step along a corridor"),
        ("the steps of a walker", "footsteps"),
    ),
    Kind(
        "applause",
        applause,
        ("an audience applauds", "people clap their hands", "a crowd is clapping", "spectators give applause"),
        ("the applause of an audience", "the clapping of a crowd"),
    ),
    Kind(
        "hand saw",
        saw,
        ("someone saws wood", "a hand saw cuts a board", "a carpenter is sawing", "a saw goes to and fro"),
        ("the sawing of wood", "a hand saw at work"),
    ),
)
