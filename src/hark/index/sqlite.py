"""The library's database: the truth about what is indexed; everything faster is derived from it.

One file, `library.sqlite`. A writer commits one file of sound at a time, so it may be killed at any moment; readers see
one snapshot and are never in its way (https://www.sqlite.org/wal.html).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hark.core.errors import LibraryError
from hark.core.types import Vectors
from hark.index import schema
from hark.index.rows import FileRow, Owner, SpanRow, UnreadableRow

FILE = "library.sqlite"
LOCK = "library.lock"
WAIT_S = 10.0  # for another program that is in the middle of a transaction


class Database:
    """An open library. Get one from `reading` or `writing`."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._db = connection

    @property
    def connection(self) -> sqlite3.Connection:
        """For tables beside these (`hark.index.said`)."""
        return self._db

    def owner(self) -> Owner:
        """The model whose vectors these are."""
        return schema.read_owner(self._db)

    def tag(self) -> str:
        """Names this very state: how many transactions wrote to the library, and the hash of all that they wrote."""
        said = dict(self._db.execute("SELECT key, value FROM meta WHERE key IN ('generation', 'history')"))
        return f"{said['generation']}-{said['history']}"

    def counts(self) -> tuple[int, int]:
        """How many files and how many windows are held."""
        files, spans = self._db.execute("SELECT (SELECT count(*) FROM file), (SELECT count(*) FROM span)").fetchone()
        return files, spans

    def files(self, folder: str) -> dict[str, tuple[int, int]]:
        """The indexed files beneath a folder: path -> (size in bytes, mtime_ns)."""
        rows = self._db.execute("SELECT path, size, mtime_ns FROM file WHERE path > ? AND path < ?", _beneath(folder))
        return {path: (size, mtime_ns) for path, size, mtime_ns in rows}

    def unreadable(self, folder: str) -> dict[str, UnreadableRow]:
        """The files beneath a folder that could not be read, by path."""
        rows = self._db.execute("SELECT * FROM unreadable WHERE path > ? AND path < ?", _beneath(folder))
        return {row[0]: UnreadableRow(*row) for row in rows}

    def vectors(self) -> Iterator[tuple[int, int, bytes]]:
        """(file id, span id, vector) of every window, in the order of the paths, and in a file of the starts."""
        yield from self._db.execute(
            "SELECT file.id, span.id, vector FROM file JOIN span ON file_id = file.id ORDER BY path, start_s"
        )

    def span(self, span_id: int) -> SpanRow:
        """One window, by its id."""
        found = self._db.execute(
            "SELECT path, start_s, end_s FROM span JOIN file ON file_id = file.id WHERE span.id = ?", (span_id,)
        ).fetchone()
        return SpanRow(*found)

    def put(self, row: FileRow, spans: NDArray[np.float64], *, vectors: Vectors) -> None:
        """Stores a file and its windows, `spans` (n, 2) start and end in seconds, instead of what was known of it."""
        assert len(spans) == len(vectors) > 0, (row.path, spans.shape, vectors.shape)
        halves = vectors.astype("<f2")
        assert np.isfinite(halves).all(), row.path
        blobs = [half.tobytes() for half in halves]
        with self.transaction(b"put", repr(row).encode(), spans.astype("<f8").tobytes(), *blobs):
            self._db.execute("DELETE FROM unreadable WHERE path = ?", (row.path,))
            values = (row.path, row.size, row.mtime_ns, row.duration_s, row.rate_hz, row.channels, row.format)
            # a file that changed keeps its id
            file_id = self._db.execute(
                "INSERT INTO file (path, size, mtime_ns, duration_s, rate_hz, channels, format) "
                "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET "
                "size = excluded.size, mtime_ns = excluded.mtime_ns, duration_s = excluded.duration_s, "
                "rate_hz = excluded.rate_hz, channels = excluded.channels, format = excluded.format RETURNING id",
                values,
            ).fetchone()[0]
            self._db.execute("DELETE FROM span WHERE file_id = ?", (file_id,))
            self._db.executemany(
                "INSERT INTO span (file_id, start_s, end_s, vector) VALUES (?, ?, ?, ?)",
                [(file_id, float(s), float(e), blob) for (s, e), blob in zip(spans, blobs, strict=True)],
            )

    def put_unreadable(self, row: UnreadableRow) -> None:
        """Notes that a file cannot be read, and forgets what was known of it."""
        with self.transaction(b"unreadable", repr(row).encode()):
            self._db.execute("DELETE FROM file WHERE path = ?", (row.path,))
            self._db.execute(
                "INSERT OR REPLACE INTO unreadable VALUES (?, ?, ?, ?)",
                (row.path, row.size, row.mtime_ns, row.reason),
            )

    def remove(self, paths: Sequence[str]) -> None:
        """Forgets files, all in one transaction."""
        if not paths:
            return
        with self.transaction(b"remove", *(path.encode() for path in paths)):
            for table in ("file", "unreadable"):
                self._db.executemany(f"DELETE FROM {table} WHERE path = ?", [(path,) for path in paths])  # noqa: S608

    @contextlib.contextmanager
    def transaction(self, *said: bytes) -> Iterator[None]:
        """All or nothing, with the generation raised and `said` hashed into the history.

        The count alone would not do as a tag: a library that was deleted and made anew counts the same numbers.
        """
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            history = hashlib.sha256(self.tag().encode())
            for part in said:
                history.update(len(part).to_bytes(8, "little") + part)
            self._db.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'generation'")
            self._db.execute("UPDATE meta SET value = ? WHERE key = 'history'", (history.hexdigest(),))
            self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")


