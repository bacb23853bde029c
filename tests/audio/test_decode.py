"""Whole sounds and their blocks: soundfile and soxr called plainly, closed forms, laws."""

import io
import tracemalloc

import numpy as np
import pytest
import soundfile
import soxr

from hark.audio.decode import blocks, decode, info


def plainly(data: bytes, rate_hz: int | None) -> np.ndarray:
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        read = file.read(file.frames, dtype="float32", always_2d=True)  # one read: soundfile seeks after each
        wave = read.mean(axis=1, dtype=np.float32)
        return wave if rate_hz in (None, file.samplerate) else soxr.resample(wave, file.samplerate, rate_hz, "HQ")


@pytest.mark.parametrize("rate_hz", [None, 32000])
def test_every_format_is_what_soundfile_and_soxr_give(tmp_path, any_kind, rate_hz, encode_kind):
    name = any_kind.name
    data = encode_kind(any_kind, 3.3, 1 if any_kind.subtype == "GSM610" else 2)
    (tmp_path / name).write_bytes(data)
    wave = decode(tmp_path / name, rate_hz)
    assert wave.dtype == np.float32
    np.testing.assert_array_equal(wave, plainly(data, rate_hz))
    np.testing.assert_array_equal(decode(data, rate_hz), wave)
    with (tmp_path / name).open("rb") as file:
        np.testing.assert_array_equal(decode(file, rate_hz), wave)
        assert not file.closed


@pytest.mark.parametrize("rate_hz", [None, 16000])
def test_blocks_concatenate_to_decode_bit_for_bit(any_kind, rate_hz, encode_kind):
    native_hz = any_kind.rate_hz
    data = encode_kind(any_kind, 25, 1)  # longer than one read of the decoder, at 44100 Hz
    pieces = list(blocks(data, rate_hz, block_s=0.7))
    size = round(0.7 * (rate_hz or native_hz))
    assert {len(piece) for piece in pieces[:-1]} == {size}
    assert 0 < len(pieces[-1]) <= size
    np.testing.assert_array_equal(np.concatenate(pieces), decode(data, rate_hz))


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize(("rate_hz", "channels"), [(96000, 8), (192000, 1), (11025, 3)])
def test_channels_are_averaged_whatever_the_width_and_rate(subtype, rate_hz, channels, encode):
    levels = np.linspace(-0.5, 0.7, channels)
    sound = np.tile(levels, (2000, 1))
    wave = decode(encode(sound, rate_hz, "WAV", subtype))
    np.testing.assert_allclose(wave, levels.mean(), atol=2 / 128 if subtype == "PCM_U8" else 1e-4)
    assert info(encode(sound, rate_hz, "WAV", subtype)).channels == channels


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([-32768, 0, 16384], np.int16), [-1, 0, 0.5]),
        (np.array([-(2**31), 0, 2**30], np.int32), [-1, 0, 0.5]),
        (np.array([0, 128, 192], np.uint8), [-1, 0, 0.5]),
        (np.array([-1.5, 0, 0.5], np.float64), [-1.5, 0, 0.5]),
        (np.array([[32767, 32767], [-32768, -32768]], np.int16), [32767 / 32768, -1]),  # int16 sums would overflow
        (np.array([[1, 0, 0, 0], [0, 0, 0, 2]], np.float32), [0.25, 0.5]),
    ],
)
def test_arrays_are_scaled_and_averaged(array, expected):
    np.testing.assert_allclose(decode((array, 8000)), expected, atol=1e-7)


def test_array_and_file_of_the_same_samples_are_the_same(make_wave, encode):
    pcm = (make_wave(44100, 1, 2) * 32767).astype(np.int16)
    np.testing.assert_array_equal(decode((pcm, 44100), 16000), decode(encode(pcm, 44100, "FLAC", "PCM_16"), 16000))


def test_decode_leaves_the_array_alone_and_does_not_share_it():
    array = np.full(100, 0.5, np.float32)
    decode((array, 8000))[:] = 0
    assert (array == 0.5).all()


