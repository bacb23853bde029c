"""Keeps the vectors that a model made of clips and texts on disk, so that no evaluation makes them twice.

One small database for each model (its stamp), in a folder that holds nothing else and may be deleted at any time. A
clip's vector is found again by the clip's file (path, size, time of change), its stretch, and hark's version. What is
stored is what the model gave, bit for bit, with a check sum; a row or file that is damaged is made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from hark.core.errors import DataError, HarkError
from hark.core.files import cache_folder
from hark.core.provenance import made_by
from hark.core.types import Vectors
from hark.data.records import Clip
from hark.eval.embed import Embedder, Progress, embed_clips, embed_texts

BATCH = 16  # clips made before they are stored: what a kill can lose
_ASKED = 500  # keys in one question to the database


def folder() -> Path:
    """Where the vectors lie unless a folder is given."""
    return cache_folder() / "vectors"


def cached_clips(model: Embedder, clips: Sequence[Clip], *, folder: Path, progress: Progress | None = None) -> Vectors:
    """(clips, dim) as `hark.eval.embed.embed_clips` gives them, made only of those clips that are not in the folder.

    `progress` is told of the clips that are made. One that is killed goes on where it was.

    Raises DataError, WeightsError as `embed_clips` does; HarkError where the folder cannot be written.
    """
    keys = [_clip_key(clip) for clip in clips]
    with _Store(folder, model) as store:
        missing = [place for place, found in enumerate(store.found(keys)) if not found]
        for start in range(0, len(missing), BATCH):
            some = missing[start : start + BATCH]
            made = embed_clips(model, [clips[place] for place in some])
            store.put([keys[place] for place in some], made)
            if progress is not None:
                progress(start + len(some), len(missing))
        return store.get(keys)


def cached_texts(model: Embedder, texts: Sequence[str], *, folder: Path) -> Vectors:
    """(texts, dim) as `hark.eval.embed.embed_texts` gives them, made only of those that are not in the folder.

    Raises WeightsError as `embed_texts` does; HarkError where the folder cannot be written.
    """
    keys = [_key("text", text) for text in texts]
    with _Store(folder, model) as store:
        missing = [place for place, found in enumerate(store.found(keys)) if not found]
        if missing:
            store.put([keys[place] for place in missing], embed_texts(model, [texts[place] for place in missing]))
        return store.get(keys)


def _clip_key(clip: Clip) -> str:
    try:
        file = clip.path.stat()
    except OSError:
        raise DataError(f"clip '{clip.id}': no file {clip.path}; mend the path, or leave the clip out") from None
    path = str(clip.path.resolve())
    return _key("clip", path, file.st_size, file.st_mtime_ns, clip.start_s, clip.duration_s)


def _key(*told: Any) -> str:
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


class _Store:
    """The vectors of one model, by key."""

    def __init__(self, folder: Path, model: Embedder) -> None:
        # A model that goes the original's way makes other vectors with the same weights.
        way = [getattr(model, "original", None) is not None, getattr(model, "seed", None)]
        said = _key(model.name, model.stamp, made_by()["hark"], *way)
        self.path = folder / f"{said[:32]}.sqlite"

    def __enter__(self) -> Self:
        with self._writing():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._open()
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:  # no database, or half of one
                self._begin_anew()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.database.close()

    def found(self, keys: Sequence[str]) -> list[bool]:
        """Whether there is a sound vector for each key."""
        try:
            there = self._read(keys)
        except sqlite3.OperationalError as error:
            raise HarkError(f"{self.path}: cannot be read ({error}); delete it, or choose another folder") from None
        except sqlite3.DatabaseError:
            with self._writing():
                self._begin_anew()
            there = {}
        return [key in there for key in keys]

    def get(self, keys: Sequence[str]) -> Vectors:
        """The vectors of keys that were all found or put."""
        there = self._read(keys)
        if not all(key in there for key in keys):
            raise HarkError(f"{self.path}: changed while it was read; run it again")
        return np.stack([there[key] for key in keys]) if keys else np.zeros((0, 0), dtype=np.float32)

    def put(self, keys: Sequence[str], vectors: Vectors) -> None:
        """Stores vectors, all of them or none."""
        rows = [(key, row := vector.astype("<f4").tobytes(), zlib.crc32(row)) for key, vector in _pairs(keys, vectors)]
        with self._writing(), self.database:
            self.database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

    def _read(self, keys: Sequence[str]) -> dict[str, Vectors]:
        there = {}
        for start in range(0, len(keys), _ASKED):
            some = keys[start : start + _ASKED]
            question = f"SELECT key, vector, crc FROM vectors WHERE key IN ({', '.join('?' * len(some))})"  # noqa: S608
            for key, vector, crc in self.database.execute(question, list(some)):
                if isinstance(vector, bytes) and len(vector) % 4 == 0 and zlib.crc32(vector) == crc:
                    there[key] = np.frombuffer(vector, "<f4").astype(np.float32)
        return there

    def _open(self) -> None:
        self.database = sqlite3.connect(self.path, timeout=60)
        with self.database:
            self.database.execute(
                "CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, vector BLOB, crc INTEGER) WITHOUT ROWID"
            )

    def _begin_anew(self) -> None:
        self.database.close()
        for name in (self.path.name, f"{self.path.name}-journal"):
            self.path.with_name(name).unlink(missing_ok=True)
        self._open()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise HarkError(f"{self.path}: cannot be written ({error}); choose another folder, or make room") from None


def _pairs(keys: Sequence[str], vectors: Vectors) -> Iterator[tuple[str, Vectors]]:
    return zip(keys, vectors, strict=True)
