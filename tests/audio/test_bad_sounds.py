"""Everything that can be wrong with a sound: one line that starts with its name, and nothing else."""

import io
import os
import struct

import numpy as np
import pytest

from hark.audio.decode import blocks, decode, info
from hark.audio.joined import Joined
from hark.core.errors import SilentSound, SoundError

RATE = 16000
NOTHING = np.zeros(0, np.float32)


@pytest.fixture(name="wav")
def wav_fixture(make_wave, encode):
    return encode(make_wave(RATE, 3), RATE)


def every_way(source):
    """The whole, its blocks and its header: what is damaged is refused by all that read so far."""
    yield lambda: decode(source)
    yield lambda: decode(source, 8000)
    yield lambda: list(blocks(source))


def refuses(source, message, error=SoundError):
    for way in every_way(source):
        with pytest.raises(error, match=message) as caught:
            way()
        assert "\n" not in str(caught.value)
        assert type(caught.value) is error


def refuses_file(path, data, message):
    path.write_bytes(data)
    refuses(path, f"^{path.name}: {message}")
    refuses(str(path), f"^{path.name}: {message}")
    refuses(data, f"^<bytes>: {message}")
    with pytest.raises(SoundError, match=f"^{path.name}: {message}"):
        info(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty, 0 bytes$"),
        (b"these are words, not sound\n" * 50, "not a sound; hark reads wav"),
        (b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1/other.ts\n", "not a sound"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "not a sound"),
        (bytes(5000), "not a sound"),
    ],
)
def test_a_file_that_is_no_sound(tmp_path, data, message):
    refuses_file(tmp_path / "bad.wav", data, message)


@pytest.mark.parametrize(
    ("kind", "subtype", "message"),
    [
        ("WAV", None, "no samples in it$"),
        ("AIFF", None, "no samples in it$"),
        ("OGG", "VORBIS", "no samples in it$"),
        ("OGG", "OPUS", "its header cannot be used"),
    ],
)
def test_a_header_without_samples(tmp_path, kind, subtype, message, encode):
    refuses_file(tmp_path / "bad.wav", encode(NOTHING, 48000, kind, subtype), message)


def test_headers_that_cannot_be(tmp_path, wav, encode, make_wave):
    refuses(encode(make_wave(RATE, 1), RATE, "FLAC")[:42], "^<bytes>: damaged or cut short; 0.00 s can be decoded")
    refuses_file(tmp_path / "bad.wav", b"fLaC" + bytes(500), "(damaged|its header cannot be used)")
    refuses_file(tmp_path / "bad.wav", wav[:20], "its header cannot be used")
    refuses_file(tmp_path / "bad.wav", wav[:24] + struct.pack("<I", 0) + wav[28:], "its header says 0 Hz")
    refuses_file(tmp_path / "bad.wav", wav[:22] + struct.pack("<H", 0) + wav[24:], "its header cannot be used")


def test_headerless_raw_samples(tmp_path):
    (tmp_path / "take.raw").write_bytes(bytes(1000))
    refuses(tmp_path / "take.raw", "^take.raw: not a sound")


def test_no_file_and_a_folder(tmp_path):
    refuses(tmp_path / "none.wav", "^none.wav: no such file")
    refuses(tmp_path / "none" / "none.wav", "^none.wav: no such file")
    refuses(tmp_path, f"^{tmp_path.name}: a folder, not a sound")
    refuses("nul\0.wav", "cannot be opened")
    os.mkfifo(tmp_path / "pipe.wav")
    refuses(tmp_path / "pipe.wav", "^pipe.wav: a device or pipe")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path, wav):
    (tmp_path / "mine.wav").write_bytes(wav)
    (tmp_path / "mine.wav").chmod(0)
    refuses(tmp_path / "mine.wav", "^mine.wav: cannot be opened \\(Permission denied\\)")


def test_file_objects_that_do_not_serve(tmp_path, wav):
    closed = io.BytesIO(wav)
    closed.close()
    refuses(closed, "^<file>: cannot be read from any place in it; give its bytes")
    refuses(io.StringIO("text"), "^<file>: opened as text; open it with mode 'rb'")
    (tmp_path / "cut.wav").write_bytes(wav[:-100])
    with (tmp_path / "cut.wav").open("rb") as file:
        refuses(file, "^cut.wav: cut short")


@pytest.mark.parametrize("keep", [0.6, 0.97])
def test_a_file_cut_short(tmp_path, usual_kind, keep, encode_kind):
    name, data = usual_kind.name, encode_kind(usual_kind, 3.3)
    (tmp_path / name).write_bytes(data[: int(len(data) * keep)])
    refuses(tmp_path / name, f"^{name}: (cut short|damaged)")


@pytest.mark.parametrize("kind", ["WAV", "WAVEX", "RF64", "AIFF", "AU", "FLAC", "OGG"])
def test_one_byte_is_missing(kind, make_wave, encode):
    refuses(encode(make_wave(RATE, 3), RATE, kind)[:-1], "^<bytes>: (cut short|damaged)")


