"""All kinds of sound that the synthesiser knows, by their labels."""

from __future__ import annotations

from hark.audio.synth import animals, hands, machines, people, signals, weather
from hark.audio.synth.kind import Kind

KINDS: dict[str, Kind] = {
    kind.label: kind for family in (weather, animals, people, hands, signals, machines) for kind in family.KINDS
}
