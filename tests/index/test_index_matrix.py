"""The cache of all vectors is what the database holds, whatever becomes of the cache."""

from pathlib import Path

import numpy as np
import pytest

from hark.core.errors import LibraryError
from hark.index import matrix
from hark.index.matrix import CACHE, HEADER, Matrix
from hark.index.rows import FileRow, Owner
from hark.index.sqlite import Database, reading, writing

DIM = 6
OWNER = Owner("bands", "0123456789abcdef", DIM)


def put(database: Database, path: str, vectors: np.ndarray) -> None:
    n = len(vectors)
    row = FileRow(path, 1, 1, float(n), 8000, 1, "WAV")
    database.put(row, np.stack([np.arange(n), np.arange(n) + 1.0], axis=1), vectors=vectors)


def units(n: int, seed: int) -> np.ndarray:
    found = np.random.default_rng(seed).standard_normal((n, DIM)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    with writing(tmp_path, OWNER) as database:
        for i, path in enumerate(["/c.wav", "/a.wav", "/b.wav"]):
            put(database, path, units(i + 1, i))
    return tmp_path


def load(library: Path) -> Matrix:
    with reading(library, OWNER) as database:
        return matrix.load(database, library)


def expect(found: Matrix) -> None:
    """The rows are those that the fixture put, in the order of their paths."""
    vectors = np.concatenate([units(2, 1), units(3, 2), units(1, 0)]).astype("<f2")
    np.testing.assert_array_equal(found.vectors, vectors)
    np.testing.assert_array_equal(found.firsts, [0, 2, 5])
    np.testing.assert_array_equal(found.spans, [2, 3, 4, 5, 6, 1])
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    np.testing.assert_allclose(found.scales, 1 / lengths, rtol=1e-6)


def test_it_holds_the_database_and_is_written_once(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expect(load(library))
    assert (library / CACHE).stat().st_size == HEADER + 6 * (2 * DIM + 8 + 4) + 3 * 8
    monkeypatch.delattr(matrix, "_write")
    found = load(library)
    expect(found)
    assert isinstance(found.vectors, np.memmap)


def test_many_batches_are_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = units(23, 5)
    with writing(tmp_path, OWNER) as database:
        put(database, "/a.wav", vectors)
    monkeypatch.setattr(matrix, "BATCH", 5)
    np.testing.assert_array_equal(load(tmp_path).vectors, vectors.astype("<f2"))


def test_it_follows_the_database(library: Path) -> None:
    load(library)
    with writing(library, OWNER) as database:
        put(database, "/aa.wav", units(2, 9))
        database.remove(["/b.wav"])
    found = load(library)
    np.testing.assert_array_equal(found.vectors, np.concatenate([units(2, 1), units(2, 9), units(1, 0)]).astype("<f2"))
    np.testing.assert_array_equal(found.firsts, [0, 2, 4])


def test_the_cache_of_a_library_that_was_deleted_is_not_believed(library: Path) -> None:
    load(library)
    for file in library.iterdir():
        if file.name != CACHE:
            file.unlink()
    with writing(library, OWNER) as database:
        for i, path in enumerate(["/c.wav", "/a.wav", "/b.wav"]):  # as many transactions, rows and files
            put(database, path, units(i + 1, 10 + i))
    np.testing.assert_array_equal(load(library).vectors[-1], units(1, 10)[0].astype("<f2"))


@pytest.mark.parametrize("where", [0, 20, HEADER, HEADER + 30, -1])
def test_a_damaged_cache_is_made_again(library: Path, where: int) -> None:
    load(library)
    whole = (library / CACHE).read_bytes()
    damaged = bytearray(whole)
    damaged[where] ^= 0x10
    (library / CACHE).write_bytes(damaged)
    expect(load(library))
    assert (library / CACHE).read_bytes() == whole


@pytest.mark.parametrize("size", [0, 10, HEADER, HEADER + 50])
def test_a_cut_cache_is_made_again(library: Path, size: int) -> None:
    load(library)
    (library / CACHE).write_bytes((library / CACHE).read_bytes()[:size])
    expect(load(library))


def test_a_header_that_is_not_ours_is_not_believed(library: Path) -> None:
    load(library)
    rest = (library / CACHE).read_bytes()[HEADER:]
    for said in (b"[]", b"{}", b'{"rows": "many"}', b"\xff"):
        (library / CACHE).write_bytes((matrix.MAGIC + said).ljust(HEADER) + rest)
        expect(load(library))


def test_where_nothing_can_be_written_the_vectors_are_held_in_memory(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(matrix, "write_aside", refuse)
    expect(load(library))
    assert not (library / CACHE).exists()


def test_an_empty_library_has_no_rows(tmp_path: Path) -> None:
    with writing(tmp_path, OWNER):
        pass
    assert load(tmp_path).vectors.shape == (0, DIM)


def test_damaged_vectors_are_told(library: Path) -> None:
    import sqlite3

    plain = sqlite3.connect(library / "library.sqlite", isolation_level=None)
    plain.execute("UPDATE span SET vector = ? WHERE id = 3", (np.full(DIM, np.nan, "<f2").tobytes(),))
    with pytest.raises(LibraryError, match="some vectors are damaged"):
        load(library)
    plain.execute("UPDATE span SET vector = x'00' WHERE id = 3")
    plain.close()
    with pytest.raises(LibraryError, match="window 3 is damaged"):
        load(library)
    assert not list(library.glob("*.part"))


def test_what_killed_writers_left_is_swept(library: Path) -> None:
    (library / f".{CACHE}.abc.part").write_bytes(b"half")
    (library / "mine.part").write_bytes(b"mine")
    matrix.sweep(library)
    assert not (library / f".{CACHE}.abc.part").exists()
    assert (library / "mine.part").exists()
