"""What a number was made of: model, weights, data, hark's version, and the command that gives it again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hark.core.provenance import made_by
from hark.data.records import Clip
from hark.metrics.answers import Answers


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


def provenance(
    model: Named,
    clips: Sequence[Clip],
    *,
    texts: Sequence[str] = (),
    answers: Answers | None = None,
    command: str | None,
) -> Provenance:
    """The provenance of numbers that `model` got on `clips`, by questions that are `texts`.

    `answers` are needed where a file of queries says which clips are right; captions and labels say it by themselves.
    """
    data = data_hash(clips, texts=texts, answers=answers)
    return Provenance(model.name, model.stamp, data, made_by()["hark"], command)


def data_hash(clips: Sequence[Clip], *, texts: Sequence[str] = (), answers: Answers | None = None) -> str:
    """16 hex digits of what is evaluated on: ids, captions, labels, stretches, files' sizes; the texts, their answers.

    The order of the clips and texts does not matter, nor where files lie. A file's size stands for its content, so that
    a million clips are hashed without reading them.
    """
    digest = hashlib.sha256()
    rows = [json.dumps(_told(clip)) for clip in clips]
    for row in sorted(rows):
        digest.update(row.encode() + b"\n")
    said: list[object] = list(texts)
    if answers is not None:
        right: list[list[str]] = [[] for _ in texts]
        for query, item in zip(answers.query.tolist(), answers.item.tolist(), strict=True):
            right[query].append(clips[item].id)
        said = [[text, sorted(ids)] for text, ids in zip(texts, right, strict=True)]
    for row in sorted(json.dumps(one) for one in said):
        digest.update(row.encode() + b"\n")
    return digest.hexdigest()[:16]


def _told(clip: Clip) -> list[object]:
    size = clip.path.stat().st_size if clip.path.is_file() else None
    return [clip.id, clip.captions, clip.labels, clip.start_s, clip.duration_s, size]
