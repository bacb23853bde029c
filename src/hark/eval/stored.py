"""Vectors in a .npy file, written and read in blocks: as many as the disk holds, not the memory."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from hark.core.errors import DataError
from hark.core.files import write_aside
from hark.core.types import Vectors
from hark.data.records import Clip
from hark.eval.embed import Embedder, Progress, embed_clip, refuse_missing


class Rows(Protocol):
    """Vectors that can be asked for by place; an array is, and so is `Stored`."""

    def __len__(self) -> int:
        """How many."""

    def __getitem__(self, at: NDArray[np.int64], /) -> Vectors:
        """(places, dim) those at these places."""


class Stored:
    """The vectors of a .npy file of float32, of which only those asked for are read.

    Not a `numpy.memmap`, whose pages the system counts as ours, and keeps, for as long as it likes.
    """

    def __init__(self, path: Path) -> None:
        """Reads the head of the file. Raises DataError where it holds no float32 vectors."""
        self.path = path
        try:
            with path.open("rb") as file:
                version = npy.read_magic(file)
                read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
                shape, fortran, dtype = read(file)
                self._start = file.tell()
        except (OSError, ValueError) as error:
            raise DataError(
                f"{path}: not a .npy file that can be read ({error}); remove it and evaluate again"
            ) from error
        if len(shape) != 2 or fortran or dtype != np.float32:
            raise DataError(f"{path}: {dtype} of shape {shape}; float32 vectors (n, dim) are needed")
        if path.stat().st_size < self._start + 4 * shape[0] * shape[1]:
            raise DataError(f"{path}: cut off; remove it and evaluate again")
        self.shape: tuple[int, int] = shape

    def __len__(self) -> int:
        """How many vectors."""
        return self.shape[0]

    def __getitem__(self, at: NDArray[np.int64], /) -> Vectors:
        """(places, dim) the vectors at these places; neighbours are read together."""
        found = np.empty((len(at), self.shape[1]), dtype=np.float32)
        edges = np.flatnonzero(np.diff(at, prepend=-2) != 1)
        with self.path.open("rb") as file:
            for start, stop in zip(edges, [*edges[1:], len(at)], strict=True):
                file.seek(self._start + 4 * self.shape[1] * int(at[start]))
                read = np.fromfile(file, dtype=np.float32, count=(stop - start) * self.shape[1])
                found[start:stop] = read.reshape(stop - start, self.shape[1])
        if not np.isfinite(found).all():
            raise DataError(f"{self.path}: a vector is not finite; remove the file and evaluate again")
        return found


def store_clips(model: Embedder, clips: Sequence[Clip], folder: Path, *, progress: Progress | None = None) -> Stored:
    """The clips' vectors in a file of `folder`, of which those are embedded that are not there yet.

    The file's name tells the model and the clips (ids, files' sizes and dates, in order), so that vectors of others are
    never taken for theirs. An interrupted run is gone on with.

    Raises as `hark.eval.embed.embed_clips`.
    """
    refuse_missing(clips)
    path = folder / f"clips-{_key(model, clips)}.npy"
    if path.is_file():
        return Stored(path)
    folder.mkdir(parents=True, exist_ok=True)
    begun = path.with_suffix(".part")
    first = embed_clip(model, clips[0])
    with begun.open("ab") as file:
        head, size = _head(len(clips), first.shape[1]), 4 * first.shape[1]
        done = max(0, file.tell() - len(head)) // size
        if done == 0:
            file.truncate(0)
            file.write(head + _bytes(first))
            done = 1
        else:
            file.truncate(len(head) + done * size)
        for number, clip in enumerate(clips[done:], start=done + 1):
            file.write(_bytes(embed_clip(model, clip)))
            if progress is not None:
                progress(number, len(clips))
        file.flush()
        os.fsync(file.fileno())
    begun.replace(path)
    return Stored(path)


def save_vectors(path: Path, vectors: Vectors) -> None:
    """Writes a .npy file that `Stored` reads, whole or not at all."""
    with write_aside(path) as aside, aside.open("wb") as file:
        file.write(_head(*vectors.shape) + _bytes(vectors))


def _key(model: Embedder, clips: Sequence[Clip]) -> str:
    digest = hashlib.sha256(model.stamp.encode())
    for clip in clips:
        told = clip.path.stat()
        row = [clip.id, str(clip.path), told.st_size, told.st_mtime_ns, clip.start_s, clip.duration_s]
        digest.update(json.dumps(row).encode() + b"\n")
    return digest.hexdigest()[:16]


def _head(number: int, dim: int) -> bytes:
    file = io.BytesIO()
    npy.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (number, dim)})
    return file.getvalue()


def _bytes(vectors: Vectors) -> bytes:
    return np.ascontiguousarray(vectors, dtype="<f4").tobytes()
