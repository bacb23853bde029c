"""Other wordings by rules and a small table of sound words: no network, no model, the same every time."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hark.text.rewrites import clauses, sound_words
from hark.text.rewrites.rewriter import Progress, distinct, require_count

Kind = Literal["order", "words", "frame"]

_OF_A_NAME = (
    "the sound of {text}",
    "a recording of {text}",
    "{text} can be heard",
    "audio of {text}",
    "the noise of {text}",
    "this is a sound of {text}",
    "a sound clip of {text}",
    "listening to {text}",
)
_OF_A_CLAUSE = (
    "in this recording, {text}",
    "it sounds as if {text}",
    "a recording in which {text}",
    "one can hear that {text}",
    "the sound when {text}",
    "what is heard: {text}",
)


@dataclass(frozen=True)
class Config:
    """`kinds` are the ways to reword that are used: another order of the clauses, other words, a frame around it."""

    kinds: tuple[Kind, ...] = ("order", "words", "frame")

    def __post_init__(self) -> None:
        if not self.kinds:
            raise ValueError("kinds: none; give at least one of order, words, frame")

    def build(self) -> Offline:
        """The rewriter."""
        return Offline(self.kinds)


class Offline:
    """A rewriter that needs nothing. It knows little: a text has as many wordings as its rules find.

    Orders and words take turns, so that the first wordings differ in different ways; then come both together. Frames
    ("a recording of ...") tell nothing more about the sound, so they only fill up what is missing.
    """

    name = "offline"

    def __init__(self, kinds: tuple[Kind, ...]) -> None:
        self.kinds = kinds
        digest = hashlib.sha256(repr(kinds).encode())
        for source in (__file__, clauses.__file__, sound_words.__file__, sound_words.TABLE):
            digest.update(Path(source).read_bytes())
        self.stamp = digest.hexdigest()

    def rewrite(self, texts: Sequence[str], n: int, *, progress: Progress | None = None) -> list[tuple[str, ...]]:
        """For each text up to `n` wordings; fewer where the rules find no more."""
        require_count(n)
        made = [tuple(itertools.islice(self._wordings(text), n)) for text in texts]
        if progress is not None:
            progress(len(texts), len(texts))
        return made

    def _wordings(self, text: str) -> Iterator[str]:
        bare = " ".join(text.split()).rstrip(". ")
        if not bare:
            return iter(())
        said = [kind for kind in self.kinds if kind != "frame"]
        single = [list(self._one(kind, bare)) for kind in said]
        turns = [wording for row in itertools.zip_longest(*single) for wording in row if wording]
        both = (
            second
            for (first, wordings), kind in itertools.product(zip(said, single, strict=True), said)
            if first != kind
            for wording in wordings
            for second in self._one(kind, wording)
        )
        framed = (frame for wording in (bare, *turns) for frame in self._one("frame", wording))
        found = itertools.chain(turns, both, framed if "frame" in self.kinds else ())
        return iter(distinct((_like(wording, text) for wording in found), text=text))

    def _one(self, kind: Kind, text: str) -> Iterator[str]:
        return {"order": clauses.reordered, "words": _by_words, "frame": _framed}[kind](text)


def _by_words(text: str) -> Iterator[str]:
    """All words exchanged, first by their first fellow, then by their second; then one word at a time."""
    found = sound_words.places(text)
    for choice in range(max((len(place.others) for place in found), default=0)):
        yield sound_words.exchanged(text, choice)
    if len(found) > 1:
        for only in range(len(found)):
            yield sound_words.exchanged(text, 0, only=only)


def _framed(text: str) -> Iterator[str]:
    inside = clauses.small(text)
    for frame in _OF_A_CLAUSE if sound_words.is_clause(text) else _OF_A_NAME:
        yield frame.replace("{text}", inside)


def _like(wording: str, text: str) -> str:
    """The wording with a capital and a full stop where the text has them."""
    said = wording[:1].upper() + wording[1:] if text.lstrip()[:1].isupper() else wording
    return f"{said}." if text.rstrip().endswith(".") else said
