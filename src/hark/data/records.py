"""What a corpus is made of: a clip of sound with its captions and labels, and a clip paired with one caption."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Clip:
    """One sound and what is said of it.

    `id` is unique in its corpus. `path` is the file; with `start_s` and `duration_s` (seconds) the clip is a stretch
    of it. `extra` holds whatever else the source says (fold, licence, Freesound id, ...), as text.
    """

    id: str
    path: Path
    captions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    start_s: float = 0.0
    duration_s: float | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pair:
    """A clip and one sentence about it."""

    clip: Clip
    text: str
