"""CIDEr: how much of what is rare elsewhere a caption shares with its references (Vedantam et al. 2015).

Runs of 1 to n words are weighted by how often they occur in the text and by log(clips / clips whose references have
them); a candidate is compared with each of its references by the cosine of these weights, for each length of runs. The
mean over lengths and references, times 10, is CIDEr (section 4 there). CIDEr-D (section 5), which cannot be had by
saying a word again and again, clips the candidate's weights to the reference's and takes each cosine times
exp(-d^2 / 2 sigma^2), d being the difference in words. What the field's papers call CIDEr is CIDEr-D: it is
`pycocoevalcap`'s number.

As the weights come from a whole set of references, a caption's value depends on that set: alone, every clip is worth 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from hark.metrics.ngrams import check
from hark.metrics.weighted_runs import Floats, Ints, Runs, Weighted

_KEPT = 100_000  # texts that are kept weighted, of about 2 kB each


@dataclass(frozen=True)
class Cider:
    """CIDEr with the document frequencies of one set of references; make it once with `of`, and ask it many times.

    `runs` tell what each run of 1 to n words weighs. References that were asked for are kept weighted, so
    that a reward costs little: ask with many captions at once.
    """

    runs: Runs
    _kept: dict[str, tuple[Weighted, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, references: Sequence[Sequence[str]], *, n: int = 4) -> Self:
        """With the frequencies of these references, one sequence for each clip."""
        return cls(Runs.of(references, n))

    def score(self, candidates: Sequence[str], references: Sequence[Sequence[str]]) -> Floats:
        """CIDEr of each of `candidates` (clips), given one or more references for each; 0 to 10, and seldom near 10.

        Words are what stands between blanks. The field reports the mean.

        Raises ValueError where a clip has no references.
        """
        check(candidates, references)
        asked = _Asked.of(candidates, references)
        alike: Floats = np.zeros(len(asked.candidate))
        for own, theirs in self._weighted(candidates, asked.texts):
            alike += self._cosines(own, theirs, asked)
        words = np.array([len(text.split()) for text in candidates])
        their_words = np.array([len(text.split()) for text in asked.texts])
        alike = alike * self._penalty(words[asked.candidate] - their_words[asked.reference])
        each = np.bincount(asked.candidate, alike, minlength=len(candidates))
        return 10.0 * each.astype(np.float64) / asked.count / len(self.runs.keys)

    def _weighted(self, candidates: Sequence[str], texts: Sequence[str]) -> list[tuple[Weighted, Weighted]]:
        """The runs of candidates and of references, for each length of runs."""
        known = {text: self._kept[text] for text in texts if text in self._kept}
        new = [text for text in texts if text not in known]
        both = [*candidates, *new]
        owns, others = zip(*(w.split(len(both), first=len(candidates)) for w in self.runs.weigh(both)), strict=True)
        known |= dict(zip(new, zip(*others, strict=True), strict=True))
        if len(self._kept) + len(new) > _KEPT:
            self._kept.clear()
        self._kept.update((text, known[text]) for text in new if all(part.lasting for part in known[text]))
        theirs = zip(*(known[text] for text in texts), strict=True)
        return [(own, Weighted.joined(parts)) for own, parts in zip(owns, theirs, strict=True)]

    def _cosines(self, own: Weighted, theirs: Weighted, asked: _Asked) -> Floats:
        """Of every pair of a candidate and one of its references, (pairs,)."""
        span = max(own.span, theirs.span)
        first, count = asked.first, asked.count
        # Every run of every candidate beside every reference of its clip, and where that one has the run too
        entry = np.repeat(np.arange(len(own.text)), count[own.text])
        place = np.arange(len(entry)) - np.repeat(np.cumsum(count[own.text]) - count[own.text], count[own.text])
        pair = first[own.text[entry]] + place
        wanted = asked.reference[pair] * span + own.run[entry]
        keys = theirs.text * span + theirs.run
        at = np.minimum(np.searchsorted(keys, wanted), max(0, len(keys) - 1))
        if not len(keys):
            return np.zeros(len(asked.candidate))
        there = keys[at] == wanted
        weights = theirs.weight[at[there]]
        products = np.bincount(
            pair[there], self._shared(own.weight[entry[there]], weights) * weights, minlength=len(asked.candidate)
        )
        norms = own.norms(len(count))[asked.candidate] * theirs.norms(len(asked.texts))[asked.reference]
        return np.divide(products, norms, out=np.zeros(products.shape), where=norms > 0)

    def _shared(self, own: Floats, theirs: Floats) -> Floats:  # noqa: ARG002 - of CIDEr-D
        """What of runs' weights in the candidate counts."""
        return own

    def _penalty(self, difference: Ints) -> Floats | float:  # noqa: ARG002 - of CIDEr-D
        """For so many words more or less than the reference."""
        return 1.0


@dataclass(frozen=True)
class CiderD(Cider):
    """CIDEr-D; else as `Cider`. `sigma`, in words, is how far a caption's length may be off."""

    sigma: float = 6.0

    def _shared(self, own: Floats, theirs: Floats) -> Floats:
        return np.minimum(own, theirs)

    def _penalty(self, difference: Ints) -> Floats:
        return np.exp(-(difference**2) / (2 * self.sigma**2))


@dataclass(frozen=True)
class _Asked:
    """Pairs of a candidate and one of its references, (pairs,), and where a candidate has them, (candidates,)."""

    texts: Sequence[str]
    candidate: Ints
    reference: Ints
    first: Ints
    count: Ints

    @classmethod
    def of(cls, candidates: Sequence[str], references: Sequence[Sequence[str]]) -> _Asked:
        places: dict[str, int] = {}
        reference = np.array([places.setdefault(text, len(places)) for texts in references for text in texts])
        count = np.array([len(texts) for texts in references])
        candidate = np.repeat(np.arange(len(candidates)), count)
        return cls(list(places), candidate, reference, np.cumsum(count) - count, count)
