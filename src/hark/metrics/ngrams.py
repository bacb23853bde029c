"""Runs of words, counted: what BLEU and CIDEr are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TypeAlias

Ngram: TypeAlias = tuple[str, ...]
"""One to n neighbouring words."""


def runs(text: str, n: int) -> Iterator[Iterator[Ngram]]:
    """The runs of 1 word of a text, then those of 2, to those of `n`; words are what stands between blanks."""
    words = text.split()
    return (zip(*(words[i:] for i in range(k)), strict=False) for k in range(1, n + 1))


def ngrams(text: str, n: int) -> Counter[Ngram]:
    """How often each run of 1 to `n` words occurs in a text."""
    return Counter(chain.from_iterable(runs(text, n)))


def check(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    """Raises ValueError unless there are candidates, and each has at least one reference."""
    if len(candidates) != len(references) or not candidates:
        raise ValueError(f"{len(candidates)} candidates and {len(references)} clips with references")
    for clip, right in enumerate(references):
        if isinstance(right, str) or not right:
            raise ValueError(f"clip {clip}: a sequence with at least one reference is wanted, not {right!r}")
