"""A library whose making was killed again and again equals, row for row, one that was made in one go."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from band_model import BandModel, write_bands

from hark.search.engine import Library

PROGRAM = Path(__file__).with_name("index_once.py")


def dump(library: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, ids and vectors and all."""
    plain = sqlite3.connect(library / "library.sqlite")
    assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert plain.execute("PRAGMA foreign_key_check").fetchall() == []
    orders = {"file": "id", "span": "id", "unreadable": "path", "meta": "key"}
    found = {
        table: plain.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall() for table, order in orders.items()
    }
    plain.close()
    return found


def make_sounds(folder: Path, clips: int) -> None:
    rng = np.random.default_rng(0)
    for i in range(clips):
        bands = rng.integers(0, BandModel.dim, size=rng.integers(1, 4)).tolist()
        write_bands(folder / f"{i % 5}" / f"{i:05d}.wav", bands, seed=i)
    for i in range(0, clips, 9):
        (folder / f"{i % 5}" / f"broken{i:05d}.wav").write_bytes(b"no sound %d" % i)


def change_sounds(folder: Path) -> None:
    """Every sixth file is changed, every sixth removed, every twelfth added anew, a broken one mended."""
    for i, path in enumerate(sorted(folder.rglob("0*.wav"))):
        if i % 6 == 0:
            write_bands(path, [i % 16, (i + 1) % 16, 3, 4], seed=1000 + i)
        elif i % 6 == 3:
            path.unlink()
        elif i % 12 == 2:
            write_bands(path.with_name(f"a{i}.wav"), [i % 16], seed=2000 + i)
    write_bands(next(iter(sorted(folder.rglob("broken*")))), [1])
    sorted(folder.rglob("0*.wav"))[5].write_bytes(b"broken now")


def run(folder: Path, library: Path, kill_at: int | None = None) -> int:
    command = [sys.executable, PROGRAM, folder, library, *([] if kill_at is None else [str(kill_at)])]
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode


def kill_after(folder: Path, library: Path, *, lines: int, delay_s: float = 0.0) -> int:
    """Kills the program from outside once it has told of so many files, wherever it is by then."""
    command = [sys.executable, PROGRAM, folder, library]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        for _ in range(lines):
            program.stdout.readline()
        if delay_s:
            time.sleep(delay_s)
        program.kill()
    return program.returncode


def test_killed_in_the_middle_of_transactions(tmp_path: Path) -> None:
    sounds, killed, whole = tmp_path / "sounds", tmp_path / "killed", tmp_path / "whole"
    make_sounds(sounds, 50)
    rng = np.random.default_rng(1)

    moments = [3, 9, *rng.integers(20, 150, size=3)]  # 9: among the tables' making
    assert [run(sounds, killed, int(moment)) for moment in moments] == [-signal.SIGKILL] * len(moments)
    assert 5 < len(dump(killed)["file"]) < 50
    assert kill_after(sounds, killed, lines=4) == -signal.SIGKILL
    with Library(killed, BandModel()) as library:
        assert library.index(sounds).kept > 5
    with Library(whole, BandModel()) as library:
        library.index(sounds, jobs=1)
    assert dump(killed) == dump(whole)
    assert len(dump(whole)["file"]) == 50
    assert len(dump(whole)["unreadable"]) == 6

    change_sounds(sounds)
    moments = [15, *rng.integers(20, 80, size=2)]
    assert [run(sounds, killed, int(moment)) for moment in moments] == [-signal.SIGKILL] * len(moments)
    assert run(sounds, killed) == 0
    with Library(whole, BandModel()) as library:
        report = library.index(sounds)
        assert min(report.added, report.changed, report.removed, report.kept) > 0
    assert dump(killed) == dump(whole)


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path: Path) -> None:
    """HARK_KILL_CLIPS files, and HARK_KILLS kills from outside; half of them while changes are taken in."""
    clips, kills = int(os.environ.get("HARK_KILL_CLIPS", "1000")), int(os.environ.get("HARK_KILLS", "30"))
    sounds, killed, whole = tmp_path / "sounds", tmp_path / "killed", tmp_path / "whole"
    make_sounds(sounds, clips)
    rng = np.random.default_rng(2)
    for _ in range(2):
        for _ in range(kills // 2):
            lines = int(rng.integers(0, max(2, 2 * clips // kills)))
            kill_after(sounds, killed, lines=lines, delay_s=float(rng.uniform(0, 0.05)))
        assert run(sounds, killed) == 0
        with Library(whole, BandModel()) as library:
            library.index(sounds)
        assert dump(killed) == dump(whole)
        change_sounds(sounds)
    shutil.rmtree(sounds)


@pytest.mark.slow
def test_real_sounds_killed_at_random_moments(tmp_path: Path) -> None:
    """The command itself, on real recordings: their folder is HARK_KILL_SOUNDS, the model HARK_MODEL or mini."""
    sounds = os.environ.get("HARK_KILL_SOUNDS")
    if sounds is None:
        pytest.skip("HARK_KILL_SOUNDS names no folder of sounds")
    code = "from hark.cli.main import main; main()"
    chosen = ["--model", os.environ.get("HARK_MODEL", "mini")]

    def command(library: Path) -> list[str | Path]:
        return [sys.executable, "-c", code, "index", sounds, "--library", library, *chosen]

    started = time.monotonic()
    subprocess.run(command(tmp_path / "whole"), check=False, stderr=subprocess.DEVNULL)
    took = time.monotonic() - started
    rng = np.random.default_rng(3)
    kills = 0
    for moment in rng.uniform(0.02, 0.2, size=10) * took:
        with subprocess.Popen(command(tmp_path / "killed"), stderr=subprocess.DEVNULL) as program:
            try:
                program.wait(moment + 2.0)  # two seconds to load the model
            except subprocess.TimeoutExpired:
                program.kill()
                kills += 1
    assert kills >= 5  # or it was over too soon to show anything
    subprocess.run(command(tmp_path / "killed"), check=False, stderr=subprocess.DEVNULL)
    whole = dump(tmp_path / "whole")
    assert len(whole["file"]) > 0
    assert dump(tmp_path / "killed") == whole
