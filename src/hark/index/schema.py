"""The tables of a library, and the check that an opened file is one.

Nothing random and no time of day is ever stored, so that a library is a function of the files, the model and the order
of work: one that was killed and continued equals, row for row, one that was not.
"""

from __future__ import annotations

import sqlite3
from importlib.metadata import version
from pathlib import Path

from hark.core.errors import LibraryError
from hark.index.rows import Owner

SCHEMA = 1  # PRAGMA user_version; raise it with every change of the tables
APPLICATION = 0x6861726B  # PRAGMA application_id: "hark"

TABLES = (
    "CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE TABLE file (
        id INTEGER PRIMARY KEY,
        path TEXT NOT NULL UNIQUE,  -- absolute
        size INTEGER NOT NULL,      -- bytes
        mtime_ns INTEGER NOT NULL,
        duration_s REAL NOT NULL,
        rate_hz INTEGER NOT NULL,
        channels INTEGER NOT NULL,
        format TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE span (
        id INTEGER PRIMARY KEY,
        file_id INTEGER NOT NULL REFERENCES file (id) ON DELETE CASCADE,
        start_s REAL NOT NULL,
        end_s REAL NOT NULL CHECK (end_s > start_s),
        vector BLOB NOT NULL,       -- float16, little-endian, of length 1
        UNIQUE (file_id, start_s)
    ) STRICT""",
    """CREATE TABLE unreadable (
        path TEXT NOT NULL PRIMARY KEY,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        reason TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
)


def is_blank(connection: sqlite3.Connection) -> bool:
    """Whether nothing was ever written: a new file, or one whose maker was killed before its first transaction."""
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    return _pragma(connection, "application_id") == 0 and tables == 0


def create(connection: sqlite3.Connection, owner: Owner) -> None:
    """Makes the tables of an empty library, all or none of them."""
    connection.execute(
        "PRAGMA page_size = 8192"
    )  # seven vectors of 512 half floats to a page; 4096 would waste a quarter
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    for table in TABLES:
        connection.execute(table)
    said = {
        "schema": str(SCHEMA),
        "hark": version("hark"),
        "model": owner.model,
        "stamp": owner.stamp,
        "dim": str(owner.dim),
        "generation": "0",
        "history": "",
    }
    connection.executemany("INSERT INTO meta VALUES (?, ?)", sorted(said.items()))
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {SCHEMA}")
    connection.execute("COMMIT")


def check(connection: sqlite3.Connection, path: Path, owner: Owner | None) -> None:
    """Raises LibraryError unless the file is a library of this schema and, if one is given, of this owner."""
    if _pragma(connection, "application_id") != APPLICATION:
        raise LibraryError(f"{path}: no hark library but another program's database; choose another --library")
    found = _pragma(connection, "user_version")
    if found != SCHEMA:
        raise LibraryError(
            f"{path}: made by another version of hark (schema {found}, this one reads {SCHEMA}); "
            "use that version, or index again into another --library"
        )
    held = read_owner(connection)
    if owner is None or held == owner:
        return
    if held.model == owner.model:
        raise LibraryError(
            f"{path}: made by other weights of '{held.model}' ({held.stamp[:12]}, now {owner.stamp[:12]}); "
            "index again into another --library, or delete this one first"
        )
    raise LibraryError(
        f"{path}: made by the model '{held.model}', not '{owner.model}'; "
        f"use --model {held.model}, or index again into another --library"
    )


def read_owner(connection: sqlite3.Connection) -> Owner:
    """The model that the library says it belongs to."""
    said = dict(connection.execute("SELECT key, value FROM meta"))
    return Owner(said["model"], said["stamp"], int(said["dim"]))


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
