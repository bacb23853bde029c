"""Reads lists of excluded clips, ours and published ones, line by line.

A list of ours is a text file. Its first line is "# hark exclusions 1"; each other line is one of these, and after a
space and # why:

    id:CORPUS/ID                            a clip of a corpus; a name of two words is written with %20
    freesound:ID                            every clip of this Freesound recording
    youtube:ID or youtube:ID#t=30,40        every clip of this video, or of these seconds of it
    sha256:HASH or sha256:HASH?bytes=SIZE   every clip of a file with these bytes; with #t=30,40 of these seconds of it
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hark.core.errors import DataError
from hark.data import rows

HEADER = "# hark exclusions 1"
TOKEN = re.compile(
    r"(?P<kind>id|freesound|youtube|sha256):(?P<name>[^\s#?]+)(\?bytes=(?P<size>\d+))?"
    r"(#t=(?P<start>\d+(\.\d+)?),(?P<end>\d+(\.\d+)?)?)?"
)
_VIDEO = re.compile(r"Y([\w-]{11})\.wav")  # as WavCaps names sounds of AudioSet
_LOST = "Not found"  # stands among the Freesound ids of WavCaps and of DCASE
_SOUND_IDS = ("sound_id", "freesound_id")  # the columns of the DCASE challenge's lists


@dataclass(frozen=True)
class Line:
    """What is excluded ("freesound:1234"), and why, in words."""

    token: str
    why: str


def lines_of(path: Path) -> Iterator[Line]:
    """What a file excludes: our text file, WavCaps' blacklist (.json), the DCASE challenge's Freesound ids (.csv).

    Raises DataError, which names the line.
    """
    if path.suffix.lower() == ".json":
        yield from _wavcaps(path)
    elif path.suffix.lower() == ".csv":
        yield from _dcase(path)
    else:
        yield from _own(path)


def _own(path: Path) -> Iterator[Line]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if not lines or lines[0].strip() != HEADER:
        raise DataError(f"{path}: not an exclusion list; `hark data check --out` writes one, with '{HEADER}' on top")
    for number, line in enumerate(lines, start=1):
        token, _, why = line.strip().partition(" ")
        if token and not token.startswith("#"):
            if TOKEN.fullmatch(token) is None or (token.startswith("id:") and "/" not in token):
                raise DataError(
                    f"{path.name}:{number}: '{token}'; give id:CORPUS/ID, freesound:ID, youtube:ID or sha256:HASH"
                )
            yield Line(token, why.strip().removeprefix("#").strip() or f"{path.name}:{number}")


def _wavcaps(path: Path) -> Iterator[Line]:
    why = f"listed by {path.name}"
    for row in rows.read(path):
        part, names = row.values.get("path"), row.values.get("captions")
        if part not in ("AudioSet", "FreeSound") or not isinstance(names, list):
            raise DataError(f'{row.place}: not WavCaps\' {{"AudioSet": [...], "FreeSound": [...]}}; found: {part}')
        for name in map(str, names):
            found = _VIDEO.fullmatch(name)
            if part == "AudioSet" and found:
                yield Line(f"youtube:{found[1]}", why)
            elif part == "FreeSound" and name.removesuffix(".wav").isdigit():
                yield Line(f"freesound:{name.removesuffix('.wav')}", why)
            elif name != _LOST:
                raise DataError(f"{row.place}: '{name}' is no id of {part}")


def _dcase(path: Path) -> Iterator[Line]:
    for row in rows.read(path):
        found = next((row.values[column] for column in _SOUND_IDS if row.values.get(column)), None)
        if found == _LOST:
            continue
        if not isinstance(found, str) or not found.isdigit():
            raise DataError(f"{row.place}: no Freesound id; a column {' or '.join(_SOUND_IDS)} is expected")
        yield Line(f"freesound:{found}", f"listed by {path.name}")
