"""Only what is new, changed or gone is worked; what cannot be read is told and does not stop the rest."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from band_model import BandModel, write_bands

from hark.core.errors import LibraryError, SettingError
from hark.index.sqlite import writing
from hark.search.engine import Library
from hark.search.ingest import Progress
from hark.search.walk import printable, walk


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    for i, name in enumerate(["b.wav", "a/1.flac", "a/2.WAV", "c/d/e.ogg", "a.wav"]):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(i)
        soundfile.write(path, 0.1 * rng.standard_normal((8000 + 1000 * i, 1 + i % 2)), 8000)
    (folder / "notes.txt").write_text("no sound")
    return folder


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "library", BandModel())  # type: ignore[arg-type]


def heard(library: Library) -> list[str]:
    """What the model was given since the last time."""
    model = library._model
    assert isinstance(model, BandModel)
    names, model.heard = sorted(model.heard), []
    return names


def test_each_file_is_heard_once(sounds: Path, library: Library) -> None:
    report = library.index(sounds)
    assert heard(library) == ["1.flac", "2.WAV", "a.wav", "b.wav", "e.ogg"]
    assert (report.added, report.changed, report.removed, report.kept) == (5, 0, 0, 0)
    assert report.audio_s == pytest.approx(sum(8000 + 1000 * i for i in range(5)) / 8000)
    report = library.index(sounds)
    assert heard(library) == []
    assert (report.added, report.changed, report.removed, report.kept) == (0, 0, 0, 5)


def test_what_the_file_says_is_stored(sounds: Path, library: Library) -> None:
    import sqlite3

    library.index(sounds)
    plain = sqlite3.connect(library.folder / "library.sqlite")
    rows = plain.execute("SELECT path, size, mtime_ns, duration_s, rate_hz, channels FROM file ORDER BY id").fetchall()
    plain.close()
    assert [row[0] for row in rows] == sorted(str(p.resolve()) for p in sounds.rglob("*.*") if p.suffix != ".txt")
    for path, *said in rows:
        file, plain_info = Path(path).stat(), soundfile.info(path)
        assert said == [file.st_size, file.st_mtime_ns, plain_info.duration, plain_info.samplerate, plain_info.channels]


def test_touched_changed_removed_and_added(sounds: Path, library: Library) -> None:
    library.index(sounds)
    heard(library)
    os.utime(sounds / "a.wav", ns=(1, 1))
    write_bands(sounds / "b.wav", [1, 2, 3])
    (sounds / "a" / "1.flac").unlink()
    write_bands(sounds / "new.wav", [1])
    report = library.index(sounds)
    assert heard(library) == ["a.wav", "b.wav", "new.wav"]
    assert (report.added, report.changed, report.removed, report.kept) == (1, 2, 1, 2)
    assert library.counts()[0] == 5


def test_a_second_folder_joins_and_a_sub_folder_is_not_the_whole(
    sounds: Path, library: Library, tmp_path: Path
) -> None:
    library.index(sounds)
    write_bands(tmp_path / "other" / "x.wav", [4])
    assert library.index(tmp_path / "other").removed == 0
    assert library.counts()[0] == 6
    assert library.index(sounds / "a").kept == 2
    (sounds / "a" / "1.flac").unlink()
    assert library.index(sounds / "a").removed == 1
    assert library.counts()[0] == 5


def test_a_folder_is_the_same_by_another_name(
    sounds: Path, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.index(sounds)
    (tmp_path / "link").symlink_to(sounds)
    assert library.index(tmp_path / "link").kept == 5
    monkeypatch.chdir(sounds / "a")
    assert library.index(Path("..")).kept == 5


def test_what_cannot_be_read_is_told_every_time_but_tried_once(sounds: Path, library: Library) -> None:
    (sounds / "text.wav").write_text("not a sound")
    (sounds / "empty.mp3").write_bytes(b"")
    soundfile.write(sounds / "nothing.wav", np.zeros((0, 1)), 8000)
    soundfile.write(sounds / "nan.wav", np.full(8000, np.nan), 8000, subtype="FLOAT")
    os.mkfifo(sounds / "pipe.wav")
    (sounds / "gone.wav").symlink_to(sounds / "nowhere.wav")
    write_bands(sounds / "cafe.wav", [1])
    (sounds / "cafe.wav").rename(sounds / os.fsdecode(b"caf\xe9.wav"))

    first = library.index(sounds)
    assert first.added == 5
    reasons = {fault.path.removeprefix(f"{sounds}/"): fault.reason for fault in first.unreadable}
    assert sorted(reasons) == [
        "caf\\xe9.wav",
        "empty.mp3",
        "gone.wav",
        "nan.wav",
        "nothing.wav",
        "pipe.wav",
        "text.wav",
    ]
    assert reasons["pipe.wav"] == "not a regular file"
    assert reasons["gone.wav"] == "a link to a file that is not there"
    assert reasons["caf\\xe9.wav"] == "its name is not UTF-8; rename it"
    assert not any("\n" in reason or reason.startswith(str(sounds)) for reason in reasons.values())

    heard(library)
    assert library.index(sounds).unreadable == first.unreadable
    assert heard(library) == []
    assert {"nan.wav"} <= set((library.index(sounds, retry=True), heard(library))[1])

    write_bands(sounds / "text.wav", [1])
    (sounds / "a.wav").write_bytes(b"broken now")
    report = library.index(sounds)
    assert (report.added, report.changed, report.removed, report.kept) == (1, 0, 0, 4)
    assert [fault.path.removeprefix(f"{sounds}/") for fault in report.unreadable] == [
        "a.wav", "caf\\xe9.wav", "empty.mp3", "gone.wav", "nan.wav", "nothing.wav", "pipe.wav"
    ]  # fmt: skip
    (sounds / "a.wav").unlink()
    assert len(library.index(sounds).unreadable) == 6


def test_folders_that_are_no_use(sounds: Path, library: Library, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="nowhere: no such folder"):
        library.index(tmp_path / "nowhere")
    with pytest.raises(SettingError, match=r"b\.wav: not a folder"):
        library.index(sounds / "b.wav")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SettingError, match="empty: no sounds in it"):
        library.index(tmp_path / "empty")
    with pytest.raises(SettingError, match="0 jobs; at least 1"):
        library.index(sounds, jobs=0)
    assert not library.folder.exists()


def test_a_drive_that_is_not_mounted_removes_nothing(sounds: Path, library: Library) -> None:
    library.index(sounds)
    sounds.rename(sounds.with_name("away"))
    sounds.mkdir()
    with pytest.raises(SettingError, match="the library stays as it is"):
        library.index(sounds)
    assert library.counts()[0] == 5


def test_a_folder_that_cannot_be_listed_keeps_its_files(
    sounds: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.index(sounds)
    plain = os.scandir

    def refuse(place: str | Path):
        if str(place).endswith("/a"):
            raise PermissionError(13, "Permission denied", str(place))
        return plain(place)

    monkeypatch.setattr(os, "scandir", refuse)
    report = library.index(sounds)
    assert (report.removed, report.kept) == (0, 3)
    assert [fault.reason for fault in report.unreadable] == ["the folder cannot be listed (Permission denied)"]
    assert library.counts()[0] == 5


def test_the_walk_is_sorted_and_stays_in_the_folder(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for name in ("b.wav", "a/z.wav", "a.wav", ".hidden.wav", ".trash/x.wav", "._b.wav", "sound.wav/x.wav"):
        write_bands(inside / name, [1])
    write_bands(outside / "x.wav", [1])
    (inside / "link").symlink_to(outside)
    (inside / "link.wav").symlink_to(outside)
    (inside / "loop").symlink_to(inside)
    (inside / "one.wav").symlink_to(outside / "x.wav")
    found = walk(str(inside))
    assert [file.path.removeprefix(f"{inside}/") for file in found.files] == [
        "a.wav", "a/z.wav", "b.wav", "one.wav", "sound.wav/x.wav"
    ]  # fmt: skip
    assert found.faults == ()


def test_printable_is_one_line_whatever_the_name() -> None:
    assert printable("/a/sœur.wav") == "/a/sœur.wav"
    assert printable(os.fsdecode(b"/a\n\xff\x1b[31m.wav")) == r"/a\n\xff\x1b[31m.wav"


def test_progress_counts_what_is_worked(sounds: Path, library: Library) -> None:
    seen: list[Progress] = []
    report = library.index(sounds, progress=seen.append)
    assert [(p.done, p.total) for p in seen] == [(i, 5) for i in range(1, 6)]
    assert seen[-1].audio_s == report.audio_s
    assert [p.audio_s for p in seen] == sorted(p.audio_s for p in seen)


def test_the_rows_do_not_depend_on_the_number_of_workers(sounds: Path, tmp_path: Path) -> None:
    from test_search_kill import dump

    for jobs in (1, 7):
        with Library(tmp_path / str(jobs), BandModel()) as library:  # type: ignore[arg-type]
            library.index(sounds, jobs=jobs)
    assert dump(tmp_path / "1") == dump(tmp_path / "7")


def test_an_error_that_is_ours_stops_the_run_and_keeps_what_was_done(sounds: Path, library: Library) -> None:
    model = library._model
    plain = model.embed_windows

    def fail(source: Path):
        if source.name == "b.wav":
            raise ZeroDivisionError("ours")
        return plain(source)

    model.embed_windows = fail  # type: ignore[method-assign, assignment]
    with pytest.raises(ZeroDivisionError):
        library.index(sounds, jobs=1)
    model.embed_windows = plain  # type: ignore[method-assign]
    report = library.index(sounds)
    assert (report.added, report.kept) == (2, 3)


def test_two_writers_at_a_time_are_refused(sounds: Path, library: Library) -> None:
    with writing(library.folder, library._owner), pytest.raises(LibraryError, match="another hark is indexing"):
        library.index(sounds)
    assert library.index(sounds).added == 5


def test_torch_keeps_its_number_of_threads(sounds: Path, library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    import types

    threads = [3]
    torch = types.SimpleNamespace(get_num_threads=lambda: threads[-1], set_num_threads=threads.append)
    monkeypatch.setitem(sys.modules, "torch", torch)
    library.index(sounds)
    assert threads == [3, 1, 3]