def test_info_says_what_soundfile_says(any_kind, encode_kind):
    _, kind, subtype, rate_hz = any_kind
    data = encode_kind(any_kind, 3.3)
    found, expected = info(data), soundfile.info(io.BytesIO(data))
    assert (found.frames, found.rate_hz, found.channels) == (expected.frames, rate_hz, 1)
    assert found.duration_s == pytest.approx(expected.duration)
    assert found.format == f"{kind} {subtype}"
    assert len(decode(data)) == found.frames


def test_flac_that_does_not_say_its_length(make_wave, encode):
    wave = make_wave(44100, 2)
    data = bytearray(encode(wave, 44100, "FLAC"))
    expected = decode(bytes(data))
    data[21] &= 0xF0  # STREAMINFO: the 36 bits of the sample count; 0 means unknown
    data[22:26] = bytes(4)
    np.testing.assert_array_equal(decode(bytes(data)), expected)
    np.testing.assert_array_equal(decode(bytes(data), start_s=0.5, duration_s=0.25), expected[22050 : 22050 + 11025])
    assert info(bytes(data)).frames == len(wave)


def test_wav_written_to_a_pipe_has_no_length(make_wave, encode):
    data = encode(make_wave(8000, 1), 8000)
    streamed = data[:4] + b"\xff" * 4 + data[8:40] + b"\xff" * 4 + data[44:]
    np.testing.assert_array_equal(decode(streamed), decode(data))


def untagged(data: bytes) -> bytes:
    """The MP3 without its first frame, which says how many follow (MPEG 1, 44.1 kHz)."""
    kbits = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)[data[2] >> 4]
    return data[144_000 * kbits // 44100 + (data[2] >> 1 & 1) :]


@pytest.mark.parametrize("tail", [b"", b"TAG" + bytes(125), b"APETAGEX" + bytes(5000)])
def test_mp3_of_varying_bit_rate_without_a_header_is_heard_to_its_end(tail, make_wave, encode):
    wave = make_wave(44100, 20)
    wave[4 * 44100 :] = 0  # the bit rate sinks, so that a guess from the first frames is far too short
    wave[-44100:] = make_wave(44100, 1)
    data = encode(wave, 44100, "MP3", bitrate_mode="VARIABLE")
    bare = untagged(data)
    assert b"Xing" in data
    assert b"Xing" not in bare
    heard, guessed, expected = decode(bare + tail), plainly(bare, None), decode(data)
    assert len(heard) == info(bare + tail).frames
    assert len(guessed) < len(expected) / 4  # what libsndfile alone would give
    np.testing.assert_allclose(heard[: len(guessed)], guessed, atol=1e-6)
    delay = 576 + 529  # the encoder's and the decoder's; the header says to trim them
    np.testing.assert_allclose(heard[delay : delay + len(expected)], expected, atol=1e-6)
    assert len(heard) < delay + len(expected) + 2 * 1152


def test_mp3_made_by_ffmpeg_with_and_without_its_header(make_wave, encode_with_pyav):
    wave = make_wave(44100, 3)
    tagged = encode_with_pyav(wave, 44100, "mp3", "mp3")
    bare = encode_with_pyav(wave, 44100, "mp3", "mp3", write_xing="0", id3v2_version="0")
    assert len(decode(tagged)) == len(wave)
    assert len(decode(bare)) == info(bare).frames >= len(wave)
    np.testing.assert_allclose(decode(bare), plainly(bare, None), atol=1e-6)
    np.testing.assert_allclose(decode(bare, start_s=2, duration_s=0.5), decode(bare)[88200 : 88200 + 22050], atol=1e-6)


def test_a_long_sound_streams_in_bounded_memory(tmp_path):
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 16000, 1, "PCM_16") as file:
        for _ in range(30):
            file.write(np.full(60 * 16000, 0.25, np.float32))  # half an hour: 115 MB as float32
    tracemalloc.start()
    try:
        samples = sum(len(block) for block in blocks(path, 8000, block_s=30))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert samples == 30 * 60 * 8000
    assert peak < 30e6
