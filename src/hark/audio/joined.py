"""Some bytes and the rest of a file, read as one file by libsndfile."""

from __future__ import annotations

import io
from typing import BinaryIO


class Joined:
    """`front`, then `file` from byte `skip` on.

    It has a place of its own, so that others may read `file` meanwhile, and it never raises: libsndfile calls it from
    C, where an exception would be printed and lost.
    """

    def __init__(self, file: BinaryIO, *, front: bytes = b"", skip: int = 0):
        self._front, self._file, self._skip = front, file, skip
        self._end = len(front) + file.seek(0, io.SEEK_END) - skip
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
        """Goes to a byte and returns its place; stays where it is if there is no such place."""
        at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._end}[whence]
        if at >= 0:
            self._at = at
        return self._at

    def tell(self) -> int:
        """Where we are."""
        return self._at
