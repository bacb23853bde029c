"""Writes the sounds to index: stereo FLAC, 44.1 kHz, 16 bits, pink noise that swells and fades."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE_HZ = 44100
LOOP_S = 60.0  # then the noise comes again; FLAC looks back by no more than a block, so it is coded anew


def write_noise(path: Path, duration_s: float, *, rng: np.random.Generator) -> None:
    """Writes one file, whatever its length, within little memory."""
    loop = _noise(rng, min(LOOP_S, duration_s))
    left = round(duration_s * RATE_HZ)
    with soundfile.SoundFile(path, "w", samplerate=RATE_HZ, channels=2, subtype="PCM_16", format="FLAC") as file:
        while left:
            part = loop[:left]
            file.write(part)
            left -= len(part)


def _noise(rng: np.random.Generator, duration_s: float) -> NDArray[np.int16]:
    """(samples, 2): the ends meet, the channels are alike, as in most recordings; about -26 dB."""
    samples = round(duration_s * RATE_HZ)
    bins = samples // 2 + 1
    shape = np.sqrt(np.arange(1, bins + 1))[:, None]
    pink = np.fft.irfft(np.fft.rfft(rng.standard_normal((samples, 2)), axis=0) / shape, samples, axis=0)
    pink /= pink.std()
    swell = 1 - 0.6 * np.cos(2 * np.pi * 7 * np.arange(samples) / samples)[:, None]
    stereo = swell * (pink @ np.array([[1.0, 0.8], [0.3, -0.5]]))
    pcm: NDArray[np.int16] = np.rint(np.clip(0.04 * stereo, -1, 1) * 32767).astype(np.int16)
    return pcm
