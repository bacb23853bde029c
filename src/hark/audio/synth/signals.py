"""Sounds that call: sirens, bells, phones, horns, beeps and clocks."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from hark.audio.synth.craft import Curve, buzz, fall, hump, length, modes, noise, peaks, place, repeat, tone
from hark.audio.synth.kind import Kind


def siren(rng: Generator, rate_hz: int, *, duration_s: float, period_s: float | None = None) -> Curve:
    """A loud tone that sweeps over an octave and back, or jumps between two notes, once in `period_s`."""
    samples = length(duration_s, rate_hz)
    if period_s is None:
        period_s = min(rng.uniform(0.4, 3.5), duration_s)  # less than one sweep would be a tone
    phase = np.arange(samples) / rate_hz / period_s
    low = rng.uniform(500, 700)
    if rng.random() < 0.3:
        hz = np.where(phase % 1 < 0.5, low, low * 4 / 3)  # a fourth, as in much of Europe
    else:
        hz = low * 2 ** (0.5 - 0.5 * np.cos(2 * np.pi * phase))
    return tone(hz, rate_hz=rate_hz, partials=(1, 0.5, 0.35, 0.2, 0.1))


def bell(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Strokes of a church bell, whose partials have the ratios of founders (hum, prime, tierce, quint, nominal ...).

    Ratios after N. H. Fletcher, T. D. Rossing, The Physics of Musical Instruments, chapter on bells.
    """
    prime = rng.uniform(280, 620)
    ratios = (
        (0.5, 2.5, 0.6),
        (1, 1.8, 0.8),
        (1.2, 1.2, 1),
        (1.5, 0.9, 0.4),
        (2, 0.8, 1),
        (2.6, 0.4, 0.5),
        (4.1, 0.2, 0.4),
    )

    def stroke() -> Curve:
        return modes(
            length(min(4.0, duration_s), rate_hz),
            rate_hz=rate_hz,
            partials=[(prime * ratio, decay_s, loud * rng.uniform(0.8, 1)) for ratio, decay_s, loud in ratios],
        )

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(1.2, 2.2), grain=stroke)


def doorbell(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Ding-dong: two struck bars, a major third apart, the lower one last."""
    high = rng.uniform(600, 850)

    def chime() -> Curve:
        track = np.zeros(length(1.9, rate_hz))
        for at_s, hz in ((0.0, high), (0.55, high * 0.8)):
            partials = [(hz, 0.45, 1.0), (hz * 2.76, 0.12, 0.3), (hz * 5.4, 0.05, 0.12)]  # a bar's transverse modes
            place(track, modes(length(1.3, rate_hz), rate_hz=rate_hz, partials=partials), length(at_s, rate_hz))
        return track

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(2.3, 3.0), grain=chime)


def phone(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Rings of an old telephone: a clapper between two small bells, 20 to 25 strokes a second."""
    strokes_hz, hz = rng.uniform(20, 25), rng.uniform(1100, 1500)
    pair = [(hz, 0.05, 1.0), (hz * 1.19, 0.05, 0.9), (hz * 2.4, 0.03, 0.5), (hz * 3.1, 0.02, 0.3)]
    ting = modes(length(0.25, rate_hz), rate_hz=rate_hz, partials=pair)

    def ring() -> Curve:
        track = np.zeros(length(1.4, rate_hz))
        for number in range(int(1.1 * strokes_hz)):
            place(track, ting * rng.uniform(0.85, 1), length(number / strokes_hz, rate_hz))
        return track

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(1.9, 2.4), grain=ring)


def horn(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Honks of a car: two reedy notes at once, a third apart."""
    low = rng.uniform(330, 430)
    long_s = rng.uniform(0.3, 0.9)

    def honk() -> Curve:
        size = length(long_s * rng.uniform(0.8, 1.2), rate_hz)
        notes = [tone(np.full(size, low * ratio), rate_hz=rate_hz, partials=buzz(16, 0.5)) for ratio in (1.0, 1.26)]
        return (notes[0] + notes[1]) * hump(size, rise=0.06, drop=0.08)

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(long_s * 1.4, long_s * 1.4 + 0.8), grain=honk)


def alarm(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Beeps of one steady high note, in groups or evenly."""
    hz, beep_s, count = rng.uniform(1900, 3000), rng.uniform(0.08, 0.16), int(rng.integers(1, 5))

    def beeps() -> Curve:
        track = np.zeros(length(2 * beep_s * count, rate_hz))
        size = length(beep_s, rate_hz)
        beep = tone(np.full(size, hz), rate_hz=rate_hz, partials=(1, 0, 0.3)) * hump(size, rise=0.05, drop=0.05)
        for number in range(count):
            place(track, beep, length(2 * beep_s * number, rate_hz))
        return track

    gap_s = 2 * beep_s * count + rng.uniform(0.1, 0.4)
    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(gap_s, gap_s), grain=beeps)


def clock(rng: Generator, rate_hz: int, *, duration_s: float, period_s: float | None = None) -> Curve:
    """Ticks and tocks, one in each `period_s`: clicks that ring in a small case."""
    period_s = rng.uniform(0.3, 1.0) if period_s is None else period_s
    hz = rng.uniform(2000, 3500)
    size = length(0.05, rate_hz)
    clicks = []
    for pitch in (hz, hz * 0.85):
        click = noise(rng, size, rate_hz=rate_hz, gain=peaks((pitch, 400, 1), (pitch * 0.4, 200, 0.6), floor=0.05))
        clicks.append(click * fall(size, rate_hz=rate_hz, decay_s=0.006, attack_s=0.0005))
    clicks.reverse()

    def tick() -> Curve:
        clicks.reverse()
        return clicks[0]

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(period_s, period_s), grain=tick)


KINDS = (
    Kind(
        "siren",
        siren,
        (
            "a siren wails",
            "an ambulance drives by with its siren on",
            "a police car is wailing",
            "a fire engine hurries",
        ),
        ("the siren of an ambulance", "a wailing siren"),
    ),
    Kind(
        "church bell",
        bell,
        ("a bell rings", "a church bell tolls", "bells are ringing in a tower", "a big bell strikes the hour"),
        ("the ringing of a bell", "the tolling of a church bell"),
    ),
    Kind(
        "doorbell",
        doorbell,
        (
            "a doorbell rings",
            "someone rings at the door",
            "a door chime goes ding-dong",
            "a visitor presses the doorbell",
        ),
        ("the chime of a doorbell", "a ding-dong at the door"),
    ),
    Kind(
        "phone ringing",
        phone,
        (
            "a telephone rings",
            "a phone is ringing",
            "an old phone calls for an answer",
            "someone is called by telephone",
        ),
        ("the ringing of a telephone", "a ringing phone"),
    ),
    Kind(
        "car horn",
        horn,
        ("a car honks", "a driver sounds the horn", "a car horn blows", "an impatient driver is honking"),
        ("the honking of a car", "a car's horn"),
    ),
    Kind(
        "alarm beep",
        alarm,
        ("an alarm beeps", "an alarm clock goes off", "a smoke detector is beeping", "an electronic timer beeps"),
        ("the beeping of an alarm", "electronic beeps"),
    ),
    Kind(
        "clock tick",
        clock,
        ("a clock ticks", "a clock is ticking", "a watch goes tick-tock", "a metronome keeps the beat"),
        ("the ticking of a clock", "a tick-tock"),
    ),
)
