"""`hark index` over a folder of trouble: each bad file is one line, all else is indexed, and the exit code tells."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

RATE_HZ = 16000


def hark(*words: object) -> subprocess.CompletedProcess[str]:
    code = "from hark.cli.main import main; main()"
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )


@pytest.fixture
def trouble(tmp_path: Path) -> Path:
    folder = tmp_path / "trouble"
    folder.mkdir()
    wave = np.random.default_rng(0).standard_normal(RATE_HZ) / 10

    # what must work
    soundfile.write(folder / "good.wav", wave, RATE_HZ)
    soundfile.write(folder / "good_8_channels.wav", np.stack([wave] * 8, axis=1), RATE_HZ)
    soundfile.write(folder / "good_96khz.flac", np.resize(wave, 96000), 96000)
    soundfile.write(folder / "good.mp3", wave, RATE_HZ)
    soundfile.write(folder / "good.opus", wave, RATE_HZ, format="OGG", subtype="OPUS")

    # what cannot
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.wav").write_text("Dear diary, this is no sound.\n" * 20)
    whole = (folder / "good.wav").read_bytes()
    (folder / "truncated.wav").write_bytes(whole[: len(whole) // 2])
    flac = (folder / "good_96khz.flac").read_bytes()
    (folder / "truncated.flac").write_bytes(flac[: len(flac) // 2])
    soundfile.write(folder / "zero_length.wav", np.zeros(0), RATE_HZ)
    soundfile.write(folder / "silent.wav", np.zeros(RATE_HZ), RATE_HZ)
    for name, value in (("nan.wav", np.nan), ("inf.wav", np.inf)):
        broken = wave.astype(np.float32)
        broken[500] = value
        soundfile.write(folder / name, broken, RATE_HZ, subtype="FLOAT")
    header = bytearray(whole)
    at = header.index(b"fmt ") + 12
    header[at : at + 4] = struct.pack("<I", 0)
    (folder / "zero_hz.wav").write_bytes(bytes(header))
    return folder


BAD = {
    "empty.wav": "empty",
    "text.wav": "",
    "truncated.wav": "cut short|truncated|ends early",
    "truncated.flac": "cut short|truncated|ends early|damaged",
    "zero_length.wav": "no samples",
    "silent.wav": "silent",
    "nan.wav": "NaN",
    "inf.wav": "infinite",
    "zero_hz.wav": "0 Hz",
}


def test_every_bad_file_is_one_line_and_the_rest_is_found(trouble: Path, tmp_path: Path) -> None:
    import re

    library = tmp_path / "library"
    made = hark("index", trouble, "--library", library, "--json")
    assert made.returncode == 1
    assert "Traceback" not in made.stderr
    report = json.loads(made.stdout)
    lines = made.stderr.splitlines()
    for name, reason in BAD.items():
        told = [line for line in lines if re.search(rf"\b{re.escape(name)}\b", line)]
        assert len(told) == 1, (name, made.stderr)
        assert re.search(reason, told[0]), told[0]
    assert not any("good" in line for line in lines), made.stderr
    assert report["added"] == 5

    found = hark("search", "white noise", "--library", library, "-k", 20, "--json")
    assert found.returncode == 0, found.stderr
    assert sorted(Path(hit["path"]).name for hit in json.loads(found.stdout)) == sorted(
        file.name for file in trouble.glob("good*")
    )

    again = hark("index", trouble, "--library", library)  # nothing new, and the trouble is told again
    assert again.returncode == 1
    for name in BAD:
        assert name in again.stderr


@pytest.mark.slow
def test_six_hours_are_indexed(tmp_path: Path) -> None:
    folder = tmp_path / "long"
    folder.mkdir()
    minute = (np.random.default_rng(0).standard_normal(60 * RATE_HZ) / 10).astype(np.float32)
    with soundfile.SoundFile(folder / "six_hours.flac", "w", RATE_HZ, 1) as file:
        for _ in range(360):
            file.write(minute)
    made = hark("index", folder, "--library", tmp_path / "library", "--json")
    assert made.returncode == 0, made.stderr
    found = json.loads(
        hark("search", "rain", "--library", tmp_path / "library", "--all-spans", "-k", 9000, "--json").stdout
    )
    assert len(found) == 1 + (6 * 3600 - 5) * 2 // 5
    assert max(hit["end_s"] for hit in found) == 6 * 3600
