"""Sounds of engines and machines."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from hark.audio.synth.craft import (
    Curve,
    band,
    buzz,
    fall,
    glide,
    hump,
    length,
    modes,
    noise,
    place,
    repeat,
    tone,
    wander,
)
from hark.audio.synth.kind import Kind


def engine(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """A motor that idles: 22 to 45 firings a second, never quite evenly, and the rattle of its parts."""
    samples = length(duration_s, rate_hz)
    hz = rng.uniform(22, 45) * wander(rng, samples, rate_hz=rate_hz, per_s=6, low=0.97, high=1.03)
    uneven = wander(rng, samples, rate_hz=rate_hz, per_s=18, low=0.6, high=1.0)
    firing = tone(hz, rate_hz=rate_hz, partials=buzz(24, 0.8))
    rattle = noise(rng, samples, rate_hz=rate_hz, gain=band(150, 1200, order=1))
    return firing * uneven + 0.25 * rattle * (1 + 0.5 * np.sign(firing))


def helicopter(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Blades that slap the air 11 to 18 times a second, over the whine of the turbine."""
    samples = length(duration_s, rate_hz)
    phase = np.arange(samples) / rate_hz * rng.uniform(11, 18)
    slap = np.exp(-6 * (phase % 1))
    air = noise(rng, samples, rate_hz=rate_hz, gain=band(50, 500, order=1))
    whine = tone(np.full(samples, rng.uniform(500, 900)), rate_hz=rate_hz, partials=(1, 0.4))
    near = wander(rng, samples, rate_hz=rate_hz, per_s=0.5, low=0.6, high=1.0)
    return (air * (0.1 + slap) + 0.03 * whine) * near


