"""Resampling: soxr called plainly, golden numbers, and laws."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.audio.decode import decode
from hark.audio.resample import Resampler, resample

GOLDEN = Path(os.environ.get("HARK_GOLDEN", Path(__file__).parents[3] / "shared" / "golden"))
RATES = [(44100, 16000), (44100, 48000), (48000, 32000), (8000, 44100), (96000, 32000), (44101, 16000), (16000, 16000)]


@pytest.mark.skipif(not (GOLDEN / "frontends").is_dir(), reason="no golden numbers; set HARK_GOLDEN")
def test_golden_chirp():
    golden = np.load(GOLDEN / "frontends" / "data.npz")
    rates = [match for name in golden if (match := re.fullmatch(r"soxr_hq_(\d+)_(\d+)", name))]
    assert rates
    for match in rates:
        wave = decode((golden["chirp_pcm"], int(match[1])), int(match[2]))
        assert wave.dtype == np.float32
        assert wave.shape == golden[match[0]].shape
        np.testing.assert_allclose(wave, golden[match[0]], atol=1e-6)


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
@pytest.mark.parametrize("cut", [977, 4096])
def test_blocks_give_what_soxr_gives_at_once(from_hz, to_hz, cut):
    wave = np.random.default_rng(0).uniform(-1, 1, from_hz + 777).astype(np.float32)
    expected = soxr.resample(wave, from_hz, to_hz, "HQ") if from_hz != to_hz else wave
    resampler = Resampler(from_hz, to_hz)
    pieces = [resampler.push(wave[at : at + cut]) for at in range(0, len(wave), cut)]
    np.testing.assert_array_equal(np.concatenate([*pieces, resampler.finish()]), expected)
    np.testing.assert_array_equal(resample(wave, from_hz, to_hz), expected)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 5000), st.sampled_from(RATES))
def test_length_is_the_rounded_share_with_halves_up(samples, rates):
    from_hz, to_hz = rates
    expected = (2 * samples * to_hz + from_hz) // (2 * from_hz)
    assert len(resample(np.ones(samples, np.float32), from_hz, to_hz)) == expected


def test_a_sine_stays_in_place():
    time_from, time_to = np.arange(44100) / 44100, np.arange(32000) / 32000
    out = resample(np.sin(2 * np.pi * 1000 * time_from).astype(np.float32), 44100, 32000)
    np.testing.assert_allclose(out[500:-500], np.sin(2 * np.pi * 1000 * time_to)[500:-500], atol=1e-5)
