"""Runs of words of many texts at once, weighted by how rare they are: what CIDEr compares.

Words have numbers, and so have runs of k words: a run is that of its first k - 1 words, and its last word.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


class Words(dict[str, int]):
    """Words' numbers, from 0 on; a word that is new gets the next one."""

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self)
        return number

    def cut(self, texts: Sequence[str]) -> tuple[Ints, Ints]:
        """Text and number of each word; words are what stands between blanks."""
        found: list[int] = []
        ends = []
        for text in texts:
            found.extend(map(self.__getitem__, text.split()))
            ends.append(len(found))
        return np.repeat(np.arange(len(texts)), np.diff(ends, prepend=0)), np.array(found, dtype=np.int64)

    def forget(self, kept: int) -> None:
        """Takes back the numbers from `kept` on."""
        while len(self) > kept:
            self.popitem()


@dataclass(frozen=True)
class Weighted:
    """The different runs of one length in texts: text and number of each, sorted by them, and weight.

    Numbers are below `span`; those from `known` on are of runs that no reference has, and mean the same only among what
    was weighed at once.
    """

    text: Ints
    run: Ints
    weight: Floats
    known: int
    span: int

    @property
    def lasting(self) -> bool:
        """Whether the numbers always mean the same."""
        return bool((self.run < self.known).all())

    @classmethod
    def joined(cls, parts: Sequence[Weighted]) -> Weighted:
        """Texts one after the other, each given as one part."""
        return cls(
            text=np.repeat(np.arange(len(parts)), [len(part.run) for part in parts]),
            run=np.concatenate([part.run for part in parts]),
            weight=np.concatenate([part.weight for part in parts]),
            known=parts[0].known,
            span=max(part.span for part in parts),
        )

    def split(self, texts: int, *, first: int) -> tuple[Weighted, list[Weighted]]:
        """Of so many texts, the `first` ones together, and each of the others by itself."""
        cuts = np.searchsorted(self.text, np.arange(first, texts + 1)).tolist()
        others = [
            Weighted(self.text[:0], self.run[start:end], self.weight[start:end], self.known, self.span)
            for start, end in pairwise(cuts)
        ]
        cut = cuts[0]
        return Weighted(self.text[:cut], self.run[:cut], self.weight[:cut], self.known, self.span), others

    def norms(self, texts: int) -> Floats:
        """The Euclidean norm of each text's weights, (texts,)."""
        return np.sqrt(np.bincount(self.text, self.weight**2, minlength=texts))


@dataclass(frozen=True)
class Runs:
    """What runs of 1 to n words a set of references has, and what each weighs: log(clips / clips that have it)."""

    words: Words
    count: int  # of different words
    keys: Sequence[Ints]  # of the runs of each length, ascending: (number of the first words) * count + last word
    rarity: Sequence[Floats]  # of the runs of each length
    unknown: float  # the weight of what no reference has

    @classmethod
    def of(cls, references: Sequence[Sequence[str]], n: int) -> Runs:
        """Of references, one sequence for each clip."""
        alike = Counter(map(tuple, references))  # a batch of captions has the same clips again and again
        times = np.array(list(alike.values()), dtype=np.float64)
        words = Words()
        text, word = words.cut([text for clip in alike for text in clip])
        clips = np.repeat(np.arange(len(alike)), [len(clip) for clip in alike])
        most = math.log(len(references)) if references else 0.0
        keys: list[Ints] = []
        rarity: list[Floats] = []
        at, run = np.arange(len(word)), np.zeros(len(word), dtype=np.int64)
        for size in range(1, n + 1):
            at, run = _longer(text, at, run, size)
            different, run = np.unique(run * len(words) + word[at + size - 1], return_inverse=True)
            count = max(1, len(different))
            pairs = np.sort(clips[text[at]] * count + run)
            clip, having = np.divmod(pairs[np.diff(pairs, prepend=-1) > 0], count)  # once for each clip that has it
            keys.append(different)
            rarity.append(most - np.log(np.bincount(having, times[clip], minlength=len(different))))
        return cls(words, len(words), keys, rarity, most)

    def weigh(self, texts: Sequence[str]) -> list[Weighted]:
        """What texts have, for each length of runs."""
        text, word = self.words.cut(texts)
        words = max(1, len(self.words))
        self.words.forget(self.count)
        weighted = []
        at, run, known = np.arange(len(word)), np.zeros(len(word), dtype=np.int64), 1
        for size, (keys, rarity) in enumerate(zip(self.keys, self.rarity, strict=True), start=1):
            at, run = _longer(text, at, run, size)
            last = word[at + size - 1]
            run = _numbers(
                keys, run * self.count + last, new=run * words + last, old=(run < known) & (last < self.count)
            )
            known = len(keys)
            span = max(1, known + len(run))
            different, counts = np.unique(text[at] * span + run, return_counts=True)
            of, which = np.divmod(different, span)
            weight = np.append(rarity, self.unknown)[np.minimum(which, known)]
            weighted.append(Weighted(of, which, counts * weight, known, span))
        return weighted


def _longer(text: Ints, at: Ints, run: Ints, size: int) -> tuple[Ints, Ints]:
    """Of runs of `size` - 1 words at places `at`, those after which the text has another word."""
    if size == 1:
        return at, run
    fits = at + size - 1 < len(text)
    at, run = at[fits], run[fits]
    fits = text[at] == text[at + size - 1]
    return at[fits], run[fits]


def _numbers(keys: Ints, wanted: Ints, *, new: Ints, old: NDArray[np.bool_]) -> Ints:
    """Where `wanted` is in `keys`; what is not there gets a number after them, the same one where `new` is the same."""
    if not len(keys):
        old = np.zeros_like(old)
    else:
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        old = old & (keys[place] == wanted)
    run = np.empty(len(wanted), dtype=np.int64)
    if len(keys):
        run[old] = place[old]
    run[~old] = len(keys) + np.unique(new[~old], return_inverse=True)[1]
    return run
