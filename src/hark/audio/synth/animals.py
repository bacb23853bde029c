"""Voices of animals."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from hark.audio.synth.craft import (
    Curve,
    Gain,
    buzz,
    colour,
    glide,
    hump,
    length,
    peaks,
    place,
    repeat,
    tone,
    voice,
    wander,
)
from hark.audio.synth.kind import Kind


def dog(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Barks: a short, rough voice whose pitch leaps up and falls."""
    hz, mouth = rng.uniform(280, 550), rng.uniform(700, 1100)
    formants = peaks((mouth, 350, 1), (mouth * 2.1, 500, 0.5), floor=0.02)

    def bark() -> Curve:
        size, pitch = length(rng.uniform(0.13, 0.2), rate_hz), hz * rng.uniform(0.92, 1.08)
        curve = glide(size, pitch * 0.8, pitch * 1.25, pitch, pitch * 0.6)
        return voice(rng, curve, rate_hz=rate_hz, formants=formants, breath=0.4, tilt=0.6) * hump(size, rise=0.1)

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(0.35, 0.8), grain=bark)


def cat(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Meows: a high voice that rises and falls while the mouth opens from "ee" and closes to "ow"."""
    hz = rng.uniform(450, 750)

    def meow() -> Curve:
        size = length(rng.uniform(0.6, 1.0), rate_hz)
        curve = hz * rng.uniform(0.95, 1.05) * glide(size, 0.8, 1.1, 1.2, 1.05, 0.75)
        source = tone(curve, rate_hz=rate_hz, partials=buzz(12, 0.8))
        shut = colour(source, rate_hz=rate_hz, gain=peaks((700, 400, 1), (2600, 600, 0.7)))
        wide = colour(source, rate_hz=rate_hz, gain=peaks((1300, 500, 1.2), (1900, 500, 0.6)))
        opened = glide(size, 0, 0.8, 1, 0.6, 0.2)
        return (shut * (1 - opened) + wide * opened) * hump(size, rise=0.15, drop=0.4)

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(1.1, 2.0), grain=meow)


def bird(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Chirps: short high glides in groups, each bird with its own motif."""
    hz = rng.uniform(2400, 4200)
    motif = rng.uniform(0.8, 1.4, (int(rng.integers(2, 5)), 3))
    step = length(rng.uniform(0.07, 0.14), rate_hz)

    def phrase() -> Curve:
        track = np.zeros(step * len(motif))
        for number, turns in enumerate(motif * rng.uniform(0.97, 1.03)):
            size = int(step * 0.8)
            place(track, tone(glide(size, *(hz * turns)), rate_hz=rate_hz) * hump(size), number * step)
        return track

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(0.5, 1.1), grain=phrase)


def cricket(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Chirps of three or four fast pulses of one very high tone."""
    hz, pulses = rng.uniform(4000, 5200), int(rng.integers(3, 5))
    pulse = length(rng.uniform(0.018, 0.026), rate_hz)
    chirp_s = rng.uniform(0.25, 0.45)

    def chirp() -> Curve:
        beat = np.tile(hump(int(pulse * 0.7), rise=0.3), (pulses, 1))
        envelope = np.pad(beat, ((0, 0), (0, pulse - beat.shape[1]))).ravel()
        return tone(np.full(envelope.size, hz), rate_hz=rate_hz) * envelope

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(chirp_s, chirp_s * 1.02), grain=chirp)


def frog(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Croaks: slow pulses, 40 to 70 a second, that ring in a throat."""
    hz, throat = rng.uniform(40, 70), rng.uniform(500, 900)
    formants = peaks((throat, 180, 1), (throat * 2.2, 300, 0.5))

    def croak() -> Curve:
        size = length(rng.uniform(0.25, 0.4), rate_hz)
        curve = hz * glide(size, 0.8, 1.0, 1.15)
        return voice(rng, curve, rate_hz=rate_hz, formants=formants, breath=0.01, tilt=0.1) * hump(size, rise=0.4)

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(0.5, 1.0), grain=croak)


def crow(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Caws: a harsh voice, half noise, in groups."""
    hz, formants = rng.uniform(380, 520), peaks((1400, 500, 1), (2300, 700, 0.6), floor=0.02)

    def caw() -> Curve:
        size = length(rng.uniform(0.3, 0.42), rate_hz)
        rough = 1 + 0.06 * rng.standard_normal(size // 64 + 2)
        curve = hz * glide(size, 0.9, 1.08, 1.0, 0.85) * glide(size, *rough)
        return voice(rng, curve, rate_hz=rate_hz, formants=formants, breath=0.5, tilt=0.3) * hump(size, rise=0.15)

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(0.6, 0.9), grain=caw)


def owl(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Hoots: soft low tones, two short and one long."""
    hz = rng.uniform(320, 460)

    def hoots() -> Curve:
        track = np.zeros(length(1.5, rate_hz))
        for at_s, long_s in ((0.0, 0.18), (0.32, 0.18), (0.7, 0.65)):
            size = length(long_s, rate_hz)
            curve = hz * glide(size, 0.94, 1.02, 1.0, 0.95)
            place(track, tone(curve, rate_hz=rate_hz, partials=(1, 0.12, 0.03)) * hump(size), length(at_s, rate_hz))
        return track

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(1.9, 2.6), grain=hoots)


