"""Captions in a library: found by their words as SQLite's own BM25 ranks them, and gone with their files."""

from __future__ import annotations

import json
import math
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import typer
from band_model import BandModel, write_bands
from typer.testing import CliRunner

from hark.cli.index import index
from hark.cli.search import search
from hark.core.errors import DataError, HarkError, LibraryError, SettingError
from hark.index import said as rows
from hark.index import sqlite
from hark.search.engine import Library
from hark.search.said import add, find

CAPTIONS = {
    "dog.wav": ["A dog barks twice", "barking dogs in a yard"],
    "rain.wav": ["rain falls on a roof while a dog sleeps"],
    "train.wav": ["a train passes by", "wheels rattle on rails"],
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A library of three sounds, of which two are captioned as wholes and one in stretches."""
    for name in CAPTIONS:
        write_bands(tmp_path / "sounds" / name, [1, 2, 3])
    Library(tmp_path / "library", BandModel()).index(tmp_path / "sounds", jobs=1)
    return tmp_path / "library"


def captions(folder: Path, told: dict[str, Any], *, name: str = "captions.jsonl", **more: Any) -> Path:
    path = folder / name
    lines = [{"path": f"sounds/{sound}", "captions": texts, **more} for sound, texts in told.items()]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def names(place: Path, text: str, **options: Any) -> list[tuple[str, str]]:
    return [(Path(hit.path).name, hit.text) for hit in find(place, text, **options)]


def test_captions_are_found_by_their_words(place: Path, tmp_path: Path) -> None:
    added = add(place, captions(tmp_path, CAPTIONS))
    assert (added.captions, added.files, added.unknown) == (5, 3, ())
    assert names(place, "rattling wheels") == [("train.wav", "wheels rattle on rails")]
    found = names(place, "dogs bark", per_file=False)
    assert [name for name, _ in found] == ["dog.wav", "dog.wav", "rain.wav"]
    assert [name for name, _ in names(place, "dogs bark")] == ["dog.wav", "rain.wav"]
    assert names(place, "dogs bark", k=1) == found[:1]
    assert names(place, "submarine") == []
    hit = find(place, "roof")[0]
    assert (hit.start_s, hit.end_s, hit.source) == (0.0, 3.0, "captions.jsonl")


def test_the_score_is_bm25(place: Path, tmp_path: Path) -> None:
    """Robertson & Zaragoza 2009 with FTS5's k1 = 1.2 and b = 0.75, of a word in one of five captions."""
    add(place, captions(tmp_path, CAPTIONS))
    lengths = [len(text.split()) for texts in CAPTIONS.values() for text in texts]
    words, mean = 9, sum(lengths) / len(lengths)
    rare = math.log((5 - 1 + 0.5) / (1 + 0.5))
    wanted = rare * 2.2 / (1 + 1.2 * (0.25 + 0.75 * words / mean))
    assert find(place, "roof")[0].score == pytest.approx(wanted)


def test_stretches_have_their_times(place: Path, tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    for start in (0.0, 1.0, 2.0):
        line = {"id": f"t@{start}", "path": "sounds/train.wav", "start_s": start, "duration_s": 1.0}
        with path.open("a") as file:
            file.write(json.dumps(line | {"captions": [f"whistle {start:g}"], "model": "mine"}) + "\n")
    add(place, path)
    hits = find(place, "whistle", per_file=False)
    assert [(hit.start_s, hit.end_s, hit.source) for hit in hits] == [(s, s + 1, "mine") for s in (0.0, 1.0, 2.0)]


def test_the_same_source_says_it_anew(place: Path, tmp_path: Path) -> None:
    add(place, captions(tmp_path, CAPTIONS, model="one"))
    add(place, captions(tmp_path, {"dog.wav": ["a wolf howls"]}, model="one"))
    add(place, captions(tmp_path, {"dog.wav": ["a puppy howls"]}, model="two"))
    found = [hit.source for hit in find(place, "howls", per_file=False)]
    assert sorted(found) == ["one", "two"]
    assert names(place, "barks") == []
    assert [name for name, _ in names(place, "train")] == ["train.wav"]


def test_what_is_said_goes_with_its_file(place: Path, tmp_path: Path) -> None:
    add(place, captions(tmp_path, CAPTIONS))
    (tmp_path / "sounds/dog.wav").unlink()
    write_bands(tmp_path / "sounds/rain.wav", [5, 6], seed=3)
    os.utime(tmp_path / "sounds/rain.wav", ns=(1, 1))
    Library(place, BandModel()).index(tmp_path / "sounds", jobs=1)
    assert names(place, "dog roof rain bark") == []
    assert [name for name, _ in names(place, "train")] == ["train.wav"]
    plain = sqlite3.connect(place / sqlite.FILE)
    assert plain.execute("SELECT count(*) FROM said").fetchone() == (2,)
    plain.execute("INSERT INTO said_words (said_words, rank) VALUES ('integrity-check', 1)")  # raises where it is wrong
    assert plain.execute("PRAGMA foreign_key_check").fetchall() == []
    plain.close()


def test_all_or_nothing(place: Path) -> None:
    """A failure in the middle leaves what was said before, and a library that works."""
    path = str(next(iter(_files(place))))
    with sqlite.writing(place, _owner(place)) as database:
        rows.put(database, {path: [rows.SaidRow(0, None, "a dog")]}, source="one")
        broken = {path: [rows.SaidRow(0, None, "a cat"), rows.SaidRow(0, None, None)]}  # type: ignore[arg-type]
        with pytest.raises(sqlite3.IntegrityError):
            rows.put(database, broken, source="one")
    assert [hit.text for hit in find(place, "dog cat")] == ["a dog"]


def test_a_library_without_captions_is_as_it_was(place: Path, tmp_path: Path) -> None:
    plain = sqlite3.connect(place / sqlite.FILE)
    assert [name for (name,) in plain.execute("SELECT name FROM sqlite_master WHERE name LIKE 'said%'")] == []
    plain.close()
    with pytest.raises(LibraryError, match="holds no captions; make some"):
        find(place, "dog")
    hits = Library(place, BandModel()).search("band 2", k=3)
    add(place, captions(tmp_path, CAPTIONS))
    assert Library(place, BandModel()).search("band 2", k=3) == hits


@pytest.mark.parametrize(
    "text", ['"', "dog OR (", "dog NOT", "NEAR(dog", "dog*", "text:dog", "col-umn", "dog; DROP TABLE said"]
)
def test_signs_of_the_query_language_are_only_signs(place: Path, tmp_path: Path, text: str) -> None:
    add(place, captions(tmp_path, CAPTIONS))
    if text == '"':
        with pytest.raises(SettingError, match="no word to look for"):
            find(place, text)
    else:
        assert all(name != "train.wav" for name, _ in names(place, text))


def test_unknown_files_and_links(place: Path, tmp_path: Path) -> None:
    (tmp_path / "way").symlink_to(tmp_path / "sounds")
    path = tmp_path / "c.jsonl"
    told = [{"path": "way/dog.wav", "captions": ["a dog"]}, {"path": "sounds/none.wav", "captions": ["nothing"]}]
    path.write_text("".join(json.dumps(line) + "\n" for line in told))
    added = add(place, path)
    assert (added.captions, added.files) == (1, 1)
    assert [Path(name).name for name in added.unknown] == ["none.wav"]
    assert [name for name, _ in names(place, "dog")] == ["dog.wav"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("hark.runtime.load.load", lambda name: BandModel())
    monkeypatch.setenv("HARK_LIBRARY", str(tmp_path / "library"))
    app = typer.Typer()
    app.command()(index)
    app.command()(search)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def test_by_command(place: Path, tmp_path: Path, run: Any) -> None:
    path = captions(tmp_path, CAPTIONS | {"no.wav": ["x"]}, model="mine")
    done = run("index", tmp_path / "sounds", "--captions", path)
    assert done.exit_code == 0, done.output
    assert done.stdout.strip().endswith("3 files, 9 windows, 5 captions of 3 files added")
    assert "the library has no" in done.stderr
    done = run("search", "barking", "--said")
    assert done.exit_code == 0, done.output
    (line,) = done.stdout.splitlines()
    assert "dog.wav  0:00.0-0:03.0  " in line
    found = json.loads(run("search", "train", "--said", "--json").stdout)
    assert found[0]["text"] == "a train passes by"
    assert found[0]["source"] == "mine"
    assert run("search", "submarine", "--said").stdout == "no caption holds any of the words\n"
    wrong: list[tuple[list[object], type[HarkError], str]] = [
        (["search", "--said", "--like", tmp_path / "sounds/dog.wav"], SettingError, "give words"),
        (["index", tmp_path / "sounds", "--captions", tmp_path / "none.jsonl"], DataError, "no such file"),
    ]
    for words, error, told in wrong:
        done = run(*words)
        assert isinstance(done.exception, error)
        assert told in str(done.exception)


def _owner(place: Path) -> Any:
    return sqlite.owner_of(place)


def _files(place: Path) -> list[str]:
    plain = sqlite3.connect(place / sqlite.FILE)
    found = [path for (path,) in plain.execute("SELECT path FROM file ORDER BY path")]
    plain.close()
    return found
