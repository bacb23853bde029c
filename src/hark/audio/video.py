"""Reads m4a, aac and the sound of video files through PyAV, the extra `hark[video]`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from hark.audio.opened import Opened, Samples, as_float
from hark.core.errors import SoundError

# Only containers of sound and video: FFmpeg would also open playlists, which name other files and addresses to read.
_CONTAINERS = "mov,mp4,m4a,3gp,matroska,webm,aac,avi,mpegts,mpeg,flv,asf,amr,ac3,eac3,ape,wv,tta,caf"
_SLACK_S = 0.25  # encoders round a sound to their frames, so its length and its header's differ by a few of those


def open_with_pyav(name: str, file: BinaryIO) -> Opened:
    """The first sound in `file`.

    Raises SoundError if it is none that FFmpeg knows, or PyAV is not installed.
    """
    try:
        import av
    except ImportError:
        raise SoundError(
            f"{name}: not a format that hark reads by itself; for m4a, aac, mp4 or webm: pip install 'hark[video]'"
        ) from None
    file.seek(0)
    try:
        container = av.open(file, options={"format_whitelist": _CONTAINERS}, metadata_errors="replace")
    except (av.FFmpegError, ValueError):  # ValueError: PyAV could not make sense of what FFmpeg gave
        raise SoundError(f"{name}: not a sound; hark reads wav, flac, ogg, mp3, aiff, m4a, aac, mp4, webm") from None
    if not container.streams.audio:
        container.close()
        raise SoundError(f"{name}: a video without sound")
    stream = container.streams.audio[0]

    def decoded() -> Iterator[Any]:
        try:
            yield from container.decode(stream)
        except av.FFmpegError as error:
            raise SoundError(f"{name}: damaged ({error.strerror})") from None

    frames = decoded()
    try:
        first = next(frames)  # only a decoded frame tells the true rate: AAC's header may give half of it
    except StopIteration:
        container.close()
        raise SoundError(f"{name}: no samples in it") from None
    except SoundError:
        container.close()
        raise
    rate_hz, channels = first.sample_rate, first.layout.nb_channels
    is_mp4 = "mp4" in container.format.name  # the others' lengths are guesses
    promised_s = float(stream.duration * stream.time_base) if is_mp4 and stream.duration else 0.0

    def read(start: int, stop: int | None) -> Iterator[Samples]:
        # From the beginning: time stamps in these containers are too coarse to seek to a sample.
        at = 0
        frame = first
        while frame is not None and (stop is None or at < stop):
            if frame.sample_rate != rate_hz or frame.layout.nb_channels != channels:
                raise SoundError(f"{name}: changes its rate or channels at {at / rate_hz:.1f} s")
            samples = as_float(_interleaved(frame, channels), name)
            kept = samples[max(0, start - at) : None if stop is None else stop - at]
            at += len(samples)
            if len(kept):
                yield kept
            frame = next(frames, None)
        if frame is None and at / rate_hz < promised_s - _SLACK_S:
            raise SoundError(
                f"{name}: cut short; {at / rate_hz:.2f} s can be decoded of the {promised_s:.2f} s in its header"
            )

    kind = f"{container.format.name} {stream.codec_context.name}".upper()
    return Opened(name, rate_hz, channels, None, kind, read, container.close)


def _interleaved(frame: Any, channels: int) -> np.ndarray[Any, Any]:
    """A frame's samples as (n, channels)."""
    values: np.ndarray[Any, Any] = frame.to_ndarray()  # planar (channels, n), packed (1, n * channels)
    return values.T if frame.format.is_planar else values.reshape(-1, channels)