def airplane(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """A jet that passes over: a roar that swells and sinks, and a whine that falls as it goes by (Doppler)."""
    samples = length(duration_s, rate_hz)
    roar = noise(rng, samples, rate_hz=rate_hz, gain=band(100, rng.uniform(500, 900), order=1))
    hz = rng.uniform(1300, 2200) * glide(samples, 1.0, 0.99, 0.9, 0.75, 0.7)
    return (roar + 0.12 * tone(hz, rate_hz=rate_hz, partials=(1, 0.5))) * (0.15 + hump(samples, rise=0.5, drop=0.5))


def train(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Wheels over the joints of the rails, two beats and a pause, over a deep rumble."""
    samples = length(duration_s, rate_hz)
    period_s = rng.uniform(0.6, 0.95)
    rumble = noise(rng, samples, rate_hz=rate_hz, gain=band(40, 250, order=1))
    rush = noise(rng, samples, rate_hz=rate_hz, gain=band(800, 2500, order=1))

    def joint() -> Curve:
        track = np.zeros(length(0.4, rate_hz))
        size = length(0.15, rate_hz)
        clank = modes(size, rate_hz=rate_hz, partials=[(180, 0.03, 1), (620, 0.02, 0.7), (1450, 0.02, 0.4)])
        clank += (
            0.5 * noise(rng, size, rate_hz=rate_hz, gain=band(300, 3000)) * fall(size, rate_hz=rate_hz, decay_s=0.015)
        )
        for at_s in (0.0, 0.17):
            place(track, clank, length(at_s, rate_hz))
        return track

    wheels = repeat(rng, rate_hz, duration_s=duration_s, gap_s=(period_s, period_s * 1.01), grain=joint)
    return 2.5 * wheels + 0.4 * rumble + 0.06 * rush


def vacuum(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """A steady rush of air and the unmoved whine of a fast motor."""
    samples = length(duration_s, rate_hz)
    air = noise(rng, samples, rate_hz=rate_hz, gain=band(250, 4500, order=1))
    whine = tone(np.full(samples, rng.uniform(230, 420)), rate_hz=rate_hz, partials=(1, 0.6, 0.8, 0.3, 0.5, 0.2, 0.2))
    return air + rng.uniform(0.4, 0.8) * whine


def drill(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Bursts of a hard whir: the motor runs up, is pressed down by the load, and stops."""
    hz = rng.uniform(330, 480)

    def burst() -> Curve:
        size = length(rng.uniform(0.8, 1.6), rate_hz)
        curve = hz * glide(size, 0.5, 1.1, 0.95, 0.9, 0.92, 0.95, 0.9, 0.6)
        whir = tone(curve, rate_hz=rate_hz, partials=buzz(20, 0.45))
        grind = noise(rng, size, rate_hz=rate_hz, gain=band(2000, 6500))
        return (whir + 0.5 * grind) * hump(size, rise=0.06, drop=0.12)

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(1.8, 2.3), grain=burst)


def chainsaw(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """A two-stroke motor that screams: 80 to 140 harsh firings a second, revved up and down."""
    samples = length(duration_s, rate_hz)
    hz = rng.uniform(85, 130) * wander(rng, samples, rate_hz=rate_hz, per_s=1.5, low=0.75, high=1.25)
    hz *= wander(rng, samples, rate_hz=rate_hz, per_s=40, low=0.98, high=1.02)
    chain = noise(rng, samples, rate_hz=rate_hz, gain=band(1500, 5000))
    return tone(hz, rate_hz=rate_hz, partials=buzz(40, 0.35)) + 0.5 * chain


def explosion(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """One blast at the start: everything at once, then only the depths, and debris."""
    samples = length(duration_s, rate_hz)
    shock = noise(rng, samples, rate_hz=rate_hz, gain=band(30, 3000, order=1))
    deep = noise(rng, samples, rate_hz=rate_hz, gain=band(20, rng.uniform(60, 110)))
    size = min(samples, length(1.2, rate_hz))
    boom = tone(glide(size, 90, 40, 30), rate_hz=rate_hz) * fall(size, rate_hz=rate_hz, decay_s=0.25)
    blast = shock * fall(samples, rate_hz=rate_hz, decay_s=rng.uniform(0.08, 0.15))
    blast += deep * fall(samples, rate_hz=rate_hz, decay_s=min(0.7, duration_s / 4), attack_s=0.02)
    place(blast, boom, 0)
    return blast


KINDS = (
    Kind(
        "engine",
        engine,
        ("an engine idles", "a motor is running", "a car engine rattles", "a truck stands with its motor on"),
        ("the idling of an engine", "a running motor"),
    ),
    Kind(
        "helicopter",
        helicopter,
        ("a helicopter flies by", "a helicopter hovers", "rotor blades beat the air", "a chopper is passing"),
        ("the rotor of a helicopter", "a flying chopper"),
    ),
    Kind(
        "airplane",
        airplane,
        ("an airplane flies over", "a jet passes overhead", "a plane roars past", "an aircraft crosses the sky"),
        ("the roar of a jet", "a passing airplane"),
    ),
    Kind(
        "train",
        train,
        ("a train passes", "a train clatters over the rails", "railway carriages roll by", "wheels clack on a track"),
        ("the clatter of a train", "a train on its rails"),
    ),
    Kind(
        "vacuum cleaner",
        vacuum,
        ("a vacuum cleaner runs", "someone vacuums the floor", "a hoover is on", "a vacuum cleaner whirs"),
        ("the whirring of a vacuum cleaner", "vacuuming"),
    ),
    Kind(
        "drill",
        drill,
        ("someone drills a hole", "a power drill whirs", "an electric drill is working", "a drill bores into a wall"),
        ("the whir of a power drill", "drilling"),
    ),
    Kind(
        "chainsaw",
        chainsaw,
        ("a chainsaw roars", "a chainsaw cuts a tree", "a lumberjack revs a chainsaw", "a chain saw is running"),
        ("the roar of a chainsaw", "a revving chainsaw"),
    ),
    Kind(
        "explosion",
        explosion,
        ("something explodes", "a bomb goes off", "a blast booms", "a charge detonates"),
        ("an explosion", "the boom of a blast"),
    ),
)
