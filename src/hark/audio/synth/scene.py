"""Scenes: one to three sounds placed in time over a faint background, with captions that tell their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from hark.audio.synth.craft import band, length, noise
from hark.audio.synth.kind import Kind, faded, levelled
from hark.core.types import Wave

AUDIBLE_DB = -40.0  # below the sound's peak; where an event starts and ends
BACKGROUND = (0.001, 0.004)  # RMS; 22 to 40 dB below events of the usual level
LAYOUTS = {
    # when each sound may be heard, as parts of the scene: they follow one another, or the second falls into the first
    "alone": ((0.15, 0.85),),
    "sequence": ((0.03, 0.47), (0.53, 0.97)),
    "overlap": ((0.03, 0.97), (0.30, 0.70)),
    "three": ((0.02, 0.31), (0.35, 0.64), (0.68, 0.98)),
}
TEMPLATES = {  # s: a sentence of each sound, n: a noun phrase of each
    "alone": ("{s[0]}", "{n[0]}", "{n[0]} in a quiet place"),
    "sequence": (
        "{s[0]}, then {s[1]}",
        "{s[0]} before {s[1]}",
        "{n[0]} followed by {n[1]}",
        "first {n[0]}, then {n[1]}",
        "after {n[0]}, {s[1]}",
    ),
    "overlap": (
        "{s[1]} while {s[0]}",
        "{s[0]} and meanwhile {s[1]}",
        "{n[1]} with {n[0]} in the background",
        "{n[0]} and {n[1]} at the same time",
    ),
    "three": (
        "{s[0]}, then {s[1]}, and finally {s[2]}",
        "{n[0]} followed by {n[1]} and {n[2]}",
        "first {n[0]}, then {n[1]}, and then {n[2]}",
    ),
}


@dataclass(frozen=True)
class Event:
    """A sound in a scene, and when it is heard."""

    label: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Scene:
    """A sound with what happens in it, in the order of the layout, and sentences that tell it."""

    wave: Wave
    events: tuple[Event, ...]
    captions: tuple[str, ...]


def compose(
    rng: Generator, rate_hz: int, *, duration_s: float, kinds: Sequence[Kind], layout: str | None = None
) -> Scene:
    """A scene of different kinds drawn from `kinds`; `layout` is one of LAYOUTS, drawn unless given."""
    possible = [name for name, spans in LAYOUTS.items() if len(spans) <= len(kinds)]
    if layout is None:
        layout = possible[int(rng.integers(len(possible)))]
    assert layout in possible, (layout, len(kinds))
    spans = LAYOUTS[layout]
    chosen = [kinds[int(number)] for number in rng.choice(len(kinds), len(spans), replace=False)]
    samples = length(duration_s, rate_hz)
    track = noise(rng, samples, rate_hz=rate_hz, gain=band(60, 600, order=1)) * rng.uniform(*BACKGROUND)
    events = []
    for kind, (start, end) in zip(chosen, spans, strict=True):
        sound = kind.render(rng, rate_hz, duration_s=(end - start) * duration_s)
        sound *= 10 ** (rng.uniform(-6, 0) / 20)
        at = int(start * samples)
        sound = sound[: samples - at]
        track[at : at + sound.size] += sound
        first, last = _audible(sound)
        events.append(Event(kind.label, (at + first) / rate_hz, (at + last) / rate_hz))
    return Scene(levelled(faded(track, rate_hz)), tuple(events), _captions(rng, chosen, layout))


def _audible(sound: Wave) -> tuple[int, int]:
    """The first audible sample, and the one after the last."""
    loud = np.flatnonzero(np.abs(sound) >= np.max(np.abs(sound)) * 10 ** (AUDIBLE_DB / 20))
    return int(loud[0]), int(loud[-1]) + 1


def _captions(rng: Generator, kinds: Sequence[Kind], layout: str) -> tuple[str, ...]:
    """One caption from each template of the layout, in other words each time."""
    captions = []
    for template in TEMPLATES[layout]:
        sentences = [str(rng.choice(kind.sentences)) for kind in kinds]
        nouns = [str(rng.choice(kind.nouns)) for kind in kinds]
        captions.append(template.format(s=sentences, n=nouns))
    return tuple(captions)
