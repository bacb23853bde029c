"""BLEU: how many of a caption's runs of words occur in one of its references (Papineni et al. 2002).

BLEU-k is the geometric mean of the clipped precisions of runs of 1 to k words, times exp(1 - r / c) where the c
candidate words are fewer than the r words of the reference whose length is nearest (the shorter one among two). The
tiny terms in the fractions, which keep them defined, are those of the COCO caption evaluation (`pycocoevalcap`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hark.metrics.ngrams import Ngram, check, ngrams

_TINY, _SMALL = 1e-15, 1e-9


@dataclass(frozen=True)
class Bleu:
    """BLEU-1 to BLEU-n of a set of captions, (n,), and of each alone, (n, clips).

    `counts` (clips, 2n + 2) is all that it takes of each; sums of their rows are what `of_counts` makes BLEU of.
    """

    corpus: NDArray[np.float64]
    per_clip: NDArray[np.float64]
    counts: NDArray[np.float64]


def bleu(candidates: Sequence[str], references: Sequence[Sequence[str]], *, n: int = 4) -> Bleu:
    """BLEU of `candidates` (clips), given one or more references for each clip.

    Words are what stands between blanks: lower case and punctuation are the caller's. The value of the whole set is
    made of summed counts; it is not the mean of the clips'.

    Raises ValueError where a clip has no references.
    """
    check(candidates, references)
    counts = np.stack([_counts(candidate, right, n=n) for candidate, right in zip(candidates, references, strict=True)])
    return Bleu(corpus=of_counts(counts.sum(axis=0)), per_clip=of_counts(counts).T, counts=counts)


def of_counts(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """BLEU-1 to BLEU-n, (..., n), of `Bleu.counts` (..., 2n + 2) or sums of them."""
    n = counts.shape[-1] // 2 - 1
    found, every, words, wanted = counts[..., :n], counts[..., n:-2], counts[..., -2:-1], counts[..., -1:]
    precisions = (found + _TINY) / (every + _SMALL)
    values: NDArray[np.float64] = np.cumprod(precisions, axis=-1) ** (1 / np.arange(1, n + 1))
    ratio = (words + _TINY) / (wanted + _SMALL)
    return values * np.where(ratio < 1, np.exp(1 - 1 / ratio), 1.0)


def _counts(candidate: str, references: Sequence[str], *, n: int) -> NDArray[np.float64]:
    """Runs of each length that a reference has too, and all, n each; words, and words that are wanted."""
    own = ngrams(candidate, n)
    most: Counter[Ngram] = Counter()
    for reference in references:
        most |= ngrams(reference, n)  # the greater count of each
    found = np.zeros(n)
    for run, count in (own & most).items():  # the smaller count of each
        found[len(run) - 1] += count
    words = len(candidate.split())
    lengths = [len(reference.split()) for reference in references]
    wanted = min(lengths, key=lambda length: (abs(length - words), length))
    return np.concatenate([found, np.maximum(words - np.arange(n), 0), [words, wanted]])
