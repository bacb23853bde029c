"""A sound that is open: what its header says and a function that reads its samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hark.core.errors import SoundError

Samples: TypeAlias = NDArray[np.float32]
"""(n, channels) a run of samples, full scale is 1.0."""

VALUES_AT_ONCE = 2**20
"""# values (samples x channels) that a reader hands out at once: 4 MiB, however long the sound is."""


@dataclass(frozen=True)
class Opened:
    """An open sound, at its own rate.

    `name` stands at the start of every message. `frames` is None where only decoding can tell. `read(start, stop)`
    yields the samples from `start` up to `stop` (None: the end) or the sound's end, and raises SoundError where the
    sound is damaged or ends before its header says; call it once. `close()` lets go of it.
    """

    name: str
    rate_hz: int
    channels: int
    frames: int | None
    format: str
    read: Callable[[int, int | None], Iterator[Samples]]
    close: Callable[[], None]


def as_float(values: NDArray[Any], name: str) -> Samples:
    """Samples of any common type as float32 with full scale 1.0; integers are divided by 2^(bits - 1).

    Raises SoundError for a type that holds no sound, and for int64 and its like, whose full scale nobody can know.
    """
    if values.dtype.kind == "f":
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes Inf, which is refused where it is heard
            return values.astype(np.float32, copy=False)
    if values.dtype == np.uint8:  # as in WAV: unsigned, silence is 128
        return (values.astype(np.float32) - np.float32(128)) / np.float32(128)
    if values.dtype in (np.int16, np.int32):
        floats: Samples = np.ldexp(values.astype(np.float64), 1 - 8 * values.dtype.itemsize).astype(np.float32)
        return floats
    raise SoundError(f"{name}: samples of type {values.dtype}; give int16, int32, uint8 or float")
