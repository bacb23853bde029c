"""Pictures and sound of what was found: for each answer the spectrogram around it, and the found span to listen to."""

from __future__ import annotations

import base64
import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from hark.audio import encode
from hark.audio.decode import decode, info
from hark.audio.features import logmel
from hark.core.types import Wave
from hark.demo.parts import Answer, Report

RATE_HZ = 16000
LONGEST_S = 30.0  # of a strip; a longer sound is shown around the span only
COLUMNS = 600  # of a spectrogram
RANGE_DB = 60.0
FLOOR_DB = -120.0

Paint = Callable[[NDArray[np.float32]], bytes]
"""Values (height, width) in [0, 1], the first row on top -> PNG."""


@dataclass(frozen=True)
class Strip:
    """A stretch of a sound: its spectrogram (None: cannot be painted) and the found span to listen to, as data URIs."""

    start_s: float
    end_s: float
    picture: str | None
    sound: str


def strips(report: Report) -> dict[Answer, Strip]:
    """A strip for each answer; without matplotlib (extra `report`) there are no pictures in them.

    Raises SoundError for a file that went away since it was indexed.
    """
    paint = painter()
    return {answer: _strip(answer, paint) for asked in report.asked for answer in asked.answers}


def painter() -> Paint | None:
    """Paints with matplotlib's colours, or None where it is not installed."""
    try:
        from matplotlib import image
    except ImportError:
        return None

    def paint(values: NDArray[np.float32]) -> bytes:
        file = io.BytesIO()
        image.imsave(file, values, vmin=0.0, vmax=1.0, cmap="magma", format="png")
        return file.getvalue()

    return paint


def stretch(start_s: float, end_s: float, *, duration_s: float, longest_s: float = LONGEST_S) -> tuple[float, float]:
    """The part of a sound to show: all of it, or `longest_s` with the span in the middle as far as the ends allow."""
    longest_s = max(longest_s, end_s - start_s)
    if duration_s <= longest_s:
        return 0.0, duration_s
    from_s = min(max((start_s + end_s - longest_s) / 2, 0.0), duration_s - longest_s)
    return from_s, from_s + longest_s


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


def _strip(answer: Answer, paint: Paint | None) -> Strip:
    from_s, to_s = stretch(answer.start_s, answer.end_s, duration_s=info(answer.path).duration_s)
    wave = decode(answer.path, RATE_HZ, start_s=from_s, duration_s=to_s - from_s)
    first, last = (round((t - from_s) * RATE_HZ) for t in (answer.start_s, answer.end_s))
    return Strip(
        start_s=from_s,
        end_s=to_s,
        picture=_uri("image/png", paint(spectrogram(wave))) if paint is not None else None,
        sound=_uri("audio/flac", _flac(wave[first:last])),
    )


def _flac(wave: Wave) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "span.flac"
        encode.write(file, wave, RATE_HZ)
        return file.read_bytes()


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
