"""A corpus whose preparing was killed again and again equals, byte for byte, one that was prepared in one go."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

PROGRAM = """
import sys
from hark.data.prepare import run
run.SHARD = 2
chosen = run.Settings("folder", sys.argv[1], sys.argv[2])
run.prepare(chosen, jobs=int(sys.argv[3]), progress=lambda done, total: print(done, flush=True))
"""


def make_sounds(folder, clips):
    rng = np.random.default_rng(0)
    for i in range(clips):
        file = folder / f"{i % 5}" / f"sound {i:04d}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(file, 0.1 * rng.standard_normal(int(rng.integers(100, 40_000))), 16000)
    for i in range(0, clips, 9):
        shutil.copy(folder / f"{i % 5}" / f"sound {i:04d}.wav", folder / f"again {i:04d}.wav")
        (folder / f"broken{i:04d}.wav").write_bytes(b"no sound %d" % i)


def command(folder, out, jobs):
    return [sys.executable, "-c", PROGRAM, folder, out, str(jobs)]


def kill_after(words, *, lines, delay_s):
    """Kills the program from outside once it has told of so much, wherever it and its workers are by then."""
    with subprocess.Popen(words, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        for _ in range(lines):
            program.stdout.readline()
        time.sleep(delay_s)
        program.kill()
        program.stdout.read()  # ends when the last worker has gone: they hold it too
    return program.returncode


def tree(out):
    """Every file below `out` and what it holds; hidden ones too, except for the lock."""
    return {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file() and p.name != ".lock"}


def killed_ten_times(folder, tmp_path, *, clips, jobs):
    rng = np.random.default_rng(1)
    codes = []
    for _ in range(10):
        lines = int(rng.integers(0, max(2, clips // 20)))
        words = command(folder, tmp_path / "killed", jobs)
        codes.append(kill_after(words, lines=lines, delay_s=float(rng.uniform(0, 0.05))))
    subprocess.run(command(folder, tmp_path / "killed", jobs), stdout=subprocess.DEVNULL, check=True)
    subprocess.run(command(folder, tmp_path / "whole", 0), stdout=subprocess.DEVNULL, check=True)
    assert codes.count(-signal.SIGKILL) >= 8
    whole = tree(tmp_path / "whole")
    assert len([name for name in whole if name.endswith(".flac")]) >= clips
    assert tree(tmp_path / "killed") == whole


@pytest.mark.parametrize("jobs", [0, 2])
def test_killed_ten_times(tmp_path, jobs):
    make_sounds(tmp_path / "sounds", 60)
    killed_ten_times(tmp_path / "sounds", tmp_path, clips=60, jobs=jobs)


@pytest.mark.slow
def test_many_sounds_killed_ten_times(tmp_path):
    make_sounds(tmp_path / "sounds", 600)
    killed_ten_times(tmp_path / "sounds", tmp_path, clips=600, jobs=3)


def real_sounds(tmp_path):
    """What `hark data prepare` takes: all below HARK_KILL_SOUNDS, or every ninth of the table that HARK_SOUNDS names.

    Without either the table is `shared/sounds/metadata.csv` beside the project.
    """
    if folder := os.environ.get("HARK_KILL_SOUNDS"):
        return ["folder", "--source", folder]
    table = Path(os.environ.get("HARK_SOUNDS", Path(__file__).parents[3] / "shared" / "sounds" / "metadata.csv"))
    if not table.is_file():
        pytest.skip("HARK_KILL_SOUNDS names no folder of sounds, and HARK_SOUNDS no table")
    with table.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    with (tmp_path / "some.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows[::9]])
    return ["folder", "--source", table.parent, "--set", f"table={tmp_path / 'some.csv'}"]


@pytest.mark.slow
def test_real_sounds_killed_at_random_moments(tmp_path):
    """The command itself, on real recordings."""
    sounds = real_sounds(tmp_path)
    code = "from hark.cli.main import main; main()"

    def words(out):
        return [sys.executable, "-c", code, "data", "prepare", *sounds, "--out", out]

    started = time.monotonic()
    subprocess.run(words(tmp_path / "whole"), check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    took = time.monotonic() - started
    rng = np.random.default_rng(3)
    kills = 0
    for moment in rng.uniform(0.02, 0.15, size=10) * took:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(words(tmp_path / "killed"), **quiet) as program:
            try:
                program.wait(moment + 1.0)
            except subprocess.TimeoutExpired:
                program.kill()
                kills += 1
    assert kills >= 5  # or it was over too soon to show anything
    subprocess.run(words(tmp_path / "killed"), check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    names = [path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").rglob("*") if path.is_file()]
    assert len(names) > 2
    for name in names:
        assert (tmp_path / "killed" / name).read_bytes() == Path(tmp_path / "whole" / name).read_bytes()
    assert len(names) == sum(path.is_file() for path in (tmp_path / "killed").rglob("*"))
