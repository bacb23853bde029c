"""m4a, aac, mp4 and webm: FFmpeg called plainly through PyAV, and the sound that went in."""

import builtins
import io
import sys

import numpy as np
import pytest

from hark.audio.decode import blocks, decode, info
from hark.core.errors import SoundError

av = pytest.importorskip("av")
KINDS = [("ipod", "aac", 44100), ("mp4", "aac", 48000), ("adts", "aac", 44100), ("webm", "libopus", 48000)]


def plainly(data: bytes) -> np.ndarray:
    with av.open(io.BytesIO(data)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


@pytest.mark.parametrize(("container", "codec", "rate_hz"), KINDS)
def test_it_is_what_ffmpeg_gives(tmp_path, container, codec, rate_hz, make_wave, encode_with_pyav):
    data = encode_with_pyav(make_wave(rate_hz, 3, 2), rate_hz, container, codec)
    path = tmp_path / "clip.m4a"
    path.write_bytes(data)
    wave = decode(path)
    np.testing.assert_allclose(wave, plainly(data).mean(axis=0), atol=1e-7)
    np.testing.assert_array_equal(decode(data), wave)
    np.testing.assert_array_equal(np.concatenate(list(blocks(path, block_s=0.4))), wave)
    found = info(path)
    assert (found.frames, found.rate_hz, found.channels) == (len(wave), rate_hz, 2)
    stretch = decode(data, start_s=1.1, duration_s=0.7)
    np.testing.assert_array_equal(stretch, wave[round(1.1 * rate_hz) :][: round(0.7 * rate_hz)])
    at_16000 = decode(path, 16000, start_s=1.1, duration_s=0.7)
    np.testing.assert_allclose(at_16000, decode(path, 16000)[17600 : 17600 + 11200], atol=2e-6)


def test_lossless_sound_in_a_video_container_comes_back(make_wave, encode_with_pyav):
    wave = np.round(make_wave(44100, 1) * 32768) / 32768
    data = encode_with_pyav(wave.astype(np.float32), 44100, "matroska", "pcm_f32le")
    np.testing.assert_allclose(decode(data), wave, atol=1e-7)


@pytest.mark.parametrize("container", ["ipod", "mp4"])
def test_damage_and_early_ends(container, make_wave, encode_with_pyav):
    data = encode_with_pyav(make_wave(44100, 5), 44100, container, "aac")
    with pytest.raises(SoundError, match=r"^<bytes>: (not a sound|damaged|cut short)"):
        decode(data[: len(data) // 2])
    middle = bytearray(data)
    middle[len(data) // 2 : len(data) // 2 + 2000] = np.random.default_rng(0).bytes(2000)
    with pytest.raises(SoundError, match=r"^<bytes>: damaged"):
        decode(bytes(middle))


def test_a_download_that_stopped(tmp_path, make_wave, encode_with_pyav):
    """With the index in front, as on the web, a cut file still opens."""
    path = tmp_path / "clip.m4a"
    encode_with_pyav(make_wave(44100, 5), 44100, "ipod", "aac", path=path, movflags="faststart")
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    for keep in (0.5, 0.9):
        path.write_bytes(data[: int(len(data) * keep)])
        with pytest.raises(SoundError, match=r"^clip.m4a: (damaged|cut short)"):
            decode(path)


def test_past_the_end(make_wave, encode_with_pyav):
    data = encode_with_pyav(make_wave(44100, 1), 44100, "ipod", "aac")
    with pytest.raises(SoundError, match=r"^<bytes>: the stretch starts at 5 s, past the sound's end$"):
        decode(data, start_s=5, duration_s=1)


def test_a_video_without_sound():
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        for _ in range(3):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")))
        output.mux(stream.encode(None))
    with pytest.raises(SoundError, match=r"^<bytes>: a video without sound"):
        decode(file.getvalue())


def test_without_pyav_the_error_says_what_to_install(monkeypatch, make_wave, encode_with_pyav):
    data = encode_with_pyav(make_wave(44100, 1), 44100, "ipod", "aac")
    real = builtins.__import__

    def without_av(name, *rest, **more):
        if name == "av":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.delitem(sys.modules, "av")
    monkeypatch.setattr(builtins, "__import__", without_av)
    with pytest.raises(SoundError, match=r"^<bytes>: .*pip install 'hark\[video\]'"):
        decode(data)
