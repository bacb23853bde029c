"""Captions as JSON lines, a manifest that everything in hark reads; a file of them is gone on with.

A line holds the sound's `path`, `captions`, their `scores` (what orders them) and, where a retrieval model was asked,
their `cosines` with the sound, what made them, and of a stretch `start_s` and `duration_s`. `of` is the clip that it is
a stretch of.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from hark.caption.captioner import Captioner
from hark.caption.describe import Described, Way
from hark.caption.rerank import Judge
from hark.core.errors import SettingError
from hark.core.files import write_aside
from hark.core.provenance import made_by


def made(captioner: Captioner, way: Way, judge: Judge | None) -> dict[str, Any]:
    """What stands in each line of what made it."""
    told = {"model": captioner.name, "stamp": captioner.stamp, "hark": made_by()["hark"]}
    return told | {"way": way.told(captioner, judge)}


def records(found: Described, made: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A described clip as what its lines hold."""
    clip, kept = found.clip, []
    for told in found.told:
        record: dict[str, Any] = {"id": clip.id, "path": str(clip.path.absolute())}
        if len(found.told) > 1 or told.start_s or told.end_s is not None:
            whole = (told.start_s, told.end_s) == (clip.start_s, _end(found))
            record |= (
                {"start_s": told.start_s} if whole else {"id": f"{clip.id}@{told.start_s:g}", "start_s": told.start_s}
            )
            if told.end_s is not None:
                record["duration_s"] = told.end_s - told.start_s
        record |= {"captions": [said.text for said in told.said], "scores": [round(s.score, 6) for s in told.said]}
        cosines = [round(said.cosine, 6) for said in told.said if said.cosine is not None]
        record |= {"cosines": cosines} if cosines else {}
        kept.append(record | {"of": clip.id} | dict(made))
    return kept


class Written:
    """A file of captions that grows line by line; what stands in it already is not made again.

    Raises SettingError where it holds what another model said, or said in another way.
    """

    def __init__(self, path: Path, made: Mapping[str, Any]) -> None:
        self.path, self.made = path, made
        self.done: set[str] = set()
        lines = self._whole() if path.exists() else []
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_aside(path) as aside:
            aside.write_text("".join(lines), encoding="utf-8")
        self._file: IO[str] = path.open("a", encoding="utf-8", newline="\n")

    def add(self, found: Described) -> None:
        """Writes a described clip's lines."""
        self._file.write("".join(f"{line(record)}\n" for record in records(found, self.made)))
        self._file.flush()

    def close(self) -> None:
        """Nothing more is written."""
        self._file.close()

    def _whole(self) -> list[str]:
        """The lines of all clips but the last, which may have been cut short."""
        lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        held: dict[str, list[str]] = {}
        for number, text in enumerate(lines, start=1):
            try:
                record = json.loads(text)
                of, said = record["of"], {name: record[name] for name in ("model", "stamp", "way")}
            except (ValueError, KeyError, TypeError):
                if number == len(lines):
                    break
                raise SettingError(f"{self.path}:{number}: no caption's line; choose another --out") from None
            if said != {name: self.made[name] for name in said}:
                raise SettingError(
                    f"{self.path}: holds what '{said['model']}' said, or in another way; choose another --out"
                )
            held.setdefault(of, []).append(text)
        if held:
            held.popitem()
        self.done = set(held)
        return [text for texts in held.values() for text in texts]


def line(record: Mapping[str, Any]) -> str:
    """A record as JSON in one line; names that are not UTF-8 are escaped."""
    text = json.dumps(record, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(record)
    return text


def _end(found: Described) -> float | None:
    clip = found.clip
    return None if clip.duration_s is None else clip.start_s + clip.duration_s