@pytest.mark.parametrize("end", ["little", "big"])
def test_a_cut_recording_with_long_notes_in_front(end, make_wave, encode):
    """A field recorder's file: more metadata than libsndfile's own log of the header can hold."""
    wav = encode(make_wave(RATE, 3), RATE, endian=end.upper())
    notes = b"LIST" + (20004).to_bytes(4, end) + b"INFO" + (b"ICMT" + (192).to_bytes(4, end) + b"x" * 192) * 100
    long = wav[:36] + notes + wav[36:]
    long = long[:4] + (len(long) - 8).to_bytes(4, end) + long[8:]
    np.testing.assert_array_equal(decode(long), decode(wav))
    refuses(long[:-1000], "^<bytes>: cut short; its header promises 96000 bytes of sound, 95000 are there")


def test_what_comes_behind_the_samples_may_be_cut(wav):
    notes = b"LIST" + struct.pack("<I", 1000) + bytes(10)
    np.testing.assert_array_equal(decode(wav + notes), decode(wav))


@pytest.mark.parametrize("damage", ["noise", "zeros"])
@pytest.mark.parametrize("where", [0.3, 0.7])
def test_damage_in_the_middle(packed_kind, damage, where, encode_kind):
    data = bytearray(encode_kind(packed_kind, 8))
    at = int(len(data) * where)
    data[at : at + 3000] = np.random.default_rng(2).bytes(3000) if damage == "noise" else bytes(3000)
    refuses(bytes(data), "^<bytes>: (damaged|cut short)")


def test_one_flipped_bit_where_the_format_has_checksums(make_wave, encode):
    for kind in ("FLAC", "OGG"):
        data = bytearray(encode(make_wave(RATE, 6), RATE, kind))
        data[len(data) // 2] ^= 1
        refuses(bytes(data), "^<bytes>: damaged")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number(value, encode):
    wave = np.full((RATE * 2, 2), 0.1, np.float32)
    wave[RATE + RATE // 4, 1] = value
    message = ": NaN or infinite samples, the first at 1.250 s"
    refuses(encode(wave, RATE, "WAV", "FLOAT"), f"^<bytes>{message}")
    refuses((wave, RATE), f"^<array>{message}")
    with pytest.raises(SoundError, match=message):
        decode((wave, RATE), start_s=1, duration_s=0.5)


def test_infinities_that_cancel_and_doubles_too_large_for_float():
    refuses((np.array([[np.inf, -np.inf]]), RATE), "the first at 0.000 s")
    refuses((np.array([0.0, 1e300]), RATE), "NaN or infinite samples")


def test_silence(tmp_path, encode):
    (tmp_path / "still.wav").write_bytes(encode(np.zeros(RATE * 2, np.float32), RATE))
    refuses(tmp_path / "still.wav", "^still.wav: silent; every sample is 0", SilentSound)
    refuses((np.array([[0.5, -0.5]] * RATE), RATE), "^<array>: silent", SilentSound)  # the channels cancel
    stream = blocks(tmp_path / "still.wav", block_s=0.5)
    assert [len(next(stream)) for _ in range(4)] == [RATE // 2] * 4
    with pytest.raises(SilentSound):
        next(stream)


@pytest.mark.parametrize(
    ("array", "rate_hz", "message"),
    [
        (np.ones(5), 0, "^<array>: 0 Hz"),
        (np.ones(5), -8000, "^<array>: -8000 Hz"),
        (np.ones((2, 3, 4)), RATE, "^<array>: shape \\(2, 3, 4\\); give \\(samples,\\)"),
        (np.ones((2, 44100)), RATE, "^<array>: shape \\(2, 44100\\)"),
        (np.zeros(0), RATE, "^<array>: no samples in it"),
        (np.zeros((0, 2)), RATE, "^<array>: no samples in it"),
        (np.ones(5, np.int64), RATE, "^<array>: samples of type int64; give int16"),
        (np.ones(5, bool), RATE, "^<array>: samples of type bool"),
        (np.array(["a"]), RATE, "^<array>: samples of type <U1"),
    ],
)
def test_arrays_that_are_no_sound(array, rate_hz, message):
    refuses((array, rate_hz), message)


def test_too_short_for_the_rate():
    with pytest.raises(SoundError, match=r"^<array>: too short"):
        decode((np.ones(1, np.float32), 96000), 8000)


def test_a_seek_before_the_beginning_is_no_exception():
    """An exception would be printed by the C library that asked, and lost."""
    file = Joined(io.BytesIO(b"0123456789"), front=b"ab", skip=4)
    assert file.read(100) == b"ab456789"
    assert file.seek(3) == file.seek(-4) == file.seek(-9, io.SEEK_END) == file.tell() == 3
    assert file.seek(-1, io.SEEK_END) == 7
    assert (file.read(5), file.read(5)) == (b"9", b"")
