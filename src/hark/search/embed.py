"""Sounds and sentences to vectors in one .npz file, without an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hark.core.errors import SettingError
from hark.core.files import write_aside
from hark.core.types import Vectors
from hark.runtime.model import Model
from hark.search import parts
from hark.search.parts import Parts
from hark.search.spread import AT_ONCE, Chosen, Job, Made, embed_one, embed_with_ray, jobs_of
from hark.search.walk import Fault, root_of, walk


@dataclass(frozen=True)
class Embedded:
    """What was embedded by which model, and what could not be read."""

    model: str
    stamp: str
    files: tuple[str, ...]
    vectors: Vectors
    texts: tuple[str, ...]
    text_vectors: Vectors
    logits: NDArray[np.float32] | None
    unreadable: tuple[Fault, ...]


def embed_files(
    model: Model,
    paths: Sequence[Path],
    texts: Sequence[str] = (),
    *,
    labels: bool = False,
    ray: Chosen | None = None,
    out: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Embedded:
    """One unit vector for each sound of `paths` (files, or folders with all below them) and for each sentence.

    With `ray`, which says how to load the same model elsewhere, sounds are embedded in processes of Ray Data's. With
    `out`, where `save` is going to write, what is done is kept in a folder beside it until then: a run that was killed
    goes on, and ends with the same bytes.

    Raises SettingError where a path is missing, or `labels` are asked of a model without any.
    """
    files, faults = _sounds(paths)
    folder = None if out is None else Parts.of(parts.folder_of(out), model, labels=labels)
    made = _made(model, files, labels=labels, ray=ray, folder=folder, progress=progress)
    faults += [Fault(file, one.fault) for file, one in zip(files, made, strict=True) if one.fault is not None]
    rows = [one.vector for one in made if one.vector is not None]
    logits = [one.logits for one in made if one.logits is not None]
    return Embedded(
        model=model.name,
        stamp=model.stamp,
        files=tuple(file for file, one in zip(files, made, strict=True) if one.fault is None),
        vectors=np.stack(rows) if rows else np.zeros((0, model.dim), np.float32),
        texts=tuple(texts),
        text_vectors=model.embed_text(list(texts)) if texts else np.zeros((0, model.dim), np.float32),
        logits=np.stack(logits) if logits else None,
        unreadable=tuple(sorted(faults, key=lambda fault: fault.path)),
    )


def save(path: Path, made: Embedded) -> None:
    """Writes the vectors as a .npz file, whole or not at all; what `embed_files` kept for it is removed."""
    arrays: dict[str, Any] = {
        "files": np.array(made.files, dtype=np.str_),
        "vectors": made.vectors,
        "texts": np.array(made.texts, dtype=np.str_),
        "text_vectors": made.text_vectors,
        "model": np.array(made.model),
        "stamp": np.array(made.stamp),
    }
    if made.logits is not None:
        arrays["logits"] = made.logits
    with write_aside(path) as aside, aside.open("wb") as file:
        np.savez(file, **arrays)
    parts.remove(parts.folder_of(path))


def _made(
    model: Model,
    files: Sequence[str],
    *,
    labels: bool,
    ray: Chosen | None,
    folder: Parts | None,
    progress: Callable[[int, int], None] | None,
) -> list[Made]:
    """What became of each file, in their order; what the folder of parts keeps is not done again."""
    made: dict[int, Made] = {}
    todo: dict[int, Job] = {}
    places: dict[int, Path] = {}
    for job in jobs_of(files):
        kept = None
        if folder is not None:
            places[job.number] = folder.place(job)
            kept = parts.read(places[job.number])
        if kept is None:
            todo[job.number] = job
        else:
            made.update(enumerate(kept, start=job.number))
    jobs = list(todo.values())
    found = _one_by_one(model, jobs, labels=labels) if ray is None else embed_with_ray(ray, jobs, labels=labels)
    for at, one in found:
        if labels and one.fault is None and one.logits is None:
            raise SettingError(f"'{model.name}' has no labels; leave --labels out")
        made[at] = one
        job = todo[at - at % AT_ONCE]
        whole = [made[n] for n in range(job.number, job.number + len(job.files)) if n in made]
        if job.number in places and len(whole) == len(job.files) and len(made) < len(files):
            parts.write(places[job.number], whole)
        if progress is not None:
            progress(len(made), len(files))
    return [made[place] for place in range(len(files))]


def _one_by_one(model: Model, jobs: Sequence[Job], *, labels: bool) -> Iterator[tuple[int, Made]]:
    """(a file's place, what became of it), in this process."""
    for job in jobs:
        for place, file in enumerate(job.files, start=job.number):
            yield place, embed_one(model, file, labels=labels)


def _sounds(paths: Sequence[Path]) -> tuple[list[str], list[Fault]]:
    files: list[str] = []
    faults: list[Fault] = []
    for path in paths:
        if path.is_dir():
            walked = walk(root_of(path))
            files += [found.path for found in walked.files]
            faults += walked.faults
        elif path.exists():
            files.append(str(path))
        else:
            raise SettingError(f"{path}: no such file or folder")
    return files, faults
