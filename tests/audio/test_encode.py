"""Sound files: soundfile reads back what was written."""

import numpy as np
import pytest
import soundfile

from hark.audio import encode
from hark.core.errors import SoundError


@pytest.mark.parametrize(("suffix", "kind"), [(".flac", "FLAC"), (".WAV", "WAV")])
def test_soundfile_reads_what_was_written(tmp_path, suffix, kind):
    wave = np.random.default_rng(0).uniform(-1, 1, 4410).astype(np.float32)
    path = tmp_path / f"noise{suffix}"
    encode.write(path, wave, 22050)
    read, rate_hz = soundfile.read(path, dtype="float32")
    assert soundfile.info(path).format == kind
    assert rate_hz == 22050
    np.testing.assert_allclose(read, wave, atol=1.01 / 2**15)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]  # nothing is left beside it


def test_loud_samples_are_clipped_not_wrapped(tmp_path):
    encode.write(tmp_path / "loud.wav", np.array([1.5, -1.5, 0.0], dtype=np.float32), 8000)
    read, _ = soundfile.read(tmp_path / "loud.wav")
    np.testing.assert_allclose(read, [1, -1, 0], atol=1e-4)


@pytest.mark.parametrize(
    ("name", "wave", "message"),
    [
        ("a.mp3", [0.5], r"a\.mp3: cannot write '\.mp3'; name it \.flac or \.wav"),
        ("a.wav", [], r"a\.wav: no samples"),
        ("a.wav", [0.1, np.nan], r"a\.wav: the wave has samples that are NaN"),
        ("a.wav", [0.1, np.inf], r"infinite"),
    ],
)
def test_what_cannot_be_written_is_refused_and_leaves_nothing(tmp_path, name, wave, message):
    with pytest.raises(SoundError, match=message):
        encode.write(tmp_path / name, np.array(wave, dtype=np.float32), 8000)
    assert not list(tmp_path.iterdir())
