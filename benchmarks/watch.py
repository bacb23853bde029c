"""Tells how long each stage of a streaming job took, although the stages take turns."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import TypeVar

T = TypeVar("T")


class Watch:
    """One clock that at each moment counts for one stage, so that the stages add up to the whole."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._stage: str | None = None
        self._since = 0.0

    def switch(self, stage: str | None) -> str | None:
        """Lets the clock count for another stage (None: for nothing) from now on; returns which it was before."""
        now, before = time.perf_counter(), self._stage
        if before is not None:
            self.seconds[before] += now - self._since
        self._stage, self._since = stage, now
        return before

    @contextlib.contextmanager
    def on(self, stage: str) -> Iterator[None]:
        """Counts a block for a stage; other stages within it count for themselves alone."""
        before = self.switch(stage)
        try:
            yield
        finally:
            self.switch(before)

    def each(self, stage: str, items: Iterator[T]) -> Iterator[T]:
        """The same items; what it takes to make them counts for a stage."""
        while True:
            with self.on(stage):
                try:
                    item = next(items)
                except StopIteration:
                    return
            yield item
