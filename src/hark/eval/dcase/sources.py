"""What a submission is about: the queries, word by word as they were published, and the files that are searched."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hark.audio.suffixes import known_suffixes
from hark.core.errors import DataError
from hark.data import manifest
from hark.data.records import Clip

RETRIEVAL = ("retrieval_captions.csv", "retrieval_audio")
CLOTHO = ("clotho_captions_evaluation.csv", "evaluation")
_TEXT_COLUMN = re.compile(r"caption(_\d+)?|query")
_FILE_COLUMNS = ("file_name", "filename", "file", "path")


@dataclass(frozen=True)
class Queries:
    """The distinct texts with their `places` ("queries.csv:7"), in order, and the files that answer each, if told.

    A text that stands twice is one query, as in the official script, which keys everything by the text.
    """

    places: Mapping[str, str]
    relevant: Mapping[str, tuple[str, ...]] | None

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts."""
        return tuple(self.places)


@dataclass(frozen=True)
class Asked:
    """Everything that a system needs to know: clips, the published names of their files, and the queries."""

    clips: tuple[Clip, ...]
    files: tuple[str, ...]
    queries: Queries


def from_folder(folder: Path, *, queries: Path | None = None) -> Asked:
    """What is in a folder as published: `retrieval_captions.csv` and `retrieval_audio/`, or Clotho's evaluation split.

    Raises DataError.
    """
    for table, sounds in (RETRIEVAL, CLOTHO):
        tables = _first(folder / "clotho_csv_files" / table, folder / table)
        audio = _first(folder / "clotho_audio_files" / sounds, folder / sounds)
        if audio.is_dir() and (queries is not None or tables.is_file()):
            paths = sorted(path for path in audio.iterdir() if path.suffix.lower() in known_suffixes())
            if not paths:
                raise DataError(f"{audio}: no sounds in it; unpack the challenge's archive there")
            clips = tuple(Clip(id=path.name, path=path) for path in paths)
            return _asked(clips, read_queries(queries or tables))
    wanted = " or ".join(f"{table} and {sounds}/" for table, sounds in (RETRIEVAL, CLOTHO))
    raise DataError(f"{folder}: neither {wanted} in it; give the folder of the evaluation set")


def from_manifest(path: Path, *, where: Mapping[str, str] | None = None, queries: Path | None = None) -> Asked:
    """The clips of a manifest; their captions are the queries unless a file of queries is given.

    Raises DataError.
    """
    clips = tuple(manifest.read(path, where=where))
    names = {clip.id: file_name(clip) for clip in clips}
    if queries is not None:
        asked = read_queries(queries)
        if asked.relevant is not None:  # queries in .jsonl name clips by their ids
            told = {text: tuple(names.get(one, one) for one in found) for text, found in asked.relevant.items()}
            asked = Queries(asked.places, told)
        return _asked(clips, asked)
    relevant: dict[str, tuple[str, ...]] = {}
    for clip in clips:
        for text in clip.captions:
            relevant[text] = tuple(dict.fromkeys((*relevant.get(text, ()), names[clip.id])))
    if not relevant:
        raise DataError(f"{path}: no clip has a caption; give the queries, with --queries")
    return _asked(clips, Queries(dict.fromkeys(relevant, path.name), relevant))


def file_name(clip: Clip) -> str:
    """The name of the clip's file as it was published: the end of its id where that names a sound, or its path's."""
    return _published_name(clip.id, clip.path.name)


def read_queries(path: Path) -> Queries:
    """The queries in a file.

    A .csv has a column `caption`, Clotho's `caption_1` to `caption_5` beside `file_name` (which answers them), or
    `query` beside `audio_filenames`, a list (DCASE 2025's relevance). A .jsonl is of queries and ids (`hark eval
    --queries`) or a manifest; any other file has one query a line.

    Raises DataError, which names the line.
    """
    places: dict[str, str] = {}
    relevant: dict[str, tuple[str, ...]] = {}
    for place, text, found in _queries(path):
        places.setdefault(text, place)
        relevant[text] = tuple(dict.fromkeys((*relevant.get(text, ()), *found)))
    if not places:
        raise DataError(f"{path}: no queries in it; one a line, or a .csv with a column 'caption'")
    return Queries(places, relevant if all(relevant.values()) else None)


