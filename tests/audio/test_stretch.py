"""Stretches: the slice of the whole sound, in every format and at every rate."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.audio.decode import decode
from hark.core.errors import SoundError

# In MP3 and Opus a seek changes the order of some float sums; everything else is bit-exact.
NATIVE_TOLERANCE = 3e-7


def test_at_the_native_rate_it_is_the_slice(any_kind, encode_kind):
    _, kind, subtype, rate_hz = any_kind
    seconds = 25  # longer than what is decoded before the stretch, 2^20 samples of Vorbis at 44100 Hz among them
    data = encode_kind(any_kind, seconds)
    whole = decode(data)
    rng = np.random.default_rng(0)
    starts = [1152 / rate_hz, *rng.uniform(0, seconds, 5), *(seconds - rng.uniform(0.01, 1.0, 5))]
    for start_s in starts:
        stretch = decode(data, start_s=start_s, duration_s=0.5)
        expected = whole[round(start_s * rate_hz) :][: round(0.5 * rate_hz)]
        assert len(stretch) == len(expected)
        tolerance = NATIVE_TOLERANCE if kind == "MP3" or subtype == "OPUS" else 0
        np.testing.assert_allclose(stretch, expected, atol=tolerance, rtol=0)


@pytest.mark.parametrize(
    ("from_hz", "to_hz"),
    [(44100, 16000), (44100, 32000), (48000, 44100), (8000, 48000), (96000, 32000), (44101, 16000)],
)
def test_at_another_rate_it_is_the_slice_of_the_resampled_sound(from_hz, to_hz, encode):
    wave = np.random.default_rng(0).uniform(-1, 1, from_hz * 6).astype(np.float32)  # as hard as a sound can be
    data = encode(wave, from_hz, "WAV", "FLOAT")
    whole = decode(data, to_hz)
    worst = 0.0
    for start_s in [0, 0.001, 0.02, 1 / 3, np.pi, 4.9999, 5.7]:
        stretch = decode(data, to_hz, start_s=start_s, duration_s=0.9)
        expected = whole[round(start_s * to_hz) :][: round(0.9 * to_hz)]
        assert len(stretch) == len(expected)
        worst = max(worst, np.abs(stretch - expected).max())
    assert worst <= 2e-6


def test_at_an_odd_rate_it_is_close_enough(encode):
    data = encode(np.random.default_rng(0).uniform(-1, 1, 47999 * 4).astype(np.float32), 47999, "WAV", "FLOAT")
    stretch, whole = decode(data, 44100, start_s=1.5, duration_s=1), decode(data, 44100)
    np.testing.assert_allclose(stretch, whole[66150 : 66150 + 44100], atol=1e-4)


SOUND = np.random.default_rng(3).uniform(-1, 1, 11025 * 2).astype(np.float32)
AT_16000 = decode((SOUND, 11025), 16000)


@settings(deadline=None, max_examples=60)
@given(st.floats(0, 1.99), st.floats(0.001, 3), st.sampled_from([11025, 16000]))
def test_its_length_is_promised(start_s, duration_s, rate_hz):
    stretch = decode((SOUND, 11025), rate_hz, start_s=start_s, duration_s=duration_s)
    whole = SOUND if rate_hz == 11025 else AT_16000
    expected = whole[round(start_s * rate_hz) :][: round(duration_s * rate_hz)]
    assert len(stretch) == len(expected)
    np.testing.assert_allclose(stretch, expected, atol=2e-6)


def test_without_a_duration_it_goes_to_the_end():
    np.testing.assert_allclose(decode((SOUND, 11025), 16000, start_s=1.25), AT_16000[20000:], atol=2e-6)


def test_a_silent_stretch_is_a_sound():
    wave = np.zeros(8000, np.float32)
    wave[0] = 1
    assert not decode((wave, 8000), start_s=0.5, duration_s=0.25).any()


@pytest.mark.parametrize(
    ("start_s", "duration_s", "message"),
    [
        (2.0, 1, "^<array>: the stretch starts at 2.0 s, past the sound's end, at 2.00 s$"),
        (1e8, None, "past the sound's end"),
        (-0.1, 1, "^<array>: cannot start at -0.1 s; give 0 or more"),
        (float("nan"), 1, "cannot start at nan s"),
        (float("inf"), 1, "cannot start at inf s"),
        (1e300, 1, "cannot start at 1e\\+300 s"),
        (0.0, 0.0, "a stretch of 0.0 s holds no sample"),
        (0.5, -1, "a stretch of -1 s holds no sample"),
        (0.5, 1e-6, "a stretch of 1e-06 s holds no sample"),
        (0.5, float("nan"), "a stretch of nan s"),
    ],
)
@pytest.mark.parametrize("rate_hz", [None, 16000])
def test_a_stretch_outside_the_sound_is_refused(start_s, duration_s, message, rate_hz):
    with pytest.raises(SoundError, match=message):
        decode((SOUND, 11025), rate_hz, start_s=start_s, duration_s=duration_s)


def test_an_endless_duration_ends_with_the_sound():
    assert len(decode((SOUND, 11025), start_s=1, duration_s=float("inf"))) == 11025
