"""What the corpora of sounds and scenes share: tables without a header line, stretches of videos, events in a clip."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from hark.core.errors import DataError
from hark.data.card import Card
from hark.data.corpora import _published
from hark.data.records import Clip
from hark.data.rows import Row
from hark.data.whole import whole


def headless(path: Path, columns: Sequence[str], *, delimiter: str = "\t", comment: str = "") -> Iterator[Row]:
    """The rows of a table in UTF-8 that has no header line; `columns` names its cells, the last of them may be missing.

    White space around a cell is left out; an empty cell is None. Lines that begin with `comment` are passed over.

    Raises DataError, which names the line.
    """
    reader = csv.reader(
        io.StringIO(_published.text(path), newline=""),
        delimiter=delimiter,
        quoting=csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL,
        skipinitialspace=True,
        strict=True,
    )
    line = 1
    try:
        for cells in reader:
            place, line = f"{path.name}:{line}", reader.line_num + 1
            if not any(cells) or (comment and cells[0].startswith(comment)):
                continue
            if not len(columns) - 1 <= len(cells) <= len(columns):
                raise DataError(f"{place}: {len(cells)} cells, not {len(columns)} ({', '.join(columns)})")
            yield Row(place, {name: cell.strip() or None for name, cell in zip(columns, cells, strict=False)})
    except csv.Error as error:
        raise DataError(f"{path.name}:{line}: {error}") from None


def seconds(row: Row, column: str) -> float:
    """A number of seconds.

    Raises DataError.
    """
    return _published.number(row.text(column), row.place, column)


def video(row: Row, column: str = "youtube_id") -> str:
    """A video's id, 11 characters.

    Raises DataError.
    """
    found = row.text(column)
    if len(found) != 11:
        raise DataError(f"{row.place}: {column} '{found}' has {len(found)} characters, not 11")
    return found


def in_words(name: str) -> str:
    """A class as it would be said: "street_pedestrian" is "street pedestrian"."""
    return " ".join(name.replace("_", " ").split())


def file_names(video_id: str, start_s: float, end_s: float, *, alone: bool = True) -> tuple[str, ...]:
    """The names without ending that people give a stretch of a video, the most telling first.

    For ID from 30 to 40 s: ID_30.000_40.000, ID_30_40, ID_30000_40000, ID_000030_000040, ID_30.000, ID_30, ID_30000,
    ID_000030, ID; and all of them with a "Y" before, as command line tools dislike names that begin with "-". The name
    ID could be any stretch of the video: it counts only where the corpus has no other of it (`alone`).
    """
    spans = [f"{start_s:.3f}_{end_s:.3f}", f"{1000 * start_s:.0f}_{1000 * end_s:.0f}"]
    starts = [f"{start_s:.3f}", f"{1000 * start_s:.0f}"]
    if start_s.is_integer() and end_s.is_integer():
        spans += [f"{start_s:.0f}_{end_s:.0f}", f"{start_s:06.0f}_{end_s:06.0f}"]
        starts += [f"{start_s:.0f}", f"{start_s:06.0f}"]
    named = [f"{video_id}_{stretch}" for stretch in (*spans, *starts)] + [video_id] * alone
    return (*named, *(f"Y{name}" for name in named))


def told(video_id: str, start_s: float) -> dict[str, str]:
    """The extras of a stretch of a video."""
    return {"youtube_id": video_id, "youtube_start_s": f"{start_s:g}"}


def events(said: Iterable[tuple[str, float, float]]) -> str:
    """What is heard when (label, start, end in seconds of the clip), each once, as an extra: a JSON list of objects."""
    found = [{"label": label, "start_s": start_s, "end_s": end_s} for label, start_s, end_s in dict.fromkeys(said)]
    return json.dumps(found, ensure_ascii=False)


def of_videos(
    clips: Sequence[Clip], card: Card, splits: Sequence[str], *, complete: bool, present: bool, where: Path
) -> list[Clip]:
    """`whole` for a corpus of videos, of which some are always gone: `present` leaves out clips without their sound.

    Raises DataError.
    """
    if not present:
        return whole(clips, card=card, splits=splits, complete=complete, where=where)
    return whole(present_of(clips, where)[0], card=card, splits=splits, complete=False, where=where)


def present_of(clips: Sequence[Clip], where: Path) -> tuple[list[Clip], list[Clip]]:
    """The clips whose sounds are there, and those whose are not.

    Raises DataError where none is there.
    """
    kept: list[Clip] = []
    gone: list[Clip] = []
    for clip in clips:
        (kept if clip.path.is_file() else gone).append(clip)
    if clips and not kept:
        raise DataError(f"{where}: no sound of {len(clips)} clips is there, first {clips[0].path}; check 'path'")
    return kept, gone
