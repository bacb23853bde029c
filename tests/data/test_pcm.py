"""Decoding a corpus into one file: the same bytes however often it is cut off, and one line where there is no room."""

import json
import os
import resource
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from hark.core.errors import DataError, HarkError
from hark.data import pcm
from hark.data.pcm import open_pcm, require_room
from hark.data.records import Clip

KILLED = """
import os, signal, sys
from pathlib import Path
from hark.data import pcm
from hark.data.records import Clip

pcm.PART = 3
done = 0

def count(n):
    global done
    done += n
    if done == 8:
        os.kill(os.getpid(), signal.SIGKILL)

pcm.open_pcm([Clip(str(i), Path(sys.argv[1]) / f"{i}.wav") for i in range(10)], 8000, progress=count)
"""


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Clip]:
    """Ten clips of noise; clip i has 300 + i samples."""
    monkeypatch.setenv("HARK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pcm, "PART", 3)
    draws = np.random.default_rng(0)
    found = []
    for i in range(10):
        soundfile.write(tmp_path / f"{i}.wav", draws.integers(-20000, 20000, 300 + i).astype(np.int16), 8000)
        found.append(Clip(str(i), tmp_path / f"{i}.wav"))
    return found


def wanted(clips: list[Clip]) -> bytes:
    """All samples, as soundfile reads them."""
    return b"".join(soundfile.read(clip.path, dtype="int16")[0].tobytes() for clip in clips)


def decoded(tmp_path: Path) -> dict[str, bytes]:
    """The files of the only corpus in the cache."""
    (folder,) = (tmp_path / "cache/pcm").iterdir()
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def test_a_killed_process_loses_a_part_at_most(clips: list[Clip], tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=dict(os.environ), check=False)
    assert done.returncode == -signal.SIGKILL
    assert decoded(tmp_path).keys() == {"samples.part", "starts.part"}
    told: list[int] = []
    made = open_pcm(clips, 8000, progress=told.append)
    assert told == [6, 1, 1, 1, 1]
    assert decoded(tmp_path) == {
        "samples.i16": wanted(clips),
        "starts.json": json.dumps([0, *np.cumsum([300 + i for i in range(10)]).tolist()]).encode(),
    }
    for i, clip in enumerate(clips):
        assert np.array_equal(made.wave(i), soundfile.read(clip.path, dtype="float32")[0])
        assert np.array_equal(made.stretch(i, 290, 100), made.wave(i)[290:])
        assert made.length(i) == 300 + i


@pytest.mark.parametrize("locks", [True, False])
def test_several_at_once_make_one_file(
    clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locks: bool
) -> None:
    if not locks:
        monkeypatch.setattr(pcm, "_locked", lambda file: False)
    told: list[int] = []
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: open_pcm(clips, 8000, progress=told.append), range(4)))
    assert sum(told) == 10 or not locks  # those that waited found it done
    assert all(one.samples.tobytes() == wanted(clips) for one in made)
    assert decoded(tmp_path).keys() == {"samples.i16", "starts.json"}


def test_a_full_disk_is_one_line_and_it_goes_on(clips: list[Clip], tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * 2000, limits[1]))  # six clips and a half
    try:
        with pytest.raises(HarkError, match=r"cannot be written there \(File too large\); make room and run") as told:
            open_pcm(clips, 8000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(told.value)
    assert decoded(tmp_path)["samples.part"] == wanted(clips[:6])  # whole parts only
    open_pcm(clips, 8000)
    assert decoded(tmp_path)["samples.i16"] == wanted(clips)


def test_of_a_corpus_that_cannot_be_read_nothing_is_left(clips: list[Clip], tmp_path: Path) -> None:
    clips[7].path.write_bytes(b"RIFF")
    with pytest.raises(DataError, match=r"^clip '7': "):
        open_pcm(clips, 8000)
    assert decoded(tmp_path) == {}


def test_no_room_is_told_before_anything_is_decoded(
    clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = len(wanted(clips))
    part = [Clip("part", clips[0].path, start_s=0.01, duration_s=0.02)]  # 160 samples
    free = needed + 2 * 160
    monkeypatch.setattr(pcm.shutil, "disk_usage", lambda place: SimpleNamespace(free=free))
    require_room([clips, part], 8000, where="here")
    free -= 1
    with pytest.raises(
        HarkError, match=r"^here: 11 clips, decoded at 8000 Hz, need 0\.00 GiB in .*cache, where 0\.00 GiB .*--live$"
    ):
        require_room([clips, part], 8000, where="here")
    assert not (tmp_path / "cache").exists()
    open_pcm(clips, 8000)
    free = 2 * 160
    require_room([clips, part], 8000, where="here")  # what is decoded already needs none
