"""What a rewriter is, and what counts as another wording."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from hark.core.errors import SettingError

Progress = Callable[[int, int], None]
"""Told (texts done, texts in all)."""


class Rewriter(Protocol):
    """Says a text in other words; every component of `text.rewrites` builds one."""

    @property
    def name(self) -> str:
        """What it is called, with what it asks: "offline", "endpoint gpt-x"."""

    @property
    def stamp(self) -> str:
        """64 hex digits that identify what it does: rules, prompt, model, file."""

    def rewrite(self, texts: Sequence[str], n: int, *, progress: Progress | None = None) -> list[tuple[str, ...]]:
        """For each text up to `n` wordings that differ from it and from one another, the best first."""


def distinct(wordings: Iterable[str], *, text: str) -> list[str]:
    """The wordings without those that say `text`, or one another, but for case, space and the full stop."""
    seen = {_bare(text)}
    kept = []
    for wording in wordings:
        said = " ".join(wording.split())
        if said and _bare(said) not in seen:
            seen.add(_bare(said))
            kept.append(said)
    return kept


def require_count(n: int) -> None:
    """Sees that `n` wordings can be asked for.

    Raises SettingError.
    """
    if n < 1:
        raise SettingError(f"{n} paraphrases: at least 1; five is what LY asked for")


def _bare(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".! ")