def owner_of(folder: Path, expected: Owner | None = None) -> Owner | None:
    """The model whose vectors the library in `folder` holds; None if there is no library yet.

    Raises LibraryError if something else is there, or the library of another model than the `expected` one.
    """
    path = folder / FILE
    if folder.exists() and not folder.is_dir():
        raise LibraryError(f"{folder}: not a folder; a library is a folder")
    if not path.exists():
        return None
    with _explained(path), contextlib.closing(_open_to_read(path)) as connection:
        if schema.is_blank(connection):
            return None
        schema.check(connection, path, expected)
        return schema.read_owner(connection)


@contextlib.contextmanager
def reading(folder: Path, owner: Owner | None = None) -> Iterator[Database]:
    """The library in `folder` as it is at this moment; what others write meanwhile is not seen.

    Raises LibraryError if there is none, if it is damaged, or if it belongs to another model than `owner`.
    """
    path = folder / FILE
    if owner_of(folder) is None:
        raise LibraryError(f"{path}: no library here yet; make one with `hark index FOLDER`")
    with _explained(path), contextlib.closing(_open_to_read(path)) as connection:
        connection.execute("BEGIN")
        schema.check(connection, path, owner)
        yield Database(path, connection)


@contextlib.contextmanager
def writing(folder: Path, owner: Owner) -> Iterator[Database]:
    """The library in `folder`, made if there is none, for one writer at a time.

    Raises LibraryError if another process is indexing into it, if it cannot be written, if it is damaged, or if it
    belongs to another model than `owner`.
    """
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LibraryError(f"{folder}: cannot be made ({error.strerror}); choose another --library") from error
    with _explained(path), _only_writer(folder), contextlib.closing(_connect(path, "rwc")) as connection:
        if schema.is_blank(connection):
            schema.create(connection, owner)
        else:
            schema.check(connection, path, owner)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")  # in WAL: a power cut may undo the last files, harms none
        yield Database(path, connection)


def _connect(path: Path, mode: str, *, immutable: bool = False) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}{'&immutable=1' if immutable else ''}"
    return sqlite3.connect(uri, uri=True, timeout=WAIT_S, isolation_level=None)


def _open_to_read(path: Path) -> sqlite3.Connection:
    connection = _connect(path, "rw")  # SQLite takes what it may only read as well
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.Error as error:
        connection.close()
        if _code(error) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        # even a reader of a WAL database makes files beside it; where it may not, nothing is being written either,
        # unless a writer was killed there and has left a log
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size > 0:
            raise LibraryError(
                f"{path}: its last indexing was cut short; run `hark index` where it can be written"
            ) from error
        return _connect(path, "ro", immutable=True)
    return connection


@contextlib.contextmanager
def _only_writer(folder: Path) -> Iterator[None]:
    """Holds the lock of a database of its own: the system drops it when the process dies, however it dies."""
    with contextlib.closing(_connect(folder / LOCK, "rwc")) as lock:
        lock.execute("PRAGMA busy_timeout = 0")
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY:
                raise
            raise LibraryError(f"{folder}: another hark is indexing into it; run this again when it is done") from error
        yield


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turns what SQLite says into a LibraryError that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        remedy = {
            sqlite3.SQLITE_NOTADB: "it is no hark library; choose another --library",
            sqlite3.SQLITE_CORRUPT: "it is damaged; delete it and index again",
            sqlite3.SQLITE_BUSY: "another program holds it; run this again when it is done",
            sqlite3.SQLITE_FULL: "make room and run this again, it continues where it stopped",
            sqlite3.SQLITE_READONLY: "choose a --library in a folder that you can write",
            sqlite3.SQLITE_CANTOPEN: "choose a --library in a folder that you can write",
        }.get(_code(error), "if it happens again, delete it and index again")
        raise LibraryError(f"{path}: {error}; {remedy}") from error


def _code(error: sqlite3.Error) -> int:
    """The primary result code; the upper bytes hold the extended one."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _beneath(folder: str) -> tuple[str, str]:
    """The bounds, both outside, of the paths beneath a folder, as the bytes of TEXT compare."""
    start = folder if folder.endswith(os.sep) else folder + os.sep
    return start, start[:-1] + chr(ord(os.sep) + 1)
