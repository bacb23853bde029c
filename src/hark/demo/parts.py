"""The parts of a demonstration's result, each told as soon as it is known, and the report that holds them all."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hark.audio.synth.scene import Event
from hark.eval.retrieval import RetrievalReport


@dataclass(frozen=True)
class Sounds:
    """The sounds that are searched; `audio_s` is how long the scenes are together, None for a user's own folder."""

    folder: Path
    scenes: int | None
    audio_s: float | None
    seconds: float


@dataclass(frozen=True)
class Indexed:
    """The library that was made; `speed` is in times real time."""

    library: Path
    files: int
    windows: int
    audio_s: float
    unreadable: tuple[str, ...]
    seconds: float

    @property
    def speed(self) -> float:
        """How many times faster than listening to it."""
        return self.audio_s / max(self.seconds, 1e-9)


@dataclass(frozen=True)
class Answer:
    """A span that was found. `heard_s` is how much of it the asked sound fills, and None where that is not known."""

    path: Path
    name: str  # of the file, below the folder that is searched
    start_s: float
    end_s: float
    score: float
    heard_s: float | None = None
    right: bool | None = None
    events: tuple[Event, ...] = ()  # all that is heard in the file


@dataclass(frozen=True)
class Asked:
    """A question with its best answers; `holding` scenes of `among` hold what is asked for, None where not known."""

    text: str
    kinds: tuple[str, ...]
    answers: tuple[Answer, ...]
    holding: int | None
    among: int


@dataclass(frozen=True)
class Measured:
    """How well captions find their scenes, and scenes their captions; `guess_...` is what chance gives, by metric."""

    report: RetrievalReport
    guess_text_to_audio: Mapping[str, float]
    guess_audio_to_text: Mapping[str, float]
    seconds: float


@dataclass(frozen=True)
class Point:
    """A validation while training: after `step` steps, the mean loss since the last one, and the numbers by then."""

    step: int
    steps: int
    loss: float
    map_at_10: float
    accuracy: float
    chance: float


@dataclass(frozen=True)
class Learned:
    """A training from scratch: its curve, and the loss of every step."""

    recipe: str
    folder: Path
    points: tuple[Point, ...]
    losses: tuple[float, ...]
    seconds: float

    @property
    def best(self) -> Point:
        """The validation at which the kept weights were taken."""
        return max(self.points, key=lambda point: point.map_at_10)


Part = Sounds | Indexed | Asked | Measured | Point | Learned


@dataclass(frozen=True)
class Report:
    """A whole demonstration; what was left out is None."""

    model: str
    stamp: str
    out: Path
    sounds: Sounds
    indexed: Indexed
    asked: tuple[Asked, ...]
    measured: Measured | None
    learned: Learned | None
    seconds: Mapping[str, float]
    made_by: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """The report as JSON's own types."""
        said: dict[str, Any] = _plain(dataclasses.asdict(self))
        said["indexed"]["speed"] = self.indexed.speed
        return said


def _plain(value: Any) -> Any:
    """Paths as text, all else as it is."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, Path) else value