def rooster(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Crows: cock-a-doodle-doo, four notes of which the last is high and long."""
    hz = rng.uniform(550, 750)
    formants = peaks((1200, 500, 1), (2400, 700, 0.8), (3800, 900, 0.3), floor=0.03)

    def crowing() -> Curve:
        size = length(min(1.8, duration_s), rate_hz)
        curve = hz * glide(size, 0.8, 1.0, 1.0, 1.2, 1.1, 1.45, 1.5, 1.5, 1.4, 1.1, 0.8)
        notes = glide(size, 0.3, 1, 0.1, 0.9, 0.2, 1, 1, 1, 0.9, 0.6, 0.1)
        return (
            voice(rng, curve, rate_hz=rate_hz, formants=formants, breath=0.12, tilt=0.5) * notes * hump(size, rise=0.05)
        )

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(2.4, 3.2), grain=crowing)


def cow(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Moos: a long low voice that opens late."""
    hz = rng.uniform(95, 160)

    def moo() -> Curve:
        size = length(rng.uniform(1.2, 1.7), rate_hz)
        curve = hz * glide(size, 0.85, 1.0, 1.1, 1.15, 0.9)
        shut = voice(rng, curve, rate_hz=rate_hz, formants=peaks((250, 120, 1), (700, 200, 0.1)))
        wide = voice(rng, curve, rate_hz=rate_hz, formants=peaks((550, 200, 1), (1000, 250, 0.6)), tilt=0.7)
        opened = glide(size, 0, 0.1, 0.8, 1, 0.6)
        return (shut * (1 - opened) + wide * opened) * hump(size, rise=0.15)

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(2.0, 3.0), grain=moo)


def sheep(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """Baas: a voice that trembles eight times a second in pitch and loudness."""
    hz, shake_hz = rng.uniform(220, 380), rng.uniform(7, 10)
    formants: Gain = peaks((800, 300, 1), (1700, 400, 0.8), (2800, 500, 0.3), floor=0.01)

    def baa() -> Curve:
        size = length(rng.uniform(0.7, 1.1), rate_hz)
        shake = np.sin(2 * np.pi * shake_hz * np.arange(size) / rate_hz)
        curve = hz * (1 + 0.04 * shake) * glide(size, 1.0, 1.05, 0.95)
        sound = voice(rng, curve, rate_hz=rate_hz, formants=formants, breath=0.1, tilt=0.5)
        return sound * (0.65 + 0.35 * shake) * hump(size, rise=0.1)

    return repeat(rng, rate_hz, duration_s=duration_s, gap_s=(1.2, 2.0), grain=baa)


def bee(rng: Generator, rate_hz: int, *, duration_s: float) -> Curve:
    """A buzz near 200 Hz that comes, turns and goes."""
    samples = length(duration_s, rate_hz)
    curve = rng.uniform(180, 260) * wander(rng, samples, rate_hz=rate_hz, per_s=4, low=0.93, high=1.07)
    near = wander(rng, samples, rate_hz=rate_hz, per_s=1.5, low=0.15, high=1.0)
    flutter = 1 + 0.2 * wander(rng, samples, rate_hz=rate_hz, per_s=60, low=-1, high=1)
    return tone(curve, rate_hz=rate_hz, partials=buzz(18, 0.9)) * near * flutter


KINDS = (
    Kind(
        "dog bark",
        dog,
        ("a dog barks", "a dog is barking", "a hound barks again and again", "a dog bays loudly"),
        ("the barking of a dog", "dog barks"),
    ),
    Kind(
        "cat meow",
        cat,
        ("a cat meows", "a cat is mewing", "a kitten cries for food", "a hungry cat calls"),
        ("the meowing of a cat", "a cat's meow"),
    ),
    Kind(
        "chirping birds",
        bird,
        ("a bird chirps", "a bird sings", "a songbird is twittering", "birds tweet in the trees"),
        ("birdsong", "the chirping of a bird"),
    ),
    Kind(
        "crickets",
        cricket,
        ("a cricket chirps", "crickets chirp", "a cricket is stridulating", "an insect chirps in the grass"),
        ("the chirping of crickets", "the song of a cricket at night"),
    ),
    Kind(
        "frog croak",
        frog,
        ("a frog croaks", "frogs are croaking", "a toad calls", "a frog ribbits in a pond"),
        ("the croaking of a frog", "croaks of a toad"),
    ),
    Kind(
        "crow",
        crow,
        ("a crow caws", "a raven croaks", "a crow is cawing", "a black bird caws harshly"),
        ("the cawing of a crow", "caws of a raven"),
    ),
    Kind(
        "owl hoot",
        owl,
        ("an owl hoots", "an owl is hooting", "an owl calls at night", "a tawny owl cries softly"),
        ("the hooting of an owl", "owl hoots"),
    ),
    Kind(
        "rooster",
        rooster,
        ("a rooster crows", "a cock crows", "a cockerel greets the morning", "a rooster is crowing"),
        ("the crowing of a rooster", "a cock-a-doodle-doo"),
    ),
    Kind(
        "cow moo",
        cow,
        ("a cow moos", "a cow is lowing", "cattle low", "a cow calls from the pasture"),
        ("the mooing of a cow", "the lowing of cattle"),
    ),
    Kind(
        "sheep bleat",
        sheep,
        ("a sheep bleats", "a sheep baas", "a goat is bleating", "a lamb calls its mother"),
        ("the bleating of a sheep", "a sheep's baa"),
    ),
    Kind(
        "bee buzz",
        bee,
        ("a bee buzzes", "a fly is buzzing around", "an insect flies past", "a bee hums near a flower"),
        ("the buzzing of a bee", "the hum of a flying insect"),
    ),
)
