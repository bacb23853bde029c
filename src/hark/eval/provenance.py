"""What a number was made of: model, weights, data, hark's version, and the command that gives it again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hark.core.provenance import made_by
from hark.data.records import Clip


class Named(Protocol):
    """What has a name and a stamp: a model, an ensemble."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def stamp(self) -> str:
        """What identifies its recipe and weights."""


@dataclass(frozen=True)
class Provenance:
    """Stands in every report: `stamp` is the hash of recipe and weights, `data` that of the clips (`data_hash`).

    `command` is the command line that gives the numbers again; None where no command line made them.
    """

    model: str
    stamp: str
    data: str
    hark: str
    command: str | None = None

    def line(self) -> str:
        """All of it in one line, for the foot of a table."""
        told = f"{self.model} {self.stamp[:12]}, data {self.data}, hark {self.hark}"
        return f"{told}: {self.command}" if self.command else told


def provenance(model: Named, clips: Iterable[Clip], *, texts: Sequence[str] = (), command: str | None) -> Provenance:
    """The provenance of numbers that `model` got on `clips`; `texts` are questions that the clips do not tell."""
    return Provenance(model.name, model.stamp, data_hash(clips, texts=texts), made_by()["hark"], command)


def data_hash(clips: Iterable[Clip], *, texts: Sequence[str] = ()) -> str:
    """16 hex digits of what is evaluated on: ids, captions, labels, stretches, files' sizes; and the texts asked.

    The order of the clips does not matter, nor where they lie. A file's size stands for its content, so that a
    million clips are hashed without reading them.
    """
    digest = hashlib.sha256()
    for row in sorted(json.dumps(_told(clip)) for clip in clips):
        digest.update(row.encode() + b"\n")
    for text in texts:
        digest.update(json.dumps(text).encode() + b"\n")
    return digest.hexdigest()[:16]


def _told(clip: Clip) -> list[object]:
    size = clip.path.stat().st_size if clip.path.is_file() else None
    return [clip.id, clip.captions, clip.labels, clip.start_s, clip.duration_s, size]
