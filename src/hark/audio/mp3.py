"""Gives an MP3 that does not say how long it is the header that it lacks.

Without a Xing, Info or VBRI header the decoder guesses the length from the first frames' bit rate, and then stops
where it guessed: of a sound of varying bit rate, most may be lost without a word. Counting the frames is cheap.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import BinaryIO

# kbit/s of layer III by its index (ISO 11172-3, 2.4.2.3, and ISO 13818-3); index 0 is "free" and gives no length
_KBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES_1 = (44100, 48000, 32000)
_SEARCH = 2**16  # bytes in which a frame has to begin, after the tags in front or after damage


@dataclass(frozen=True)
class _Frame:
    """One layer III frame's header: `kind` is what all frames of a file share, `length` its bytes."""

    kind: tuple[int, int]
    length: int
    side_bytes: int


def with_length(file: BinaryIO) -> Joined | None:
    """The same MP3 with a Xing header in front, or None where there is no need to (or it is not layer III)."""
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
    header = bytearray(head)
    header[1] |= 1  # no checksum follows
    header[2] = (9 << 4) | (head[2] & 0b1100)  # a bit rate whose frame holds the tag, same sample rate, no padding
    tag_frame = _frame(bytes(header))
    assert tag_frame is not None
    tag = b"Xing" + (1).to_bytes(4, "big") + _count(file, at, first.kind).to_bytes(4, "big")  # flag 1: frames follow
    front = (bytes(header) + bytes(first.side_bytes) + tag).ljust(tag_frame.length, b"\0")
    return Joined(front, file, at)


def _frame(head: bytes) -> _Frame | None:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0b11100110 != 0b11100010:  # sync and layer III
        return None
    version, bitrate, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or rate == 3 or bitrate in (0, 15):
        return None
    kbits = (_KBITS_1 if version == 3 else _KBITS_2)[bitrate]
    rate_hz = _RATES_1[rate] >> {3: 0, 2: 1, 0: 2}[version]  # MPEG 1, 2 and "2.5"
    length = (144 if version == 3 else 72) * 1000 * kbits // rate_hz + (head[2] >> 1 & 1)
    mono = head[3] >> 6 == 3
    side_bytes = (17 if mono else 32) if version == 3 else (9 if mono else 17)
    return _Frame((version, rate), length, side_bytes)


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


class Joined:
    """`front`, then `file` from byte `skip` on, read as one file."""

    def __init__(self, front: bytes, file: BinaryIO, skip: int):
        self._front, self._file, self._skip = front, file, skip
        self._at = 0

    def read(self, size: int) -> bytes:
        """At most `size` bytes from where we are."""
        part = self._front[self._at : self._at + size]
        if len(part) < size:
            self._file.seek(max(0, self._at - len(self._front)) + self._skip)
            part += self._file.read(size - len(part))
        self._at += len(part)
        return part

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Goes to a byte and returns its place."""
        end = len(self._front) + self._file.seek(0, io.SEEK_END) - self._skip
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: end}[whence]
        return self._at

    def tell(self) -> int:
        """Where we are."""
        return self._at
