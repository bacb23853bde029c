"""How much memory `hark index` takes, in a process of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fresh import fresh, peak_mb

BOUND_MB = 1500.0


@dataclass(frozen=True)
class Memory:
    """The most memory held at once, in 10^6 bytes: with the model loaded and nothing heard, and at the end."""

    hours: float  # of sound
    files: int
    jobs: int
    idle_mb: float
    peak_mb: float
    elapsed_s: float

    @property
    def fits(self) -> bool:
        """Whether it stayed within the bound."""
        return self.peak_mb < BOUND_MB


def memory(model: str, folder: Path, library: Path, jobs: int) -> Memory:
    """Indexes a folder into a new library, in a new process.

    Raises HarkError.
    """
    return fresh(_memory, model, folder, library, jobs)


def _memory(name: str, folder: Path, library: Path, jobs: int) -> Memory:
    from hark.runtime.load import load
    from hark.search.engine import Library

    model = load(name)
    idle = peak_mb()
    started = time.perf_counter()
    with Library(library, model) as opened:
        report = opened.index(folder, jobs=jobs)
    assert not report.unreadable, report.unreadable
    return Memory(
        hours=report.audio_s / 3600,
        files=report.added,
        jobs=jobs,
        idle_mb=idle,
        peak_mb=peak_mb(),
        elapsed_s=time.perf_counter() - started,
    )
