"""All vectors of a library in one memory-mapped file: a cache of the database, made again whenever it is stale.

`library.f16` holds a header of 4096 bytes (a magic line, then JSON), the vectors (rows, dim) as little-endian float16,
and three small arrays. The rows stand in the order of the paths and, in a file, of the starts, so that the order of the
rows is the order in which equal scores are listed.
"""

from __future__ import annotations

import io
import itertools
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hark.core.errors import LibraryError
from hark.core.files import write_aside
from hark.index.sqlite import Database

CACHE = "library.f16"
MAGIC = b"hark vectors 1\n"
HEADER = 4096  # bytes
BATCH = 4096  # rows written at a time


@dataclass(frozen=True)
class Matrix:
    """The vectors of every window of a library at one moment."""

    tag: str
    vectors: NDArray[np.float16]  # (rows, dim)
    scales: NDArray[np.float32]  # (rows,) 1 / length: rounding to half floats makes the lengths 1 ± 0.0005
    spans: NDArray[np.int64]  # (rows,) the id of the row's window
    firsts: NDArray[np.int64]  # (files,) the first row of each file


def load(database: Database, folder: Path) -> Matrix:
    """The vectors as `database` sees them: from the cache if it is of this very state, else made from the database.

    Where the cache cannot be written, the vectors are held in memory.

    Raises LibraryError if the database's vectors are damaged.
    """
    path, tag, dim = folder / CACHE, database.tag(), database.owner().dim
    found = _open(path, tag, dim)
    if found is None:
        try:
            with write_aside(path) as aside, aside.open("wb") as file:
                _write(file, database)
            found = _open(path, tag, dim)  # None if another process has put its own state there meanwhile
        except OSError:
            found = None
    if found is None:
        memory = io.BytesIO()
        _write(memory, database)
        found = _parse(np.frombuffer(memory.getbuffer(), np.uint8), tag, dim)
        assert found is not None, "what was just written can be read"
    return found


def sweep(folder: Path) -> None:
    """Removes what writers of the cache that were killed have left."""
    for left in folder.glob(f".{CACHE}.*.part"):
        left.unlink(missing_ok=True)


def _open(path: Path, tag: str, dim: int) -> Matrix | None:
    try:
        buffer = np.memmap(path, np.uint8, mode="r")
    except (OSError, ValueError):  # ValueError: the file is empty
        return None
    return _parse(buffer, tag, dim)


def _parse(buffer: NDArray[np.uint8], tag: str, dim: int) -> Matrix | None:
    """The matrix in the bytes of a cache file; None if it is of another state, or damaged."""
    head = buffer[:HEADER].tobytes()
    if not head.startswith(MAGIC):
        return None
    try:
        said = json.loads(head[len(MAGIC) :])
        rows, files, crc = int(said["rows"]), int(said["files"]), int(said["crc32"])
        if (said["tag"], said["dim"]) != (tag, dim):
            return None
    except (KeyError, TypeError, ValueError):
        return None
    ends = list(itertools.accumulate((rows * dim * 2, rows * 8, files * 8, rows * 4), initial=HEADER))
    # the search reads every byte anyway, and reading them here first is how they come into memory
    if len(buffer) != ends[-1] or zlib.crc32(buffer[HEADER:].data) != crc:
        return None
    spans, firsts, scales = (buffer[a:b].tobytes() for a, b in itertools.pairwise(ends[1:]))
    return Matrix(
        tag=tag,
        vectors=buffer[HEADER : ends[1]].view("<f2").reshape(rows, dim),
        scales=np.frombuffer(scales, "<f4"),
        spans=np.frombuffer(spans, "<i8"),
        firsts=np.frombuffer(firsts, "<i8"),
    )


def _write(file: BinaryIO, database: Database) -> None:
    """The whole cache file, holding a batch of vectors in memory at a time."""
    dim = database.owner().dim
    spans: list[int] = []
    firsts: list[int] = []
    scales: list[bytes] = []
    last_file, crc = None, 0
    file.seek(HEADER)
    rows = database.vectors()
    while batch := list(itertools.islice(rows, BATCH)):
        for file_id, span_id, vector in batch:
            if len(vector) != dim * 2:
                raise LibraryError(f"{database.path}: window {span_id} is damaged; delete the library and index again")
            if file_id != last_file:
                firsts.append(len(spans))
                last_file = file_id
            spans.append(span_id)
        block = b"".join(vector for *_, vector in batch)
        lengths = np.linalg.norm(np.frombuffer(block, "<f2").reshape(len(batch), dim).astype(np.float32), axis=1)
        if not (np.abs(lengths - 1) < 0.1).all():  # false for NaN as well
            raise LibraryError(f"{database.path}: some vectors are damaged; delete the library and index again")
        scales.append((1 / lengths).astype("<f4").tobytes())
        file.write(block)
        crc = zlib.crc32(block, crc)
    tail = np.array(spans, "<i8").tobytes() + np.array(firsts, "<i8").tobytes() + b"".join(scales)
    file.write(tail)
    said: dict[str, Any] = {"tag": database.tag(), "dim": dim, "rows": len(spans), "files": len(firsts)}
    said["crc32"] = zlib.crc32(tail, crc)
    file.seek(0)
    file.write((MAGIC + json.dumps(said).encode()).ljust(HEADER))
