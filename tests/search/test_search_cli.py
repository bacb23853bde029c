"""The commands say what they did, and where: results on stdout, everything else on stderr."""

import json
from pathlib import Path

import pytest
import typer
from band_model import BandModel, write_bands
from click.testing import Result
from typer.testing import CliRunner

from hark.cli import index as index_command
from hark.cli.index import clock, index
from hark.cli.search import search
from hark.core.errors import HarkError, LibraryError, SettingError
from hark.index.place import library_folder


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> BandModel:
    """Stands in for the loader; every name is the band model's."""
    model = BandModel()
    monkeypatch.setattr("hark.runtime.load.load", lambda name: model)
    monkeypatch.delenv("HARK_LIBRARY", raising=False)
    monkeypatch.setenv("HARK_HOME", str(tmp_path / "home"))
    return model


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    write_bands(tmp_path / "sounds" / "low.wav", [1] * 62 + [2, 1])
    write_bands(tmp_path / "sounds" / "高い[bold].wav", [9, 9])
    return tmp_path / "sounds"


def run(*words: object) -> Result:
    app = typer.Typer()
    app.command()(index)
    app.command()(search)
    return CliRunner().invoke(app, [str(word) for word in words])


def test_index_then_search(sounds: Path, tmp_path: Path) -> None:
    done = run("index", sounds)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{tmp_path / 'home' / 'library'}: 2 files, 66 windows\n"
    assert "2 added, 0 changed, 0 removed, 0 kept, 0 unreadable; 1:06.0 of sound in 0:0" in done.stderr

    done = run("search", "band 2")
    assert done.exit_code == 0, done.output
    head, first, second = done.stdout.splitlines()
    assert head.split() == ["score", "path", "start", "end"]
    score, path, start, end = first.split()
    assert (path, start, end) == (str(sounds / "low.wav"), "1:02.0", "1:03.0")
    assert float(score) > 0.99
    assert str(sounds / "高い[bold].wav") in second
    assert len(run("search", "band 2", "--all-spans", "-k", 5).stdout.splitlines()) == 6


def test_json(sounds: Path, tmp_path: Path) -> None:
    (sounds / "broken.wav").write_text("no")
    done = run("index", sounds, "--library", tmp_path / "mine", "--json", "--jobs", 1)
    assert done.exit_code == 1
    said = json.loads(done.stdout)
    assert (said["files"], said["windows"], said["added"], said["library"]) == (2, 66, 2, str(tmp_path / "mine"))
    assert [fault["path"] for fault in said["unreadable"]] == [str(sounds / "broken.wav")]
    assert done.stderr.startswith(f"hark: {sounds / 'broken.wav'}: ")

    done = run("search", "--like", sounds / "高い[bold].wav", "--library", tmp_path / "mine", "--json", "-k", 1)
    assert done.exit_code == 0, done.output
    (hit,) = json.loads(done.stdout)
    assert sorted(hit) == ["end_s", "path", "score", "start_s"]
    assert (hit["path"], hit["end_s"] - hit["start_s"]) == (str(sounds / "高い[bold].wav"), 1.0)
    assert hit["score"] == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        (("search", "band 1"), LibraryError, "no library here yet; make one with `hark index FOLDER`"),
        (("search", ""), SettingError, "the question is empty"),
        (("search",), SettingError, "nothing is asked"),
        (("index", "nowhere"), SettingError, "nowhere: no such folder"),
    ],
)
def test_errors_are_one_line(words: tuple[str, ...], kind: type[HarkError], message: str) -> None:
    done = run(*words)
    assert type(done.exception) is kind
    assert message in str(done.exception)
    assert "\n" not in str(done.exception)


def test_ctrl_c_says_that_it_continues(sounds: Path, model: BandModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(status: int) -> None:
        raise SystemExit(status)

    monkeypatch.setattr(index_command.os, "_exit", leave)
    plain = model.embed_windows

    def press(source: Path):
        if source.name.startswith("高"):
            raise KeyboardInterrupt
        return plain(source)

    model.embed_windows = press  # type: ignore[method-assign, assignment]
    done = run("index", sounds)
    assert done.exit_code == 130
    assert done.stderr == "hark: stopped; run it again, it continues where it stopped\n"
    model.embed_windows = plain  # type: ignore[method-assign]
    assert "1 added, 0 changed, 0 removed, 1 kept" in run("index", sounds).stderr


def test_where_the_library_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert library_folder() == tmp_path / "home" / "library"
    monkeypatch.setenv("HARK_LIBRARY", "~/sounds")
    assert library_folder() == Path.home() / "sounds"
    assert library_folder(tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00.0"), (9.96, "0:10.0"), (59.97, "1:00.0"), (75.25, "1:15.2"), (3600, "60:00.0")]
)
def test_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown
