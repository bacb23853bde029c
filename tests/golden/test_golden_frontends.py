"""Mel banks, log mels, Kaldi's filter banks and resamplers against numbers made by librosa, torchaudio and soxr."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from plain_kernels import images, within

from hark.audio.features import logmel
from hark.audio.features._kaldi_banks import kaldi_bank
from hark.audio.resample import resample
from hark.audio.sinc import sinc_resample

pytestmark = pytest.mark.golden

KALDI = {
    "num_mel_bins": "mels",
    "frame_length": "frame_ms",
    "frame_shift": "hop_ms",
    "window_type": "window",
    "low_freq": "low_hz",
    "high_freq": "high_hz",
    "preemphasis_coefficient": "preemphasis",
    "remove_dc_offset": "remove_dc",
}
NOTHING = {"htk_compat", "use_energy", "dither", "snip_edges", "use_log_fbank"}  # settings at what hark always does


@pytest.fixture
def g(golden):
    return golden("frontends")


def what(g, name: str) -> str:
    return g.about["arrays"][name]["what"]


def named(g, pattern: str) -> dict[str, re.Match[str]]:
    """The arrays that are called so: a test that finds none would pass without a look."""
    found = {name: match for name in g.arrays if (match := re.fullmatch(pattern, name))}
    assert found, pattern
    return found


def excerpt(g, said: str) -> NDArray[np.float32]:
    cut = re.search(r"x\[(\d*):(\d*)\]", said)
    assert cut, said
    x = g.arrays["wave_pcm"].astype(np.float32) / 32768
    return x[int(cut[1] or 0) : int(cut[2]) if cut[2] else None]


def log_mel(g, kind: str, number: str, **more) -> tuple[int, logmel.Config]:
    """The rate and Config of the bank that librosa's call, as the bank's description gives it, asks for."""
    call = re.search(r"mel\((.*)\)", what(g, f"bank_{kind}_{number}"))
    assert call
    told = dict(pair.split("=") for pair in call[1].split(", "))
    return int(told["sr"]), logmel.Config(
        n_fft=int(told["n_fft"]),
        mels=int(told["n_mels"]),
        f_min_hz=float(told["fmin"]),
        f_max_hz=None if told["fmax"] == "None" else float(told["fmax"]),
        scale="htk" if told["htk"] == "True" else "slaney",
        norm="none" if told["norm"] == "None" else "slaney",
        **more,
    )


def test_banks(g, near) -> None:
    for name, match in named(g, r"bank_(slaney|htk)_(\d+)").items():
        rate_hz, config = log_mel(g, match[1], match[2])
        near(logmel.mel_bank(config, rate_hz=rate_hz), g[name], tolerance=1e-6)
    for name, match in named(g, r"bank_torchaudio_htk_(\d+)").items():
        rate_hz, config = log_mel(g, "htk", match[1])
        near(logmel.mel_bank(config, rate_hz=rate_hz), g[name])


def test_mels(g, near) -> None:
    for name, match in named(g, r"(log)?mel_(slaney|htk)_(\d+)").items():
        said = what(g, name if not match[1] else name.removeprefix("log"))
        assert "power 2, center, reflect" in said
        hop = re.search(r"hop (\d+)", said)
        assert hop
        rate_hz, config = log_mel(g, match[2], match[3], hop=int(hop[1]))
        image = config.build(rate_hz=rate_hz)(torch.from_numpy(excerpt(g, said))[None])
        decibel = image[0, 0].T.numpy()[:, within(what(g, name), "frames")]
        if match[1]:
            off = np.abs(decibel - g[name])
            assert off.max() <= 0.02  # dB
            assert off[g[name] > g[name].max() - 40].max() < 1e-3  # below, the transform's own rounding is heard
        else:
            near(10.0 ** (decibel.astype(np.float64) / 10.0), g[name])


def test_kaldi(g, tmp_path: Path) -> None:
    for name in named(g, r"kaldi_(?!banks).*"):
        said = what(g, name)
        call = re.search(r"fbank\((.*?), (\{.*\})\)", said)
        assert call
        told = {"num_mel_bins": 23, **ast.literal_eval(call[2])}
        rate_hz = told.pop("sample_frequency", 16000)
        features = {KALDI[key]: value for key, value in told.items() if key not in NOTHING}
        features = {key: float(v) if key.endswith(("_ms", "_hz")) else v for key, v in features.items()}
        features |= {"gain": 32768.0 if "*2**15" in call[1] else 1.0, "subtract_mean": "-mean" in call[1]}
        waves = {"x": excerpt(g, call[1])}
        made = images({"name": "kaldi_fbank", **features}, waves, rate_hz=rate_hz, folder=tmp_path)["x"]
        assert made[within(said, "frames")].shape == g[name].shape
        assert np.abs(made[within(said, "frames")] - g[name]).max() <= 1e-4


def test_kaldi_banks(g, near) -> None:
    for name in named(g, r"kaldi_banks_.*"):
        call = re.search(r"get_mel_banks\(([^)]*)\)", what(g, name))
        assert call
        mels, n_fft, rate_hz, low_hz, high_hz, *warping = (float(number) for number in call[1].split(","))
        assert warping[-1] == 1.0  # none
        near(kaldi_bank(int(mels), int(n_fft), rate_hz=int(rate_hz), low_hz=low_hz, high_hz=high_hz), g[name])


def chirp(g) -> NDArray[np.float32]:
    return g.arrays["chirp_pcm"].astype(np.float32) / 32768


def test_soxr(g, near) -> None:
    for name, match in named(g, r"soxr_hq_(\d+)_(\d+)").items():
        near(resample(chirp(g), int(match[1]), int(match[2])), g[name])


def test_torchaudios_sinc(g, near) -> None:
    for name, match in named(g, r"torchaudio_\w+?_(\d+)_(\d+)").items():
        said = what(g, name)
        width, rolloff = re.search(r"lowpass_filter_width (\d+)", said), re.search(r"rolloff ([\d.]+\d)", said)
        assert width
        assert rolloff
        beta = re.search(r"beta ([\d.]+\d)", said)
        assert (beta is None) == ("sinc_interp_hann" in said)
        made = sinc_resample(
            chirp(g),
            int(match[1]),
            int(match[2]),
            crossings=int(width[1]),
            rolloff=float(rolloff[1]),
            beta=float(beta[1]) if beta else None,
            bits=32,  # torchaudio.functional
        )
        near(made, g[name])
