"""What a library's rows say: whose vectors they are, the files, and the files that cannot be read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Owner:
    """The model whose vectors a library holds; `stamp` tells two sets of weights of one name apart."""

    model: str
    stamp: str
    dim: int


@dataclass(frozen=True)
class FileRow:
    """One indexed file, as it was when it was read; `path` is absolute."""

    path: str
    size: int  # bytes
    mtime_ns: int
    duration_s: float
    rate_hz: int
    channels: int
    format: str


@dataclass(frozen=True)
class UnreadableRow:
    """One file that has a sound's name but cannot be read, and why; it is not tried again until it changes."""

    path: str
    size: int  # bytes
    mtime_ns: int
    reason: str


@dataclass(frozen=True)
class SpanRow:
    """One window of an indexed file."""

    path: str
    start_s: float
    end_s: float
