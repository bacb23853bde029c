"""Gives an MP3 that does not say how long it is the header that it lacks.

Without a Xing, Info or VBRI header the decoder guesses the length from the first frames' bit rate, and then stops
where it guessed: of a sound of varying bit rate, most may be lost without a word. Counting the frames is cheap.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import BinaryIO

from hark.audio.joined import Joined

# kbit/s of layer III by its index (ISO 11172-3, 2.4.2.3, and ISO 13818-3); index 0 is "free" and gives no length
_KBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES_1 = (44100, 48000, 32000)
_DECODER_DELAY = 529  # samples; libmpg123 drops them in front if, and only if, there is a Xing header
_SEARCH = 2**16  # bytes in which a frame has to begin, after the tags in front or after damage


@dataclass(frozen=True)
class _Frame:
    """One layer III frame's header: `kind` is what all frames of a file share, `length` its bytes."""

    kind: tuple[int, int]
    length: int
    side_bytes: int
    samples: int


def with_length(file: BinaryIO) -> tuple[Joined, int] | None:
    """The same MP3 with a Xing header and a silent frame in front, and # samples that this adds to its decoded sound.

    None where there is a header already, or nothing that is known to be MPEG layer III.
    """
    at = _find(file, _after_id3(file), None)
    if at is None:
        return None
    file.seek(at)
    head = file.read(4)
    first = _frame(head)
    assert first is not None
    body = file.read(first.length - 4)
    if any(tag in body for tag in (b"Xing", b"Info", b"VBRI")):
        return None
    # No checksum, a bit rate whose frame holds the tag, the same sample rate, no padding.
    header = bytes([head[0], head[1] | 1, (9 << 4) | (head[2] & 0b1100), head[3]])
    like_it = _frame(header)
    assert like_it is not None
    silence = (header + bytes(first.side_bytes)).ljust(like_it.length, b"\0")
    flags, frames = 1, 1 + _count(file, at, first.kind)  # flag 1: a count of frames follows
    tag = b"Xing" + flags.to_bytes(4, "big") + frames.to_bytes(4, "big")
    front = (header + bytes(first.side_bytes) + tag).ljust(like_it.length, b"\0")
    return Joined(file, front=front + silence, skip=at), first.samples - _DECODER_DELAY


def _frame(head: bytes) -> _Frame | None:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0b11100110 != 0b11100010:  # sync and layer III
        return None
    version, bitrate, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or rate == 3 or bitrate in (0, 15):
        return None
    kbits = (_KBITS_1 if version == 3 else _KBITS_2)[bitrate]
    rate_hz = _RATES_1[rate] >> {3: 0, 2: 1, 0: 2}[version]  # MPEG 1, 2 and "2.5"
    samples = 1152 if version == 3 else 576
    length = samples // 8 * 1000 * kbits // rate_hz + (head[2] >> 1 & 1)
    mono = head[3] >> 6 == 3
    side_bytes = (17 if mono else 32) if version == 3 else (9 if mono else 17)
    return _Frame((version, rate), length, side_bytes, samples)


def _after_id3(file: BinaryIO) -> int:
    """Where the ID3v2 tags in front end."""
    at = 0
    while True:
        file.seek(at)
        head = file.read(10)
        if head[:3] != b"ID3" or len(head) < 10:
            return at
        size = 0
        for byte in head[6:10]:  # seven bits in each
            size = size << 7 | byte & 0x7F
        at += 10 + size + (10 if head[5] & 0x10 else 0)  # the flag says that a footer follows


def _find(file: BinaryIO, start: int, kind: tuple[int, int] | None) -> int | None:
    """Where the next frame begins that another one like it follows."""
    file.seek(start)
    near = file.read(_SEARCH)
    at = near.find(b"\xff")
    while at >= 0:
        frame = _frame(near[at : at + 4])
        if frame is not None and kind in (None, frame.kind):
            file.seek(start + at + frame.length)
            after = _frame(file.read(4))
            if after is not None and after.kind == frame.kind:
                return start + at
        at = near.find(b"\xff", at + 1)
    return None


def _count(file: BinaryIO, start: int, kind: tuple[int, int]) -> int:
    """# whole frames from `start` to the end; what lies between them and behind them is not counted."""
    size = file.seek(0, io.SEEK_END)
    frames, at = 0, start
    while True:
        file.seek(at)
        frame = _frame(file.read(4))
        if frame is not None and frame.kind == kind:
            if at + frame.length > size:
                return frames
            frames += 1
            at += frame.length
        else:
            found = _find(file, at, kind)
            if found is None:
                return frames
            at = found
