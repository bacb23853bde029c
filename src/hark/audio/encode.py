"""Writes sound files: the one place that encodes sound."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
import soundfile
from numpy.typing import NDArray

from hark.audio.libsndfile import native
from hark.core.errors import SoundError
from hark.core.files import write_aside
from hark.core.types import Wave

FORMATS = {".flac": "FLAC", ".wav": "WAV"}

Pcm: TypeAlias = NDArray[np.int16]
"""(samples,), 16 bits a sample."""


def write(path: Path, wave: Wave, rate_hz: int) -> None:
    """Writes a mono wave with 16 bits, as FLAC or WAV by the file's ending, whole or not at all.

    Samples beyond full scale (1.0) are clipped.

    Raises SoundError for another ending, an empty wave, or samples that are no numbers; OSError where the file cannot
    be written.
    """
    assert wave.ndim == 1, wave.shape
    _format(path)
    if not wave.size:
        raise SoundError(f"{path.name}: no samples to write; give a wave that is not empty")
    if not np.isfinite(wave).all():
        raise SoundError(f"{path.name}: the wave has samples that are NaN or infinite; not written")
    try:
        with writing(path, rate_hz) as add:
            add(wave)
    except (RuntimeError, AssertionError) as error:  # what soundfile makes of a full disk
        raise OSError(errno.EIO, f"cannot be written ({error or 'cut short'})", str(path)) from None


@contextlib.contextmanager
def writing(path: Path, rate_hz: int) -> Iterator[Callable[[Wave | Pcm], None]]:
    """A function that takes a mono sound block by block, to write it as `write` does; blocks may be empty.

    Waves are clipped at full scale (1.0), 16-bit samples are written as they are. The file is there when the `with`
    ends well, and only then.

    Raises SoundError for another ending; OSError, RuntimeError or AssertionError where the file cannot be written.
    """
    kind = _format(path)
    with write_aside(path) as aside, soundfile.SoundFile(native(aside), "w", rate_hz, 1, "PCM_16", format=kind) as file:

        def add(block: Wave | Pcm) -> None:
            if len(block):
                file.write(block)

        yield add


def _format(path: Path) -> str:
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise SoundError(f"{path.name}: cannot write '{path.suffix}'; name it .flac or .wav")
    return kind
