"""Names that are no UTF-8: the file is named and passed over, the rest is indexed."""

import json
import os
from pathlib import Path

import pytest
import typer
from band_model import BandModel, write_bands
from typer.testing import CliRunner

from hark.cli.index import index
from hark.core.errors import SettingError
from hark.search.engine import Library
from hark.search.walk import root_of

REASON = "its name is not UTF-8; rename it"


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    write_bands(folder / "ok.wav", [1, 2])
    data = (folder / "ok.wav").read_bytes()
    try:
        for name in (b"caf\xe9.wav", b"sub\xfe/a.wav"):
            file = folder / os.fsdecode(name)
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(data)
    except OSError:
        pytest.skip("the file system refuses such names")
    return folder


def test_such_a_file_is_named_on_one_line(sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hark.runtime.load.load", lambda name: BandModel())
    app = typer.Typer()
    app.command()(index)
    for added, kept in ((1, 0), (0, 1)):  # again: it does not stop there either
        done = CliRunner().invoke(app, [str(sounds), "--library", str(tmp_path / "library"), "--json"])
        assert done.exit_code == 1, done.output
        first, second, last = done.stderr.splitlines()
        assert first == rf"hark: {sounds}/caf\xe9.wav: {REASON}"
        assert second == rf"hark: {sounds}/sub\xfe/a.wav: {REASON}"
        assert last.startswith(f"{added} added, 0 changed, 0 removed, {kept} kept, 2 unreadable")
        assert json.loads(done.stdout)["files"] == 1


def test_a_renamed_file_is_indexed(sounds: Path, tmp_path: Path) -> None:
    library = Library(tmp_path / "library", BandModel())  # type: ignore[arg-type]
    library.index(sounds)
    (sounds / os.fsdecode(b"caf\xe9.wav")).rename(sounds / "café.wav")
    report = library.index(sounds)
    assert (report.added, report.kept, len(report.unreadable)) == (1, 1, 1)


def test_a_folder_of_such_a_name_is_refused(sounds: Path, tmp_path: Path) -> None:
    folder = sounds / os.fsdecode(b"sub\xfe")
    with pytest.raises(SettingError) as caught:
        Library(tmp_path / "library", BandModel()).index(folder)  # type: ignore[arg-type]
    assert str(caught.value) == rf"{sounds}/sub\xfe: {REASON}"
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(SettingError, match="not UTF-8"):
        root_of(tmp_path / "link")
