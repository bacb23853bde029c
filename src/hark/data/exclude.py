"""Clips that must not be trained on: those that `hark data check` found, and those that others publish.

`hark.data.exclusion_lists` says what the files look like.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote

from hark.core.errors import DataError
from hark.core.files import sha256, write_text
from hark.data.exclusion_lists import HEADER, TOKEN, Line, lines_of
from hark.data.records import Clip

_USUAL_S = 10.0  # AudioSet, AudioCaps and VGGSound are cut to this
_SLACK_S = 0.05  # clips that only touch do not overlap

Seconds: TypeAlias = tuple[float, float]
Found: TypeAlias = Mapping[str, tuple[tuple[Seconds, str], ...]]  # by id or hash: when, and why


@dataclass(frozen=True)
class Exclusions:
    """What lists exclude, with the reasons: clips by corpus and id, recordings, videos, and files by their bytes."""

    clips: Mapping[tuple[str, str], str] = field(default_factory=dict)
    freesound: Mapping[str, str] = field(default_factory=dict)
    youtube: Found = field(default_factory=dict)
    files: Found = field(default_factory=dict)
    sizes: frozenset[int] | None = frozenset()  # of the files, in bytes; None: not all are known

    def excludes(self, clip: Clip, *, corpus: str | Collection[str] = ()) -> str | None:
        """Why the clip must not be used, or None; `corpus` is the name, or the names, that its corpus goes by."""
        for name in (corpus,) if isinstance(corpus, str) else corpus:
            if (name, clip.id) in self.clips:
                return self.clips[name, clip.id]
        recording = clip.extra.get("freesound_id", "")
        if recording in self.freesound:
            return self.freesound[recording]
        seen = video(clip)
        if seen is not None and seen[0] in self.youtube:
            why = _met(self.youtube[seen[0]], seen[1])
            if why is not None:
                return why
        if self.files:
            begin, length = clip.start_s, clip.duration_s
            return _met(self._of_file(clip.path), (begin, math.inf if length is None else begin + length))
        return None

    def _of_file(self, path: Path) -> tuple[tuple[Seconds, str], ...]:
        try:
            status = path.stat()
            if self.sizes is not None and status.st_size not in self.sizes:
                return ()
            return self.files.get(_hash(path, status.st_size, status.st_mtime_ns), ())
        except OSError:  # whoever opens it will say so
            return ()


def read(paths: Iterable[Path]) -> Exclusions:
    """The lists in one.

    Raises DataError, which names the line.
    """
    lines = [line for path in paths for line in lines_of(path)]
    clips: dict[tuple[str, str], str] = {}
    freesound: dict[str, str] = {}
    youtube: dict[str, tuple[tuple[Seconds, str], ...]] = {}
    files: dict[str, tuple[tuple[Seconds, str], ...]] = {}
    sizes: set[int] | None = set()
    for line in lines:
        found = TOKEN.fullmatch(line.token)
        assert found is not None, line
        name, kind = found["name"], found["kind"]
        when = float(found["start"] or 0), float(found["end"] or math.inf)
        if kind == "id":
            corpus, _, clip = name.partition("/")
            clips.setdefault((_unquoted(corpus), _unquoted(clip)), line.why)
        elif kind == "freesound":
            freesound.setdefault(name, line.why)
        elif kind == "youtube":
            youtube[name] = (*youtube.get(name, ()), (when, line.why))
        else:
            files[name.lower()] = (*files.get(name.lower(), ()), (when, line.why))
            sizes = None if sizes is None or found["size"] is None else sizes | {int(found["size"])}
    return Exclusions(clips, freesound, youtube, files, None if sizes is None else frozenset(sizes))


def write(path: Path, lines: Iterable[Line]) -> None:
    """Writes a list that `read` reads, whole or not at all."""
    kept = dict.fromkeys(f"{line.token}  # {' '.join(_printable(line.why).split())}" for line in lines)
    try:
        write_text(path, "\n".join([HEADER, *kept, ""]))
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror})") from None


def clip_token(corpus: str, name: str) -> str:
    """The token of a clip of a corpus."""
    return f"id:{_quoted(corpus).replace('/', '%2F')}/{_quoted(name)}"


def video_token(name: str, when: Seconds) -> str:
    """The token of a video's seconds, or of all of it."""
    return f"youtube:{name}{_fragment(when)}"


def file_token(clip: Clip) -> str | None:
    """The token of a clip's bytes, or None where its file cannot be read."""
    begin, length = clip.start_s, clip.duration_s
    try:
        status = clip.path.stat()
        digest = _hash(clip.path, status.st_size, status.st_mtime_ns)
    except OSError:
        return None
    return f"sha256:{digest}?bytes={status.st_size}{_fragment((begin, math.inf if length is None else begin + length))}"


def video(clip: Clip) -> tuple[str, Seconds] | None:
    """The YouTube video that a clip is of, and which seconds: 10 where nothing tells its length."""
    name = clip.extra.get("youtube_id")
    if not name:
        return None
    start = _number(clip.extra.get("youtube_start_s"))
    if start is None:
        return name, (0.0, math.inf)
    length = clip.duration_s or _number(clip.extra.get("duration_s")) or _USUAL_S
    return name, (start, start + length)


def meets(one: Seconds, two: Seconds) -> bool:
    """Whether two stretches have more than a moment in common."""
    return min(one[1], two[1]) - max(one[0], two[0]) > _SLACK_S


def parts_of(path: Path) -> tuple[str, ...]:
    """What `hark data check` calls a set by, the last of these parts or as many as it takes: "x", "train".

    They are the path without its ending, and without a file that is called "manifest".
    """
    named = path.parent if path.stem == "manifest" and path.parent.name else path.with_suffix("")
    return named.parts


def names_of(settings: Mapping[str, object], *, data: Path | None = None) -> frozenset[str]:
    """The names by which `hark data check` may have called the corpus that a recipe opens with these settings.

    With `data`, the folder that a relative path is taken from, those too that begin above the path.
    """
    path, table = str(settings.get("path") or ""), str(settings.get("table") or "")
    folder = Path(path).expanduser()
    if data is not None and path:
        folder = (data / folder).absolute()
    places = [folder.parts]
    if folder.name:
        places.append(parts_of(folder))
    if table:
        places.append(parts_of(folder / table))
    found = {"/".join(place[at:]) for place in places for at in range(len(place))}
    return frozenset((found | {str(settings.get("name") or "")}) - {""})


def _met(stretches: Iterable[tuple[Seconds, str]], when: Seconds) -> str | None:
    return next((why for stretch, why in stretches if meets(stretch, when)), None)


@functools.lru_cache(maxsize=65536)
def _hash(path: Path, size: int, mtime_ns: int) -> str:  # noqa: ARG001 - a file that changes is hashed again
    return sha256(path)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _fragment(when: Seconds) -> str:
    if when == (0.0, math.inf):
        return ""
    return f"#t={when[0]:.10g},{'' if math.isinf(when[1]) else f'{when[1]:.10g}'}"


def _quoted(text: str) -> str:
    """Without blanks and the signs that mean something here; a name that is not UTF-8 keeps its bytes."""
    return "".join(map(_percent, text))


def _percent(sign: str) -> str:
    if sign.isprintable() and not sign.isspace() and sign not in "%#?":
        return sign
    return "".join(f"%{byte:02X}" for byte in sign.encode(errors="surrogateescape"))


def _unquoted(text: str) -> str:
    return unquote(text, errors="surrogateescape")


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)
