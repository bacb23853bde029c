"""Writes sound files: the one place that encodes sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from hark.core.errors import SoundError
from hark.core.files import write_aside
from hark.core.types import Wave

FORMATS = {".flac": "FLAC", ".wav": "WAV"}


def write(path: Path, wave: Wave, rate_hz: int) -> None:
    """Writes a mono wave with 16 bits, as FLAC or WAV by the file's ending, whole or not at all.

    Samples beyond full scale (1.0) are clipped.

    Raises SoundError for another ending, an empty wave, or samples that are no numbers.
    """
    assert wave.ndim == 1, wave.shape
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise SoundError(f"{path.name}: cannot write '{path.suffix}'; name it .flac or .wav")
    if not wave.size:
        raise SoundError(f"{path.name}: no samples to write; give a wave that is not empty")
    if not np.isfinite(wave).all():
        raise SoundError(f"{path.name}: the wave has samples that are NaN or infinite; not written")
    with write_aside(path) as aside:
        soundfile.write(aside, wave, rate_hz, format=kind, subtype="PCM_16")
