"""Log-mel against librosa; against the original front ends: tests/golden."""

import librosa
import numpy as np
import pytest
import torch

from hark.audio.features.logmel import Config, mel_bank

FRONT_ENDS = [
    (16000, Config(n_fft=512, hop=160, mels=64, f_min_hz=50.0, f_max_hz=8000.0)),
    (48000, Config(n_fft=1024, hop=480, mels=64, f_min_hz=50.0, f_max_hz=14000.0)),
    (32000, Config(n_fft=1024, hop=320, mels=128, f_min_hz=0.0)),
    (44100, Config(n_fft=1024, window=800, hop=320, mels=40, scale="htk", norm="none", f_min_hz=20.0)),
]


@pytest.mark.parametrize(("rate_hz", "config"), FRONT_ENDS)
def test_bank_is_librosas(rate_hz: int, config: Config) -> None:
    theirs = librosa.filters.mel(
        sr=rate_hz,
        n_fft=config.n_fft,
        n_mels=config.mels,
        fmin=config.f_min_hz,
        fmax=config.f_max_hz,
        htk=config.scale == "htk",
        norm=None if config.norm == "none" else "slaney",
    )
    assert np.abs(mel_bank(config, rate_hz=rate_hz) - theirs).max() < 1e-7


@pytest.mark.parametrize(("rate_hz", "config"), FRONT_ENDS)
def test_decibels_are_librosas(rate_hz: int, config: Config) -> None:
    rng = np.random.default_rng(0)
    wave = (rng.standard_normal(rate_hz) * np.linspace(0.001, 1.0, rate_hz)).astype(np.float32)
    mel = librosa.feature.melspectrogram(
        y=wave,
        sr=rate_hz,
        n_fft=config.n_fft,
        hop_length=config.hop,
        win_length=config.window,
        pad_mode="reflect",
        n_mels=config.mels,
        fmin=config.f_min_hz,
        fmax=config.f_max_hz,
        htk=config.scale == "htk",
        norm=None if config.norm == "none" else "slaney",
    )
    theirs = librosa.power_to_db(mel, ref=1.0, amin=config.floor, top_db=None).T
    ours = config.build(rate_hz=rate_hz)(torch.from_numpy(wave)[None])[0, 0].numpy()
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < 1e-3  # dB


def test_a_batch_is_its_rows() -> None:
    features = FRONT_ENDS[0][1].build(rate_hz=16000)
    waves = torch.randn(5, 8000, generator=torch.Generator().manual_seed(0))
    alone = torch.cat([features(wave[None]) for wave in waves])
    torch.testing.assert_close(features(waves), alone, atol=1e-4, rtol=0)


def test_doubling_the_wave_adds_six_decibels() -> None:
    features = FRONT_ENDS[0][1].build(rate_hz=16000)
    wave = torch.randn(1, 8000, generator=torch.Generator().manual_seed(0))
    gain = features(2 * wave) - features(wave)
    torch.testing.assert_close(gain, torch.full_like(gain, 20 * np.log10(2)), atol=1e-3, rtol=0)


def test_silence_is_the_floor() -> None:
    image = Config(floor=1e-10).build(rate_hz=16000)(torch.zeros(1, 4000))
    assert torch.all(image == -100.0)
