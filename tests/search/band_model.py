"""A model small enough to check by hand: a window's vector is its energy in a few bands; "band 3" is the third band."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import soundfile

from hark.core.errors import SoundError

RATE_HZ = 8000


class BandModel:
    name = "bands"
    stamp = "0123456789abcdef"
    dim = 16
    rate_hz = RATE_HZ

    def __init__(self) -> None:
        self.heard: list[str] = []  # the names of the files, as they were embedded

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        rows = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[int(text.split()[-1])] = 1
        return rows

    def embed_windows(self, source: Path) -> tuple[np.ndarray, np.ndarray]:
        self.heard.append(source.name)
        try:
            wave, rate_hz = soundfile.read(source, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise SoundError(f"{source}: cannot be decoded ({error})") from error
        mono, spans, rows = wave.mean(axis=1), [], []
        for start in range(0, len(mono), rate_hz):
            window = mono[start : start + rate_hz]
            spectrum = np.abs(np.fft.rfft(window, rate_hz)) ** 2
            bands = np.array([band.sum() for band in np.array_split(spectrum, self.dim)]) + 1e-9
            spans.append((start / rate_hz, (start + len(window)) / rate_hz))
            rows.append((bands / np.linalg.norm(bands)).astype(np.float32))
        return np.array(spans, np.float64), np.stack(rows)

    def embed_audio(self, sources: Iterable[Path]) -> np.ndarray:
        means = [self.embed_windows(source)[1].mean(axis=0) for source in sources]
        return np.stack([mean / np.linalg.norm(mean) for mean in means])


def write_bands(path: Path, bands: Sequence[int], *, seed: int = 0) -> None:
    """A sound of one second for each band, a tone in it, with a little noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(RATE_HZ) / RATE_HZ
    width_hz = RATE_HZ / 2 / BandModel.dim
    tones = [np.sin(2 * np.pi * (band + 0.5) * width_hz * t) for band in bands]
    wave = 0.3 * np.concatenate(tones) + 0.02 * rng.standard_normal(RATE_HZ * len(bands))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, wave, RATE_HZ, subtype="PCM_16")
