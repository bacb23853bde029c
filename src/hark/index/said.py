"""What is said of a library's files, as text that can be searched by words (SQLite's FTS5, ranked by BM25).

The tables are made when the first captions come, so that a library without any is as it was. What is said of a file
goes with it: when the file is removed, and when it changes.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hark.core.errors import LibraryError, SettingError
from hark.index.sqlite import Database

TABLES = (
    """CREATE TABLE said (
        id INTEGER PRIMARY KEY,
        file_id INTEGER NOT NULL REFERENCES file (id) ON DELETE CASCADE,
        start_s REAL NOT NULL,
        end_s REAL NOT NULL,
        text TEXT NOT NULL,
        source TEXT NOT NULL  -- who says so: a captioner's name, or that of the file it stood in
    ) STRICT""",
    "CREATE INDEX said_of_file ON said (file_id)",
    "CREATE VIRTUAL TABLE said_words USING fts5 (text, content=said, content_rowid=id, tokenize='porter unicode61')",
    """CREATE TRIGGER said_new AFTER INSERT ON said BEGIN
        INSERT INTO said_words (rowid, text) VALUES (new.id, new.text);
    END""",
    """CREATE TRIGGER said_gone AFTER DELETE ON said BEGIN
        INSERT INTO said_words (said_words, rowid, text) VALUES ('delete', old.id, old.text);
    END""",
    """CREATE TRIGGER said_of_changed_file AFTER UPDATE OF size, mtime_ns ON file BEGIN
        DELETE FROM said WHERE file_id = new.id;
    END""",
)
FIND = """SELECT path, start_s, end_s, said.text, source, -bm25(said_words) AS score
    FROM said_words JOIN said ON said.id = said_words.rowid JOIN file ON file.id = file_id
    WHERE said_words MATCH ? ORDER BY score DESC, path, start_s, said.id"""


@dataclass(frozen=True)
class SaidRow:
    """What is said of a stretch of a file; an end of None is the file's own."""

    start_s: float
    end_s: float | None
    text: str


@dataclass(frozen=True)
class SaidHit:
    """A caption that holds words of a question; `score` is BM25's, higher is better, 0 and less for common words."""

    path: str
    start_s: float
    end_s: float
    text: str
    source: str
    score: float


def put(database: Database, captions: Mapping[str, Sequence[SaidRow]], *, source: str) -> list[str]:
    """Stores what `source` says of files, by their paths, instead of what it said before, all or nothing.

    The paths that the library does not hold are given back.

    Raises LibraryError where this SQLite has no full text.
    """
    db, unknown = database.connection, []
    told = (repr((path, row.start_s, row.end_s, row.text)).encode() for path, rows in captions.items() for row in rows)
    with database.transaction(b"said", source.encode(), *told):
        if not _there(db):
            _make(db)
        for path, rows in captions.items():
            found = db.execute("SELECT id, duration_s FROM file WHERE path = ?", (path,)).fetchone()
            if found is None:
                unknown.append(path)
                continue
            file_id, duration_s = found
            db.execute("DELETE FROM said WHERE file_id = ? AND source = ?", (file_id, source))
            db.executemany(
                "INSERT INTO said (file_id, start_s, end_s, text, source) VALUES (?, ?, ?, ?, ?)",
                [
                    (file_id, row.start_s, duration_s if row.end_s is None else row.end_s, row.text, source)
                    for row in rows
                ],
            )
    return unknown


def find(database: Database, text: str) -> Iterator[SaidHit]:
    """The captions that hold any of the words, best first; a word is found in its other forms, too (dog, dogs).

    Raises SettingError where there is no word to look for, LibraryError where nothing is said of any file.
    """
    words = re.findall(r"\w+", text)
    if not words:
        raise SettingError(f'search: "{text}" has no word to look for')
    if not _there(database.connection) or not count(database):
        raise LibraryError(
            f"{database.path}: holds no captions; make some with `hark caption`, add them with `hark index --captions`"
        )
    asked = " OR ".join(f'"{word}"' for word in dict.fromkeys(words))
    return (SaidHit(*row) for row in database.connection.execute(FIND, (asked,)))


def count(database: Database) -> int:
    """How many captions the library holds."""
    if not _there(database.connection):
        return 0
    return int(database.connection.execute("SELECT count(*) FROM said").fetchone()[0])


def first_of_each(hits: Iterable[SaidHit]) -> Iterator[SaidHit]:
    """Of each file the best hit."""
    seen: set[str] = set()
    for hit in hits:
        if hit.path not in seen:
            seen.add(hit.path)
            yield hit


def _there(db: sqlite3.Connection) -> bool:
    return bool(db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'said'").fetchone()[0])


def _make(db: sqlite3.Connection) -> None:
    try:
        for table in TABLES:
            db.execute(table)
    except sqlite3.OperationalError as error:
        if "fts5" not in str(error):
            raise
        raise LibraryError("this Python's SQLite has no full text (FTS5), so captions cannot be searched") from None
