"""What is really heard in a synthesised scene, and how much of it a found span holds."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from hark.audio.synth.scene import Event
from hark.data.records import Clip

LEAST_S = 0.5
"""A span with less of the sound than this did not find it: one's end brushing another's start is no answer."""


def events_of(clip: Clip) -> tuple[Event, ...]:
    """The events of a clip of the `synth` corpus, made with `scenes`."""
    return tuple(Event(**event) for event in json.loads(clip.extra["events"]))


def heard_s(start_s: float, end_s: float, *, events: Iterable[Event], kinds: Collection[str]) -> float:
    """For how many seconds of a span any event of these kinds is heard; where two sound at once it counts once."""
    heard, until_s = 0.0, start_s
    for event in sorted(events, key=lambda event: event.start_s):
        if event.label in kinds:
            from_s, to_s = max(event.start_s, until_s), min(event.end_s, end_s)
            if to_s > from_s:
                heard += to_s - from_s
                until_s = to_s
    return heard
