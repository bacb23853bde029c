"""Pictures and sound as data URIs, so that a page needs no other file: spectrograms and what is to be listened to."""

from __future__ import annotations

import base64
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from hark.audio import encode
from hark.audio.features import logmel
from hark.core.types import Wave

RATE_HZ = 16000
COLUMNS = 600  # of a spectrogram
RANGE_DB = 60.0
FLOOR_DB = -120.0

Paint = Callable[[NDArray[np.float32]], bytes]
"""Values (height, width) in [0, 1], the first row on top -> PNG."""


def painter() -> Paint | None:
    """Paints with matplotlib's colours, or None where it is not installed (extra `report`)."""
    try:
        from matplotlib import image
    except ImportError:
        return None

    def paint(values: NDArray[np.float32]) -> bytes:
        file = io.BytesIO()
        image.imsave(file, values, vmin=0.0, vmax=1.0, cmap="magma", format="png")
        return file.getvalue()

    return paint


def spectrogram(wave: Wave, rate_hz: int = RATE_HZ) -> NDArray[np.float32]:
    """(mels, about COLUMNS) how loud it is: 1 is the loudest, 0 is RANGE_DB below or less; high notes come first."""
    hop = max(64, len(wave) // COLUMNS)
    features = logmel.Config(n_fft=1024, hop=hop, mels=72, f_min_hz=40.0, floor=10 ** (FLOOR_DB / 10)).build(
        rate_hz=rate_hz
    )
    if len(wave) <= 512:  # the transform mirrors half a frame at each end
        wave = np.pad(wave, (0, 513 - len(wave)))
    with torch.inference_mode():
        decibel = features(torch.from_numpy(np.asarray(wave, dtype=np.float32))[None])[0, 0].T.numpy()[::-1]
    loudest = max(float(decibel.max()), FLOOR_DB + RANGE_DB)  # so that silence is dark
    return np.asarray(np.clip((decibel - loudest) / RANGE_DB + 1.0, 0.0, 1.0), dtype=np.float32)


def picture_uri(wave: Wave, paint: Paint) -> str:
    """The spectrogram of a wave at RATE_HZ."""
    return _uri("image/png", paint(spectrogram(wave)))


def sound_uri(wave: Wave) -> str:
    """A wave at RATE_HZ as FLAC of 16 bits: small, plays in every browser, and loses nothing."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sound.flac"
        encode.write(file, wave, RATE_HZ)
        return _uri("audio/flac", file.read_bytes())


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
