"""Finds files that were cut short where the decoder would not tell: WAV, AIFF, AU and Ogg."""

from __future__ import annotations

from typing import BinaryIO, Literal

from hark.core.errors import SoundError

_LONGEST_PAGE = 27 + 255 + 255 * 255  # bytes of an Ogg page: header, lacing values, body (RFC 3533, section 6)


def check_container(name: str, file: BinaryIO, size: int) -> None:
    """Raises SoundError where the container promises more bytes of sound than the file holds, or 0 Hz.

    libsndfile reads such a file without complaint up to where it ends. Other containers pass unseen: FLAC and MP3
    tell by themselves while they are decoded.
    """
    file.seek(0)
    magic = file.read(4)
    if magic in (b"RIFF", b"RIFX", b"RF64", b"FORM"):
        _check_chunks(name, file, size, big_endian=magic in (b"RIFX", b"FORM"))
    elif magic == b"OggS":
        _check_last_page(name, file, size)
    elif magic == b".snd":
        start, length = (int.from_bytes(file.read(4), "big") for _ in range(2))
        _check_promise(name, length, size - start)


def _check_chunks(name: str, file: BinaryIO, size: int, *, big_endian: bool) -> None:
    """Walks the chunks of RIFF/WAVE (also RF64) or AIFF up to the one that holds the samples."""
    order: Literal["big", "little"] = "big" if big_endian else "little"
    at, long_length = 12, None  # after "RIFF", size, "WAVE"
    while at + 8 <= size:
        file.seek(at)
        kind, length = file.read(4), int.from_bytes(file.read(4), order)
        if kind == b"ds64":  # EBU Tech 3306: RIFF size, data size, in 64 bits
            long_length = int.from_bytes(file.read(16)[8:], "little")
        elif kind == b"fmt " and file.read(8)[4:] == bytes(4):
            raise SoundError(f"{name}: its header says 0 Hz; mend the header or export the sound again")
        elif kind in (b"data", b"SSND"):
            if length == 0xFFFFFFFF and long_length is not None:
                length = long_length
            _check_promise(name, length, size - at - 8)
            return
        at += 8 + length + length % 2


def _check_promise(name: str, promised: int, there: int) -> None:
    # Programs that write to a pipe cannot know the length: ffmpeg leaves 0xFFFFFFFF, sox a little under 0x7FFFFFFF.
    unknown = promised == 0xFFFFFFFF or 0x7FFFF000 <= promised <= 0x7FFFFFFF
    if promised > there and not unknown:
        raise SoundError(
            f"{name}: cut short; its header promises {promised} bytes of sound, {there} are there; copy it again"
        )


def _check_last_page(name: str, file: BinaryIO, size: int) -> None:
    start = max(0, size - _LONGEST_PAGE)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(b"OggS")
    lacing = tail[at + 27 : at + 27 + tail[at + 26]] if at >= 0 and at + 27 <= len(tail) else b""
    whole = lacing and len(lacing) == tail[at + 26] and at + 27 + len(lacing) + sum(lacing) <= len(tail)
    if not whole:
        raise SoundError(f"{name}: cut short; its last Ogg page is not whole; copy it again")