def read_files(path: Path) -> tuple[str, ...]:
    """The names of the files that are searched: a folder's sounds, a column of a .csv, a manifest's, or one a line.

    Raises DataError.
    """
    if path.is_dir():
        found = sorted(one.name for one in path.iterdir() if one.suffix.lower() in known_suffixes())
    elif path.suffix.lower() == ".jsonl":
        found = [file_name(clip) for clip in manifest.read(path)]
    elif path.suffix.lower() == ".csv":
        header, rows = _table(path)
        column = next((name for name in _FILE_COLUMNS if name in header), None)
        if column is None:
            raise DataError(f"{path.name}:1: no column 'file_name' (found: {', '.join(header)}); name it so")
        found = [row[header.index(column)].rsplit("/", 1)[-1] for _, row in rows]
    else:
        found = [line.removesuffix("\r") for line in _text(path).split("\n") if line.strip()]
    if not found:
        raise DataError(f"{path}: no names of sounds in it")
    return tuple(dict.fromkeys(found))


def _asked(clips: Sequence[Clip], queries: Queries) -> Asked:
    files: dict[str, Clip] = {}
    for clip in clips:
        other = files.setdefault(file_name(clip), clip)
        if other is not clip:
            raise DataError(f"clips '{other.id}' and '{clip.id}' are both called '{file_name(clip)}' in a submission")
    for text, found in (queries.relevant or {}).items():
        for name in found:
            if name not in files:
                raise DataError(f"{queries.places[text]}: '{name}' answers \"{text}\" and is not among the clips")
    return Asked(tuple(clips), tuple(files), queries)


def _published_name(name: str, path: str) -> str:
    end = name.rsplit("/", 1)[-1]
    return end if Path(end).suffix.lower() in known_suffixes() else path.rsplit("/", 1)[-1]


def _queries(path: Path) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    suffix = path.suffix.lower()
    if suffix == ".jsonl":
        yield from _of_lines(path)
    elif suffix == ".csv":
        yield from _of_table(path)
    else:
        for number, line in enumerate(_text(path).split("\n"), start=1):
            if line.strip():
                yield f"{path.name}:{number}", line.removesuffix("\r"), ()


def _of_table(path: Path) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    header, rows = _table(path)
    columns = [at for at, name in enumerate(header) if _TEXT_COLUMN.fullmatch(name)]
    if not columns:
        raise DataError(f"{path.name}:1: no column 'caption' (found: {', '.join(header)}); name it so")
    for line, row in rows:
        place = f"{path.name}:{line}"
        if "audio_filenames" in header:
            found = _names(row[header.index("audio_filenames")], place)
        else:
            found = (row[header.index("file_name")],) if "file_name" in header else ()
        yield from ((place, row[at], found) for at in columns if row[at].strip())


def _of_lines(path: Path) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{path.name}:{number}"
        try:
            told: Any = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{place}: not JSON ({error.msg})") from None
        if isinstance(told, dict) and isinstance(told.get("query"), str):
            yield place, told["query"], _strings(told.get("relevant"))
        elif isinstance(told, dict) and "captions" in told:
            name = _published_name(str(told.get("id") or told.get("path")), str(told.get("path")))
            yield from ((place, text, (name,)) for text in _strings(told["captions"]))
        else:
            raise DataError(f"{place}: neither a 'query' nor 'captions'; see `hark eval --queries`")


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _names(cell: str, place: str) -> tuple[str, ...]:
    """The list in a cell of DCASE 2025's relevance, written as Python writes one."""
    try:
        found = ast.literal_eval(cell)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        found = None
    if not isinstance(found, list | tuple) or not found or not all(isinstance(one, str) for one in found):
        raise DataError(f"{place}: audio_filenames is {cell[:60]!r}; give a list, such as ['a.wav', 'b.wav']")
    return tuple(found)


def _table(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header and, with the line on which each begins, the rows of a .csv, every space as it is."""
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    rows: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for row in reader:
            if row:
                rows.append((line, row))
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{path.name}:{line}: not CSV ({error})") from None
    if not rows:
        raise DataError(f"{path}: empty")
    header = rows[0][1]
    for at, row in rows[1:]:
        if len(row) != len(header):
            raise DataError(f"{path.name}:{at}: {len(row)} cells under {len(header)} columns; quote what has a comma")
    return header, rows[1:]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None


def _first(*paths: Path) -> Path:
    return next((path for path in paths if path.exists()), paths[-1])
