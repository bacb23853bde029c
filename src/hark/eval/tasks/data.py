"""Opens the clips of a task: below a folder of corpora, as they were published or prepared, or from a manifest."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hark.core import component
from hark.core.errors import DataError
from hark.data import manifest, rows
from hark.data.card import Card
from hark.data.records import Clip
from hark.eval.tasks.task import Ratings, Task
from hark.text.prompts import PLACE

KIND = "data.corpora"
PREPARED = "manifest.jsonl"  # what `hark data prepare` writes
_COLUMNS = {"splits": "split", "folds": "fold", "channel": "channel"}  # what a setting keeps, in a prepared manifest


@dataclass(frozen=True)
class Opened:
    """The clips of a task with the task's labels; `labels` are all that are told apart.

    `notes` say in what they are not what the published numbers were measured on.
    """

    clips: tuple[Clip, ...]
    labels: tuple[str, ...]
    notes: tuple[str, ...]


class Missing(DataError):  # noqa: N818 - it tells what the data is
    """A task whose data is not there; `get` says how to get it."""

    def __init__(self, message: str, *, get: str) -> None:
        super().__init__(message)
        self.get = get


def open_task(
    task: Task, *, data: Path | None, clips: Sequence[Clip] | None = None, folds: Sequence[str] = ()
) -> Opened:
    """The task's clips below `data`, or `clips` in their place; `folds` keeps some of the folds.

    The corpus lies at its `path` below `data`: as it was published, in the only folder in there, or prepared (with a
    `manifest.jsonl`).

    Raises Missing where it is not there or not whole, DataError for clips that do not fit the task.
    """
    found = list(clips) if clips is not None else _listed(task, data)
    found = [clip for clip in found if all(clip.extra.get(column) == value for column, value in task.where.items())]
    if not found:
        raise Missing(f"task '{task.name}': no clip of '{task.corpus['name']}' is asked for", get=how_to_get(task))
    notes = []
    if task.labelled:
        found = _labelled(task, found, data)
    labels = task.labels or tuple(sorted({label for clip in found for label in clip.labels}))
    if task.clips is not None and len(found) != task.clips:
        notes.append(f"{len(found):,} clips, published with {task.clips:,}")
    if task.classes is not None and len(labels) != task.classes:
        notes.append(f"{len(labels)} labels are told apart, published with {task.classes}")
    if folds:
        found = _of_folds(task, found, folds)
        notes.append(f"fold {', '.join(folds)} alone")
    return Opened(tuple(found), labels, tuple(notes))


def how_to_get(task: Task) -> str:
    """How to get the task's data, in one line."""
    name = str(task.corpus["name"])
    card = getattr(component.module(KIND, name), "CARD", None)
    told = []
    if isinstance(card, Card):
        fetch = f"`hark data download {name} --out DIR/{task.corpus['path']}`. " if card.archives else ""
        told.append(f"{fetch}{card.get}")
    return " ".join([*told, task.get]).strip() or f"Put it in DIR/{task.corpus['path']}."


def _listed(task: Task, data: Path | None) -> list[Clip]:
    """The corpus's clips.

    Raises Missing.
    """
    if data is None:
        raise DataError(f"task '{task.name}': give --data DIR, the folder that holds {task.corpus['path']}/")
    folder = data / str(task.corpus["path"])
    if not folder.is_dir():
        raise Missing(f"{folder}: no such folder", get=how_to_get(task))
    if (folder / PREPARED).is_file():
        return _prepared(task, folder / PREPARED)
    try:
        return _published(task, folder)
    except DataError as error:
        inner = [place for place in folder.iterdir() if place.is_dir() and not place.name.startswith(".")]
        if len(inner) == 1:  # an archive that was unpacked into a folder of its own
            try:
                return _published(task, inner[0])
            except DataError:
                pass
        raise Missing(str(error), get=how_to_get(task)) from None


def _published(task: Task, folder: Path) -> list[Clip]:
    settings: dict[str, Any] = {**task.corpus, "path": str(folder)}
    clips: list[Clip] = component.config(KIND, settings, where=f"{task.name}.toml: corpus").build()
    return clips


def _prepared(task: Task, path: Path) -> list[Clip]:
    """The clips of a prepared manifest that the corpus's settings ask for."""
    clips = manifest.read(path)
    for setting, column in _COLUMNS.items():
        wanted = task.corpus.get(setting)
        if wanted:
            values = {str(one) for one in (wanted if isinstance(wanted, list | tuple) else [wanted])}
            clips = [clip for clip in clips if clip.extra.get(column) in values]
    missing = [clip.path for clip in clips if not clip.path.is_file()]
    if missing:
        remedy = f"`hark data prepare {task.corpus['name']}` writes what is missing"
        raise Missing(f"{path}: {len(missing)} sounds are listed but not there, first {missing[0]}", get=remedy)
    return clips


def _labelled(task: Task, clips: Sequence[Clip], data: Path | None) -> list[Clip]:
    """The clips with the labels that the task is about.

    Raises DataError where a clip has none that it needs.
    """
    rated = None if task.ratings is None else _rated(task, task.ratings, data)
    column = task.label[1:-1]
    found = []
    for clip in clips:
        if rated is not None:
            if clip.id not in rated:
                raise DataError(f"task '{task.name}': no ratings of clip '{clip.id}' in its table")
            labels = rated[clip.id]
        elif task.label == PLACE:
            labels = clip.labels
        elif column in clip.extra:
            labels = tuple(label.strip() for label in clip.extra[column].split(";") if label.strip())
        else:
            raise DataError(f"task '{task.name}': clip '{clip.id}' has no '{column}', which holds its label")
        labels = tuple(dict.fromkeys(task.rename.get(label, label) for label in labels))
        if task.kind == "classes" and len(labels) != 1:
            raise DataError(f"task '{task.name}': clip '{clip.id}' has {len(labels)} labels; one is needed")
        found.append(dataclasses.replace(clip, labels=labels))
    return found


def _rated(task: Task, ratings: Ratings, data: Path | None) -> dict[str, tuple[str, ...]]:
    """The labels that are rated high enough, by the clip's id.

    Raises Missing where the table is not there, DataError where it is not one of ratings.
    """
    if data is None:
        raise DataError(f"task '{task.name}': give --data DIR, the folder that holds {ratings.file}")
    path = data / ratings.file
    if not path.is_file():
        raise Missing(f"{path}: no such file", get=how_to_get(task))
    found = {}
    for row in rows.read(path):
        columns = list(row.values)
        first = columns.index(ratings.id) + 1 + ratings.skip if ratings.id in columns else len(columns)
        if first >= len(columns):
            raise DataError(f"{row.place}: no '{ratings.id}' with ratings behind it; check the task's `ratings`")
        try:
            high = [label for label in columns[first:] if float(row.text(label)) >= ratings.at_least]
        except ValueError:
            raise DataError(f"{row.place}: a rating is not a number") from None
        found[row.text(ratings.id)] = tuple(high)
    return found


def _of_folds(task: Task, clips: Sequence[Clip], folds: Sequence[str]) -> list[Clip]:
    """The clips of some folds.

    Raises DataError where the task has no such folds.
    """
    if task.fold is None:
        raise DataError(f"task '{task.name}': has no folds; leave --fold out")
    known = sorted({clip.extra.get(task.fold) or "" for clip in clips} - {""})
    for fold in folds:
        if fold not in known:
            there = f"known: {', '.join(known)}" if known else f"no clip has a '{task.fold}'"
            raise DataError(f"task '{task.name}': no fold '{fold}'; {there}")
    return [clip for clip in clips if clip.extra.get(task.fold) in folds]
