"""Whole words: those of the training captions, and one word for all others.

Captions are lower-cased and cut as for the metrics (`hark.text.ptb`), so that a caption said in these words is compared
as it is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hark.core.errors import DataError
from hark.text.ptb import tokenise

ASSET = "words"
SPECIAL = ("<pad>", "<start>", "<stop>", "<unknown>")


@dataclass(frozen=True)
class Config:
    """Words that occur at least `least` times in the training captions."""

    least: int = 1

    def __post_init__(self) -> None:
        if self.least < 1:
            raise ValueError(f"least is {self.least}; give 1 or more")

    def build(self, *, captions: Iterable[str] | None = None, assets: Mapping[str, str] | None = None) -> Words:
        """The words of `captions`, the commonest first and equally common ones by the alphabet, or those of `assets`.

        Raises DataError where no caption has a word.
        """
        if assets is not None:
            return Words(tuple(json.loads(assets[ASSET])))
        assert captions is not None, "words come from captions or from a model's file"
        counted = Counter(word for caption in captions for word in tokenise(caption))
        kept = sorted((word for word, count in counted.items() if count >= self.least), key=lambda w: (-counted[w], w))
        if not kept:
            raise DataError(f"no word stands {self.least} times or more in the {len(counted)} words of the captions")
        return Words(SPECIAL + tuple(kept))


@dataclass(frozen=True)
class Words:
    """The words by number; the first four are those for padding, beginning, end, and what is not known."""

    words: tuple[str, ...]
    pad: int = 0
    start: int = 1
    stop: int = 2
    unknown: int = 3

    def __post_init__(self) -> None:
        object.__setattr__(self, "_places", {word: place for place, word in enumerate(self.words)})

    @property
    def size(self) -> int:
        """How many words there are."""
        return len(self.words)

    def encode(self, text: str) -> list[int]:
        """A caption's words, `stop` behind them."""
        places: dict[str, int] = self._places  # type: ignore[attr-defined]
        return [*(places.get(word, self.unknown) for word in tokenise(text)), self.stop]

    def decode(self, ids: Sequence[int]) -> str:
        """The words up to the first `stop`, a blank between them."""
        upto = list(ids).index(self.stop) if self.stop in ids else len(ids)
        return " ".join(self.words[i] for i in ids[:upto] if i not in (self.pad, self.start))

    def assets(self) -> dict[str, str]:
        """The words as JSON."""
        return {ASSET: json.dumps(self.words, ensure_ascii=False)}
