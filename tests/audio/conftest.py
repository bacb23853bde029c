"""Sounds to read: a chirp in noise, and files of it in every format, made by libsndfile and FFmpeg."""

import functools
import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile


class Kind(NamedTuple):
    name: str
    format: str
    subtype: str
    rate_hz: int


KINDS = [  # every codec whose seeks could differ
    Kind("a.wav", "WAV", "PCM_16", 44100),
    Kind("a24.wav", "WAV", "PCM_24", 48000),
    Kind("a8.wav", "WAV", "PCM_U8", 22050),
    Kind("double.wav", "WAV", "DOUBLE", 96000),
    Kind("a.aiff", "AIFF", "PCM_16", 44100),
    Kind("a.flac", "FLAC", "PCM_24", 44100),
    Kind("a.ogg", "OGG", "VORBIS", 44100),
    Kind("low.ogg", "OGG", "VORBIS", 16000),
    Kind("a.opus", "OGG", "OPUS", 48000),
    Kind("low.opus", "OGG", "OPUS", 16000),
    Kind("a.mp3", "MP3", "MPEG_LAYER_III", 44100),
    Kind("low.mp3", "MP3", "MPEG_LAYER_III", 22050),
]
RARE = [
    Kind("adpcm.wav", "WAV", "MS_ADPCM", 44100),
    Kind("gsm.wav", "WAV", "GSM610", 8000),  # mono alone, and libsndfile cannot seek in it
]
PACKED = [kind for kind in KINDS if kind.format in ("FLAC", "OGG", "MP3")]


@pytest.fixture(params=KINDS + RARE, ids=lambda kind: kind.name)
def any_kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def usual_kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


@pytest.fixture(params=PACKED, ids=lambda kind: kind.name)
def packed_kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


@pytest.fixture(name="make_wave")
def make_wave_fixture() -> Callable[..., np.ndarray]:
    """make_wave(rate_hz, seconds, channels=1): (samples,) or (samples, channels)."""
    return make_wave


@pytest.fixture(name="encode")
def encode_fixture() -> Callable[..., bytes]:
    """encode(wave, rate_hz, format="WAV", subtype=None, ...): a file's bytes, by libsndfile."""
    return encode


@pytest.fixture(name="encode_kind")
def encode_kind_fixture() -> Callable[..., bytes]:
    """encode_kind(kind, seconds, channels=1): a file's bytes; made once."""
    return encode_kind


@pytest.fixture(name="encode_with_pyav")
def encode_with_pyav_fixture() -> Callable[..., bytes]:
    """encode_with_pyav(wave, rate_hz, container, codec, path=None, **options): a file's bytes, by FFmpeg."""
    return encode_with_pyav


def make_wave(rate_hz: int, seconds: float, channels: int = 1) -> np.ndarray:
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    noise = np.random.default_rng(1).standard_normal((len(time), channels))
    chirp = 0.3 * np.sin(2 * np.pi * (200 * time + 300 * time**2))[:, None] * np.linspace(1, 0.2, channels)
    wave = ((np.sin(3 * time) > -0.3)[:, None] * chirp + (np.sin(7 * time) > 0)[:, None] * 0.05 * noise).astype("f4")
    return wave[:, 0] if channels == 1 else wave


def encode(wave: np.ndarray, rate_hz: int, kind: str = "WAV", subtype: str | None = None, **more: object) -> bytes:
    file = io.BytesIO()
    channels = 1 if wave.ndim == 1 else wave.shape[1]
    with soundfile.SoundFile(file, "w", rate_hz, channels, subtype, format=kind, **more) as sound:
        for at in range(0, len(wave), 4096):  # libsndfile's Vorbis encoder overflows its stack on long writes
            sound.write(wave[at : at + 4096])
    return file.getvalue()


@functools.cache
def encode_kind(kind: Kind, seconds: float, channels: int = 1) -> bytes:
    return encode(make_wave(kind.rate_hz, seconds, channels), kind.rate_hz, kind.format, kind.subtype)


def encode_with_pyav(
    wave: np.ndarray, rate_hz: int, container: str, codec: str, path: Path | None = None, **options: str
) -> bytes:
    av = pytest.importorskip("av")
    file = io.BytesIO()
    layout = "mono" if wave.ndim == 1 else "stereo"
    with av.open(file if path is None else str(path), "w", format=container, options=options) as output:
        stream = output.add_stream(codec, rate=rate_hz, layout=layout)
        for at in range(0, len(wave), 1024):
            planes = np.ascontiguousarray(np.atleast_2d(wave[at : at + 1024].T))
            frame = av.AudioFrame.from_ndarray(planes, "fltp", layout)
            frame.sample_rate, frame.pts = rate_hz, at
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()
