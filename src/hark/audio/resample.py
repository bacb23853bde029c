"""Changes a wave's rate with soxr's HQ recipe, whole or block by block with the same samples."""

from __future__ import annotations

import numpy as np
import soxr

from hark.core.types import Wave


class Resampler:
    """A resampler for a stream of blocks.

    However the stream is cut, the blocks that come out add up to the same samples, round(samples * to_hz / from_hz)
    of them (halves go up). Nothing is delayed: output sample k stands at k / to_hz seconds.
    """

    def __init__(self, from_hz: int, to_hz: int):
        assert from_hz > 0, from_hz
        assert to_hz > 0, to_hz
        self._stream = None if from_hz == to_hz else soxr.ResampleStream(from_hz, to_hz, 1, "float32", "HQ")

    def push(self, wave: Wave) -> Wave:
        """What comes out when this block goes in; (samples,), often not the block's own share of time."""
        return self._through(wave, last=False)

    def finish(self) -> Wave:
        """The rest, at the end of the stream; call it once."""
        return self._through(np.zeros(0, np.float32), last=True)

    def _through(self, wave: Wave, *, last: bool) -> Wave:
        if self._stream is None:
            return wave
        out: Wave = self._stream.resample_chunk(np.ascontiguousarray(wave), last=last)
        return out


def resample(wave: Wave, from_hz: int, to_hz: int) -> Wave:
    """The wave at another rate: (samples,) in, (round(samples * to_hz / from_hz),) out."""
    resampler = Resampler(from_hz, to_hz)
    return np.concatenate([resampler.push(wave), resampler.finish()])
