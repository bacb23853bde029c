"""What turns captions into numbers of words and back, for a captioner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Speller(Protocol):
    """The words that a captioner can say, by number; one file for each kind in `text/spelling`."""

    @property
    def size(self) -> int:
        """How many words there are, those for padding, beginning and end included."""

    @property
    def pad(self) -> int:
        """Fills short rows; never said."""

    @property
    def start(self) -> int:
        """What stands before the first word."""

    @property
    def stop(self) -> int:
        """What stands behind the last word."""

    def encode(self, text: str) -> list[int]:
        """A caption's words, `stop` behind them."""

    def decode(self, ids: Sequence[int]) -> str:
        """The caption, up to the first `stop`."""

    def assets(self) -> dict[str, str]:
        """The texts from which `build(assets=...)` makes the same speller again."""
