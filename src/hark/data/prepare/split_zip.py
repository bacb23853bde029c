"""Reads a .zip that was split into parts (x.z01, x.z02, ..., x.zip) as if it had not been; `zipfile` cannot.

The parts one after the other are the archive, but for its directory, which tells where a file lies by the number of a
part and the offset in it. It is written anew here, with offsets in the whole (PKWARE's APPNOTE.TXT, 4.3 to 4.5).
"""

from __future__ import annotations

import glob
import io
import re
import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile

from hark.core.errors import DataError

_ENTRY = struct.Struct("<4s6H3L5H2L")  # of the directory; behind it the name, extra fields and a comment
_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")  # of the long form of the end, which stands before it
_LONG_END = struct.Struct("<4sQ2H2L4Q")
_LONGEST_COMMENT = 65535
_UNTOLD16, _UNTOLD32 = 0xFFFF, 0xFFFFFFFF  # "see the long form"
_LONG = 1  # the extra field of numbers that do not fit into 16 or 32 bits


def parts_of(archive: Path) -> list[Path]:
    """The parts of x.zip that lie beside it, in their order, itself last; itself alone if it is whole."""
    parts = [
        part
        for part in archive.parent.glob(f"{glob.escape(archive.stem)}.z[0-9]*")
        if re.fullmatch(r"\.z\d\d+", part.suffix)
    ]
    return [*sorted(parts, key=lambda part: int(part.suffix[2:])), archive]


def joined(parts: Sequence[Path]) -> IO[bytes]:
    """The archive that the parts were before, to be read.

    Raises DataError where a part is missing; BadZipFile, OSError.
    """
    pieces: list[tuple[IO[bytes], int]] = []
    try:
        pieces.extend((part.open("rb"), part.stat().st_size) for part in parts)
        starts = [0, *accumulate(size for _, size in pieces)]
        with io.BufferedReader(_Joined(pieces, owned=False)) as raw:
            count, at, size, entries = _end(raw, starts)
            _require(parts, count)
            directory = _directory(raw, starts, at, size)
        pieces = [(file, max(0, min(size, at - start))) for (file, size), start in zip(pieces, starts, strict=False)]
        tail = directory + _new_end(at, len(directory), entries)
        return io.BufferedReader(_Joined([*pieces, (io.BytesIO(tail), len(tail))]))
    except BaseException as error:
        for file, _ in pieces:
            file.close()
        if isinstance(error, struct.error | IndexError):
            raise BadZipFile("its directory is damaged") from None
        raise


def _end(raw: IO[bytes], starts: Sequence[int]) -> tuple[int, int, int, int]:
    """How many parts there were, where the directory starts in the whole, its bytes and entries."""
    raw.seek(max(0, starts[-1] - _END.size - _LONGEST_COMMENT - _LOCATOR.size))
    last = raw.read()
    found = last.rfind(b"PK\5\6")
    if found < 0:
        raise BadZipFile("it has no end")
    _, disk, first, _, entries, size, offset, _ = _END.unpack_from(last, found)
    at = found - _LOCATOR.size
    if at >= 0 and last[at : at + 4] == b"PK\6\7":
        _, where, long_offset, _ = _LOCATOR.unpack_from(last, at)
        raw.seek(starts[where] + long_offset)
        _, _, _, _, disk, first, _, entries, size, offset = _LONG_END.unpack(raw.read(_LONG_END.size))
    return disk + 1, starts[first] + offset, size, entries


def _require(parts: Sequence[Path], count: int) -> None:
    whole = parts[-1]
    names = [f"{whole.stem}.z{number:02d}" for number in range(1, count)]
    missing = sorted(set(names) - {part.name for part in parts})
    if missing:
        raise DataError(f"{whole}: its part {missing[0]} is not there; fetch all {count} parts")
    if len(parts) != count:
        raise DataError(f"{whole}: {len(parts)} parts lie there, it has {count}; remove those of another archive")


def _directory(raw: IO[bytes], starts: Sequence[int], at: int, size: int) -> bytes:
    raw.seek(at)
    return b"".join(_entries(raw.read(size), starts))


def _entries(directory: bytes, starts: Sequence[int]) -> Iterator[bytes]:
    """Each entry with the file's offset in the whole, always in the long form."""
    at = 0
    while at < len(directory):
        fixed: list[Any] = list(_ENTRY.unpack_from(directory, at))
        name, extra, comment = fixed[10:13]
        behind = at + _ENTRY.size
        texts = directory[behind : behind + name], directory[behind + name + extra : behind + name + extra + comment]
        fields = dict(_fields(directory[behind + name : behind + name + extra]))
        long = io.BytesIO(fields.pop(_LONG, b""))
        csize, usize, disk, offset = fixed[8], fixed[9], fixed[13], fixed[16]
        usize, csize, offset = (
            struct.unpack("<Q", long.read(8))[0] if value == _UNTOLD32 else value for value in (usize, csize, offset)
        )
        disk = struct.unpack("<L", long.read(4))[0] if disk == _UNTOLD16 else disk
        fields[_LONG] = struct.pack("<3Q", usize, csize, starts[disk] + offset)
        packed = b"".join(struct.pack("<2H", key, len(data)) + data for key, data in fields.items())
        fixed[8:10], fixed[11], fixed[13], fixed[16] = [_UNTOLD32] * 2, len(packed), 0, _UNTOLD32
        yield _ENTRY.pack(*fixed) + texts[0] + packed + texts[1]
        at = behind + name + extra + comment


def _fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(extra):
        key, size = struct.unpack_from("<2H", extra, at)
        yield key, extra[at + 4 : at + 4 + size]
        at += 4 + size


def _new_end(at: int, size: int, entries: int) -> bytes:
    long_end = _LONG_END.pack(b"PK\6\6", _LONG_END.size - 12, 45, 45, 0, 0, entries, entries, size, at)
    locator = _LOCATOR.pack(b"PK\6\7", 0, at + size, 1)
    return long_end + locator + _END.pack(b"PK\5\6", 0, 0, _UNTOLD16, _UNTOLD16, _UNTOLD32, _UNTOLD32, 0)


class _Joined(io.RawIOBase):
    """Files one after the other, of each the first bytes that are asked for."""

    def __init__(self, pieces: Sequence[tuple[IO[bytes], int]], *, owned: bool = True) -> None:
        self._pieces, self._owned = pieces, owned
        self._starts = [0, *accumulate(size for _, size in pieces)]
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._starts[-1])[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        number = bisect_right(self._starts, self._at) - 1
        if number >= len(self._pieces):
            return 0
        file, size = self._pieces[number]
        inside = self._at - self._starts[number]
        file.seek(inside)
        data = file.read(min(len(buffer), size - inside))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        if self._owned:
            for file, _ in self._pieces:
                file.close()
        super().close()
