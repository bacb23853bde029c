"""Manifests: which sounds there are and what is said of them, one JSON line per clip; reads tables as well."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hark.core.errors import DataError, SettingError
from hark.core.files import write_aside
from hark.core.settings import suggest
from hark.data import rows
from hark.data.records import Clip
from hark.data.rows import Row

PATHS = (
    "path",
    "file",
    "filename",
    "file_name",
)  # the first of them that a row has is the sound, the others stay extra
_CAPTION = re.compile(r"captions?|caption_(\d+)")
_TAKEN = re.compile(r"id|path|captions?|caption_\d+|labels?|start_s")


@dataclass(frozen=True)
class Query:
    """A text and the ids of the clips that answer it."""

    text: str
    relevant: tuple[str, ...]


def read(path: Path, *, where: Mapping[str, str] | None = None, folder: Path | None = None) -> list[Clip]:
    """The clips of a manifest (.jsonl), or of a table (.csv, .tsv, .json) with the same names as its columns.

    A row gives the sound's file (`path`, `file`, `filename` or `file_name`; relative to `folder`, which is the
    manifest's own unless given), captions (`caption`, `captions`, `caption_1` ...), labels (`label`, or `labels` with
    `;` between them) and an `id`, which is the path as written where there is none. With `start_s` the clip is a
    stretch of the file, `duration_s` long; without it `duration_s` is only told. All else goes to `extra`. In a table
    several rows of one sound are one clip with all their captions and the extra of the first.

    `where` keeps the rows whose column has the value ("4"), one of several ("4,5"), or not ("!=4"); a value that stands
    in the column with its comma is meant whole.

    Raises DataError, which names the line.
    """
    kept = _kept(rows.read(path), where or {}, path.name)
    clips: dict[str, Clip] = {}
    places: dict[str, str] = {}
    for row in kept:
        clip = _clip(row, folder or path.parent)
        first = clips.get(clip.id)
        if first is None:
            clips[clip.id], places[clip.id] = clip, row.place
        elif path.suffix.lower() in rows.DELIMITERS and _adds(clip, first):
            labels = tuple(dict.fromkeys(first.labels + clip.labels))
            clips[clip.id] = dataclasses.replace(first, captions=first.captions + clip.captions, labels=labels)
        else:
            raise DataError(f"{row.place}: '{clip.id}' stands at {places[clip.id]} already; give each clip its own id")
    return list(clips.values())


def write(path: Path, clips: Iterable[Clip]) -> None:
    """Writes a manifest (.jsonl) that `read` reads back; paths below its folder are written relative to it.

    Raises DataError for two clips of one id, or an extra whose name means something else in a manifest.
    """
    if path.suffix.lower() != ".jsonl":
        raise DataError(f"{path}: a manifest is a .jsonl file; name it {path.stem}.jsonl")
    seen = set()
    with write_aside(path) as aside, aside.open("w", encoding="utf-8", newline="\n") as file:
        for clip in clips:
            if clip.id in seen:
                raise DataError(f"{path.name}: two clips have the id '{clip.id}'; give each its own")
            seen.add(clip.id)
            file.write(_line(_record(clip, path)) + "\n")


def read_queries(path: Path) -> list[Query]:
    """The queries of a .jsonl file with lines {"query": "a dog barks", "relevant": ["id", ...]}.

    Raises DataError, which names the line.
    """
    queries = []
    for row in rows.read(path):
        text, relevant = row.values.get("query"), row.values.get("relevant")
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"{row.place}: no 'query'; give the words to look for")
        if not isinstance(relevant, list) or not relevant or not all(isinstance(name, str) for name in relevant):
            raise DataError(f"{row.place}: no 'relevant'; give a list of the ids that answer the query")
        queries.append(Query(text, tuple(relevant)))
    return queries


def parse_where(conditions: Sequence[str]) -> dict[str, str]:
    """The `where` of `read` from texts like "fold=4", "fold=4,5" or "fold!=4", all of which must hold.

    Raises SettingError.
    """
    where: dict[str, str] = {}
    for condition in conditions:
        column, equals, value = condition.partition("=")
        if column.endswith("!"):
            column, value = column[:-1], f"!={value}"
        column = column.strip()
        if not equals or not column:
            raise SettingError(f"where '{condition}': give column=value, column=one,other or column!=value")
        if column in where:
            raise SettingError(f"where '{condition}': '{column}' is asked twice; give its values as {column}=one,other")
        where[column] = value.strip()
    return where


def require_files(clips: Iterable[Clip], listed_by: Path) -> None:
    """Sees that every clip's file is there.

    Raises DataError, with the first one that is not.
    """
    missing = [clip.path for clip in clips if not clip.path.is_file()]
    if missing:
        count = "1 file is" if len(missing) == 1 else f"{len(missing)} files are"
        raise DataError(
            f"{listed_by}: {count} listed but not there, first {missing[0]}; check the folder or download it"
        )


def _kept(table: list[Row], where: Mapping[str, str], name: str) -> list[Row]:
    columns = {column for row in table for column in row.values} if where else set()
    kept = table
    for column, value in where.items():
        if column not in columns:
            raise DataError(f"{name}: where '{column}': no such column; {suggest(column, columns)}")
        known = {text for row in table for text in _texts_of(row.values.get(column))}
        no, asked = str(value).startswith("!="), str(value).removeprefix("!=")
        accepted = {asked} if asked in known else {part.strip() for part in asked.split(",")}
        kept = [row for row in kept if accepted.isdisjoint(_texts_of(row.values.get(column))) == no]
    if not kept:
        asked = " and ".join(f"{column}{'' if str(v).startswith('!=') else '='}{v}" for column, v in where.items())
        found = sorted({text for column in where for row in table for text in _texts_of(row.values.get(column))})
        shown = ", ".join(repr(text) for text in found[:12]) + (", ..." if len(found) > 12 else "")
        raise DataError(f"{name}: no row where {asked}; found: {shown}")
    return kept


def _texts_of(value: Any) -> list[str]:
    return [_as_text(item) for item in value] or [""] if isinstance(value, list) else [_as_text(value)]


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _clip(row: Row, folder: Path) -> Clip:
    rest = {key: value for key, value in row.values.items() if value is not None}
    key = next((name for name in PATHS if name in row.values), None)
    written = rest.pop(key, None) if key else None
    if not isinstance(written, str) or not written.strip():
        names = ", ".join(row.values) or "nothing"
        raise DataError(f"{row.place}: no 'path'; give the sound's file as {' or '.join(PATHS)} (found: {names})")
    name = rest.pop("id", written)
    if not isinstance(name, str) or not name:
        raise DataError(f"{row.place}: 'id' is {name!r}; give a text")
    numbered = [(int(found[1] or 0), key) for key in rest if (found := _CAPTION.fullmatch(key))]
    captions = [text for _, key in sorted(numbered) for text in _texts(row, key, rest.pop(key))]
    labels = _texts(row, "label", rest.pop("label", []))
    several = rest.pop("labels", [])
    if isinstance(several, str):
        several = [label.strip() for label in several.split(";")]
    labels += _texts(row, "labels", several)
    start_s, duration_s = 0.0, None
    if "start_s" in rest:
        start_s = _seconds(row, "start_s", rest.pop("start_s"))
        if "duration_s" in rest:
            duration_s = _seconds(row, "duration_s", rest.pop("duration_s"))
    return Clip(
        id=name,
        path=folder / written,
        captions=tuple(captions),
        labels=tuple(labels),
        start_s=start_s,
        duration_s=duration_s,
        extra={key: _as_text(value) for key, value in rest.items()},
    )


def _texts(row: Row, key: str, value: Any) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise DataError(f"{row.place}: '{key}' is {value!r}; give a text or a list of texts")
    return [text for text in texts if text.strip()]


def _seconds(row: Row, key: str, value: Any) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number >= 0 and (number > 0 or key == "start_s")):
        raise DataError(f"{row.place}: '{key}' is {value!r}; give seconds as a number")
    return number


def _adds(clip: Clip, first: Clip) -> bool:
    same = (clip.path, clip.start_s, clip.duration_s) == (first.path, first.start_s, first.duration_s)
    return same and (bool(clip.captions) or not set(clip.labels) <= set(first.labels))


def _record(clip: Clip, manifest: Path) -> dict[str, Any]:
    file, folder = clip.path.absolute(), manifest.parent.absolute()
    written = file.relative_to(folder) if file.is_relative_to(folder) else file
    record: dict[str, Any] = {
        "id": clip.id,
        "path": written.as_posix(),
        "captions": list(clip.captions),
        "labels": list(clip.labels),
    }
    if clip.start_s or clip.duration_s is not None:
        record["start_s"] = clip.start_s
        if clip.duration_s is not None:
            record["duration_s"] = clip.duration_s
    for key in clip.extra:
        if _TAKEN.fullmatch(key) or (key == "duration_s" and "start_s" in record):
            raise DataError(f"{manifest.name}: clip '{clip.id}': an extra cannot be named '{key}'; rename it")
    return record | dict(clip.extra)


def _line(record: Mapping[str, Any]) -> str:
    line = json.dumps(record, ensure_ascii=False)
    try:
        line.encode()
    except UnicodeEncodeError:  # a file's name need not be UTF-8; JSON's escapes carry it all the same
        return json.dumps(record)
    return line
