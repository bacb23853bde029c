"""Windows: laws of coverage, and closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hark.audio.window import crop, fit, slide

RATE = 100


def windows(wave, window_s, hop_s, *, cut=None, short="zeros"):
    pieces = [wave[at : at + cut] for at in range(0, len(wave), cut)] if cut else [wave]
    return list(slide(pieces, RATE, window_s=window_s, hop_s=hop_s, short=short))


@given(
    samples=st.integers(1, 700),
    window=st.integers(1, 300),
    hop=st.integers(1, 400),
    cut=st.integers(1, 200),
    short=st.sampled_from(["zeros", "repeat"]),
)
def test_every_sample_is_covered_and_every_window_is_the_sound(samples, window, hop, cut, short):
    wave = np.arange(1, samples + 1, dtype=np.float32)
    found = windows(wave, window / RATE, hop / RATE, cut=cut, short=short)
    seen = np.zeros(samples, bool)
    starts = [round(one.start_s * RATE) for one in found]
    for start, one in zip(starts, found, strict=True):
        end = round(one.end_s * RATE)
        assert len(one.wave) == window
        assert end <= samples
        assert end - start == min(window, samples)
        np.testing.assert_array_equal(one.wave[: end - start], wave[start:end])
        seen[start:end] = True
    full = list(range(0, samples - window + 1, hop)) or [0]
    assert starts[: len(full)] == full
    assert len(found) - len(full) in (0, 1)
    assert seen[-1]
    assert hop > window or seen.all()


@given(st.integers(1, 500), st.integers(1, 100))
def test_windows_do_not_depend_on_how_the_stream_is_cut(samples, cut):
    wave = np.random.default_rng(samples).uniform(-1, 1, samples).astype(np.float32)
    for one, other in zip(windows(wave, 0.9, 0.4), windows(wave, 0.9, 0.4, cut=cut), strict=True):
        assert (one.start_s, one.end_s) == (other.start_s, other.end_s)
        np.testing.assert_array_equal(one.wave, other.wave)


@pytest.mark.parametrize(
    ("samples", "spans"),
    [
        (100, [(0, 1)]),
        (101, [(0, 1), (0.01, 1.01)]),
        (150, [(0, 1), (0.5, 1.5)]),
        (220, [(0, 1), (0.5, 1.5), (1, 2), (1.2, 2.2)]),
        (30, [(0, 0.3)]),
    ],
)
def test_spans(samples, spans):
    found = windows(np.ones(samples, np.float32), 1.0, 0.5)
    assert [(one.start_s, one.end_s) for one in found] == spans


def test_starts_do_not_drift():
    """A hop of a third of a second is no whole number of samples; window 300 still starts at 100 s."""
    found = windows(np.ones(110 * RATE, np.float32), 1.0, 1 / 3)
    assert found[300].start_s == 100


def test_no_sound_has_no_windows():
    assert windows(np.zeros(0, np.float32), 1.0, 0.5) == []


def test_a_window_does_not_change_when_its_block_does():
    block = np.ones(100, np.float32)
    one = next(slide([block], RATE, window_s=0.5, hop_s=0.5, short="zeros"))
    block[:] = 7
    assert (one.wave == 1).all()


def test_fit():
    wave = np.array([1, 2, 3], np.float32)
    np.testing.assert_array_equal(fit(wave, 8, short="repeat"), [1, 2, 3, 1, 2, 3, 1, 2])
    np.testing.assert_array_equal(fit(wave, 5, short="zeros"), [1, 2, 3, 0, 0])
    np.testing.assert_array_equal(fit(wave, 2, short="repeat"), [1, 2])
    assert all(fit(wave, 8, short=short).dtype == np.float32 for short in ("repeat", "zeros"))


def test_crop_is_a_stretch_from_any_place_equally_often():
    wave = np.arange(10, dtype=np.float32)
    rng = np.random.default_rng(0)
    starts = []
    for _ in range(3000):
        cut = crop(wave, 7, rng=rng)
        np.testing.assert_array_equal(cut, np.arange(cut[0], cut[0] + 7))
        starts.append(int(cut[0]))
    np.testing.assert_allclose(np.bincount(starts, minlength=4) / 3000, 0.25, atol=0.04)  # five standard deviations


def test_crop_repeats_with_its_seed_and_leaves_short_waves():
    wave = np.arange(1000, dtype=np.float32)
    one, other = (crop(wave, 100, rng=np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(crop(wave, 2000, rng=np.random.default_rng(0)), wave)
