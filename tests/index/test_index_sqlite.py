"""The database keeps what it is given, writes all or nothing, and refuses what is not its own."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hark.core.errors import LibraryError
from hark.index import schema
from hark.index.rows import FileRow, Owner, UnreadableRow
from hark.index.sqlite import FILE, LOCK, owner_of, reading, writing

OWNER = Owner("bands", "0123456789abcdef", 4)


def row(path: str, size: int = 10) -> FileRow:
    return FileRow(path, size, 123_456_789_012_345_678, 2.5, 44100, 2, "WAV")


def spans(n: int) -> np.ndarray:
    return np.stack([np.arange(n), np.arange(n) + 1.5], axis=1)


def units(n: int, seed: int = 0) -> np.ndarray:
    found = np.random.default_rng(seed).standard_normal((n, 4)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_what_is_put_is_there_as_half_floats(tmp_path: Path) -> None:
    vectors = units(3)
    with writing(tmp_path, OWNER) as database:
        database.put(row("/a/1.wav"), spans(3), vectors=vectors)
    with sqlite3.connect(tmp_path / FILE) as plain:
        assert plain.execute("SELECT * FROM file").fetchall() == [
            (1, "/a/1.wav", 10, 123_456_789_012_345_678, 2.5, 44100, 2, "WAV")
        ]
        held = plain.execute("SELECT file_id, start_s, end_s, vector FROM span ORDER BY id").fetchall()
    plain.close()
    assert [(f, s, e) for f, s, e, _ in held] == [(1, 0.0, 1.5), (1, 1.0, 2.5), (1, 2.0, 3.5)]
    np.testing.assert_array_equal(
        np.frombuffer(b"".join(h[3] for h in held), "<f2").reshape(3, 4), vectors.astype("<f2")
    )


def test_a_changed_file_keeps_its_id_and_loses_its_old_windows(tmp_path: Path) -> None:
    with writing(tmp_path, OWNER) as database:
        database.put(row("/a/1.wav"), spans(3), vectors=units(3))
        database.put(row("/a/2.wav"), spans(1), vectors=units(1))
        database.put(row("/a/1.wav", size=11), spans(2), vectors=units(2))
        assert database.counts() == (2, 3)
        assert database.files("/a") == {
            "/a/1.wav": (11, 123_456_789_012_345_678),
            "/a/2.wav": (10, 123_456_789_012_345_678),
        }
        assert [file_id for file_id, _, _ in database.vectors()] == [1, 1, 2]


def test_vectors_come_in_the_order_of_paths_then_starts(tmp_path: Path) -> None:
    paths = ["/a/ä.wav", "/a/z.wav", "/a/b.wav", "/a/b/c.wav", "/a/𝄞.wav", "/a/�.wav"]
    with writing(tmp_path, OWNER) as database:
        for path in paths:
            database.put(row(path), spans(2)[::-1], vectors=units(2))
        found = [database.span(span_id) for _, span_id, _ in database.vectors()]
    assert [(f.path, f.start_s) for f in found] == [(p, s) for p in sorted(paths) for s in (0.0, 1.0)]


def test_a_folder_is_not_its_neighbours(tmp_path: Path) -> None:
    with writing(tmp_path, OWNER) as database:
        for path in ("/a/1.wav", "/a/b/1.wav", "/ab/1.wav", "/a.wav", "/a0/1.wav", "/a%/1.wav"):
            database.put(row(path), spans(1), vectors=units(1))
        assert sorted(database.files("/a")) == ["/a/1.wav", "/a/b/1.wav"]
        assert len(database.files("/")) == 6


def test_readable_and_unreadable_exclude_each_other(tmp_path: Path) -> None:
    with writing(tmp_path, OWNER) as database:
        database.put(row("/a/1.wav"), spans(2), vectors=units(2))
        database.put_unreadable(UnreadableRow("/a/1.wav", 10, 5, "broken"))
        assert database.counts() == (0, 0)
        assert database.unreadable("/a") == {"/a/1.wav": UnreadableRow("/a/1.wav", 10, 5, "broken")}
        database.put(row("/a/1.wav"), spans(2), vectors=units(2))
        assert database.unreadable("/a") == {}
        database.remove(["/a/1.wav", "/never/there.wav"])
        assert database.counts() == (0, 0)


def test_every_write_has_its_own_tag_and_equal_histories_have_equal_tags(tmp_path: Path) -> None:
    def build(folder: Path, seed: int) -> list[str]:
        with writing(folder, OWNER) as database:
            tags = [database.tag()]
            database.put(row("/a/1.wav"), spans(2), vectors=units(2, seed))
            tags.append(database.tag())
            database.put_unreadable(UnreadableRow("/a/2.wav", 1, 1, "broken"))
            tags.append(database.tag())
            database.remove([])
            assert database.tag() == tags[-1]
            database.remove(["/a/1.wav"])
            return [*tags, database.tag()]

    one, same, other = build(tmp_path / "1", 0), build(tmp_path / "2", 0), build(tmp_path / "3", 1)
    assert len(set(one)) == 4
    assert one == same
    assert set(one[1:]).isdisjoint(other[1:])
    assert [tag.split("-")[0] for tag in one] == ["0", "1", "2", "3"]


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with writing(tmp_path, OWNER) as database:
        database.put(row("/a/1.wav"), spans(2), vectors=units(2))
        before = database.tag()
    with pytest.raises(LibraryError, match="UNIQUE"), writing(tmp_path, OWNER) as database:
        database.put(row("/a/1.wav", size=99), np.array([[0.0, 1.0], [0.0, 2.0]]), vectors=units(2))
    with reading(tmp_path, OWNER) as database:
        assert database.files("/a")["/a/1.wav"][0] == 10
        assert database.counts() == (1, 2)
        assert database.tag() == before


def test_a_reader_sees_one_moment_while_another_writes(tmp_path: Path) -> None:
    with writing(tmp_path, OWNER) as writer:
        writer.put(row("/a/1.wav"), spans(1), vectors=units(1))
        with reading(tmp_path) as reader:
            assert reader.counts() == (1, 1)
            writer.put(row("/a/2.wav"), spans(1), vectors=units(1))
            assert reader.counts() == (1, 1)
        with reading(tmp_path) as reader:
            assert reader.counts() == (2, 2)


def test_a_second_writer_is_refused_until_the_first_is_gone_however_it_goes(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from hark.index.rows import Owner; from hark.index.sqlite import writing\n"
        f"with writing(pathlib.Path({str(tmp_path)!r}), Owner('bands', '0123456789abcdef', 4)):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(LibraryError, match="another hark is indexing into it"), writing(tmp_path, OWNER):
            pass
        other.kill()
    with writing(tmp_path, OWNER) as database:
        database.put(row("/a/1.wav"), spans(1), vectors=units(1))


def test_another_model_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with writing(tmp_path, OWNER):
        pass
    assert owner_of(tmp_path) == OWNER
    with pytest.raises(LibraryError, match=r"made by the model 'bands', not 'other'; use --model bands"):
        owner_of(tmp_path, Owner("other", "0", 4))
    changed = Owner("bands", "ffff", 4)
    with pytest.raises(LibraryError, match="made by other weights of 'bands'"), writing(tmp_path, changed):
        pass
    with pytest.raises(LibraryError, match="made by other weights of 'bands'"), reading(tmp_path, changed):
        pass


def test_what_is_no_library_is_refused_and_left_alone(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="no library here yet"), reading(tmp_path):
        pass
    path = tmp_path / FILE

    path.write_bytes(b"my diary " * 1000)
    for use in (lambda: reading(tmp_path), lambda: writing(tmp_path, OWNER)):
        with pytest.raises(LibraryError, match="file is not a database; it is no hark library"), use():
            pass
    assert path.read_bytes() == b"my diary " * 1000

    path.unlink()
    with sqlite3.connect(path) as foreign:
        foreign.execute("CREATE TABLE diary (day TEXT)")
    foreign.close()
    before = path.read_bytes()
    for use in (lambda: reading(tmp_path), lambda: writing(tmp_path, OWNER)):
        with pytest.raises(LibraryError, match="another program's database"), use():
            pass
    assert path.read_bytes() == before

    with pytest.raises(LibraryError, match="not a folder"):
        owner_of(path)
    with pytest.raises(LibraryError, match="cannot be made"), writing(path, OWNER):
        pass


def test_a_library_of_another_schema_is_refused(tmp_path: Path) -> None:
    with writing(tmp_path, OWNER):
        pass
    with sqlite3.connect(tmp_path / FILE) as plain:
        plain.execute(f"PRAGMA user_version = {schema.SCHEMA + 1}")
    plain.close()
    with pytest.raises(LibraryError, match=f"schema {schema.SCHEMA + 1}, this one reads {schema.SCHEMA}"):
        owner_of(tmp_path)


def test_a_damaged_library_is_told_in_one_line(tmp_path: Path) -> None:
    with writing(tmp_path, OWNER) as database:
        for i in range(500):
            database.put(row(f"/a/{i}.wav"), spans(4), vectors=units(4))
    path = tmp_path / FILE
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(LibraryError, match=r"malformed; it is damaged") as found, reading(tmp_path) as database:
        list(database.vectors())
    assert "\n" not in str(found.value)


def test_a_maker_killed_before_its_first_transaction_leaves_no_library(tmp_path: Path) -> None:
    plain = sqlite3.connect(tmp_path / FILE)
    plain.execute("PRAGMA journal_mode = WAL")
    plain.close()
    assert owner_of(tmp_path) is None
    with pytest.raises(LibraryError, match="no library here yet"), reading(tmp_path):
        pass
    with writing(tmp_path, OWNER):
        pass
    assert owner_of(tmp_path) == OWNER


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder of its own, and a moment later a user who may not write in it (root may write everywhere)."""
    folder = Path(tempfile.mkdtemp())
    try:
        yield folder
    finally:
        if os.getuid() == 0:
            os.seteuid(0)
        folder.chmod(0o755)
        shutil.rmtree(folder)


def take_away(folder: Path) -> None:
    folder.chmod(0o555)
    if os.getuid() == 0:
        os.seteuid(65534)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs POSIX users")
def test_a_library_that_may_only_be_read_can_be_read(nobody: Path) -> None:
    with writing(nobody, OWNER) as database:
        database.put(row("/a/1.wav"), spans(2), vectors=units(2))
    take_away(nobody)
    with reading(nobody, OWNER) as database:
        assert database.counts() == (1, 2)
    with pytest.raises(LibraryError, match="choose a --library in a folder that you can write"), writing(nobody, OWNER):
        pass


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs POSIX users")
def test_a_log_that_nobody_can_finish_is_told(nobody: Path) -> None:
    with writing(nobody, OWNER) as database:
        database.put(row("/a/1.wav"), spans(2), vectors=units(2))
        (nobody / "log").write_bytes((nobody / f"{FILE}-wal").read_bytes())
    (nobody / "log").rename(nobody / f"{FILE}-wal")
    (nobody / f"{FILE}-wal").chmod(0o444)
    assert (nobody / LOCK).exists()
    take_away(nobody)
    with pytest.raises(LibraryError, match="its last indexing was cut short"), reading(nobody, OWNER):
        pass
