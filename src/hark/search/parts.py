"""Keeps what is embedded already in a folder beside the output, so that a run that was killed goes on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hark.core.files import write_aside
from hark.core.provenance import made_by
from hark.runtime.model import Model
from hark.search.spread import Job, Made

VERSION = 1  # another one makes every part anew
_OURS = re.compile(r"[0-9a-f]{24}\.npz|\.[0-9a-f]{24}\.npz\..*\.part")


def folder_of(out: Path) -> Path:
    """Where the parts of an output lie until it is whole."""
    return out.with_name(f"{out.name}.parts")


@dataclass(frozen=True)
class Parts:
    """The parts of one output. A part goes by all that it depends on: model, settings, and its files as they are now.

    So a part of other files, of files that have changed, or of another model is not found, and made again.
    """

    folder: Path
    made_with: tuple[object, ...]

    @staticmethod
    def of(folder: Path, model: Model, *, labels: bool) -> Parts:
        """The parts in `folder` that this model makes; with `labels` with logits."""
        published = None if model.original is None else (repr(model.recipe.compat), model.seed)
        made_with = (VERSION, made_by(), model.name, model.stamp, str(model.device), published, labels)
        return Parts(folder, made_with)

    def place(self, job: Job) -> Path:
        """The file of a job's part; asked before the job is done, so that a sound that changes meanwhile is new."""
        told = (*self.made_with, [(file, *_state(file)) for file in job.files])
        return self.folder / f"{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:24]}.npz"


def read(place: Path) -> tuple[Made, ...] | None:
    """What became of a job's files, in their order, or None where that is not kept."""
    try:
        with place.open("rb") as file, np.load(file) as part:
            vectors, faults, logits = part["vectors"], part["faults"].tolist(), part.get("logits", [])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    rows, said = iter(vectors), iter(logits)
    return tuple(Made(None, None, fault) if fault else Made(next(rows), next(said, None), None) for fault in faults)


def write(place: Path, made: Sequence[Made]) -> None:
    """Keeps what became of a job's files, whole or not at all."""
    rows = [one.vector for one in made if one.vector is not None]
    logits = [one.logits for one in made if one.logits is not None]
    arrays: dict[str, Any] = {
        "faults": np.array([one.fault or "" for one in made], dtype=np.str_),
        "vectors": np.stack(rows) if rows else np.zeros((0, 0), np.float32),
    }
    if logits:
        arrays["logits"] = np.stack(logits)
    with write_aside(place) as aside, aside.open("wb") as file:
        np.savez(file, **arrays)


def remove(folder: Path) -> None:
    """Removes the parts of an output, and their folder unless something else is in it."""
    with contextlib.suppress(OSError):
        for file in folder.iterdir():
            if _OURS.fullmatch(file.name):
                file.unlink(missing_ok=True)
        folder.rmdir()


def _state(file: str) -> tuple[int, ...]:
    """Its size in bytes and when it changed; nothing where that cannot be known."""
    try:
        status = os.stat(file)  # noqa: PTH116 - fast
    except (OSError, ValueError):
        return ()
    return status.st_size, status.st_mtime_ns
