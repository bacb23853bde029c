"""Classification metrics: the label that is chosen, average precision and F1 of each label.

`scores` and `relevant` are (clips, labels); a clip may have several labels. `weights` are (clips,) or (draws, clips)
and say how often each clip counts, which lets a bootstrap evaluate many draws at once; the leading axis stays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hark.core.types import Relevance, Scores

Values = NDArray[np.float64]
Choice = NDArray[np.int64]
"""(clips,) index of the label chosen for each clip."""


def choose(scores: Scores, relevant: Relevance) -> Choice:
    """(clips,) the label with the highest score; among equal ones a wrong label is chosen.

    `argmax` would choose the first, and so reward a model without an opinion when the right label happens to be it.

    Raises ValueError where a score is NaN.
    """
    _check(scores, relevant)
    top = scores == scores.max(axis=1, keepdims=True)
    wrong = top & ~relevant
    chosen: Choice = np.where(wrong.any(axis=1), wrong.argmax(axis=1), top.argmax(axis=1))
    return chosen


def correct(chosen: Choice, relevant: Relevance) -> Values:
    """(clips,) 1 where the chosen label is the clip's (with several labels: one of the clip's), else 0.

    Its mean is the accuracy.
    """
    return np.take_along_axis(relevant, chosen[:, np.newaxis], axis=1)[:, 0].astype(np.float64)


def top(chosen: Choice, labels: int) -> Relevance:
    """(clips, labels) true at the one label chosen for each clip."""
    given: Relevance = np.arange(labels) == chosen[:, np.newaxis]
    return given


def above(scores: Scores, threshold: float) -> Relevance:
    """(clips, labels) true where the score is above the threshold: any number of labels for a clip."""
    return np.asarray(scores > threshold)


def f1(given: Relevance, relevant: Relevance, weights: NDArray[np.int64] | None = None) -> Values:
    """(..., labels) F1 of each label, when each clip is given the labels `given` (`top`, `above`).

    F1 is 2 tp / (2 tp + fp + fn); its mean over labels is scikit-learn's `f1_score(..., average="macro")`. A label that
    neither a clip nor a choice has is NaN (only a draw can be so), to be left out by the caller's mean.
    """
    both, either = _counts(given, relevant, weights)
    return _share(2 * both, either)


def micro_f1(given: Relevance, relevant: Relevance, weights: NDArray[np.int64] | None = None) -> Values:
    """(...,) F1 over all labels at once, every right and wrong label counted; scikit-learn's `average="micro"`.

    NaN where nothing is given and no clip has a label.
    """
    both, either = (np.asarray(count.sum(axis=-1)) for count in _counts(given, relevant, weights))
    return _share(2 * both, either)


def _share(part: Values, of: Values) -> Values:
    """NaN where it is of nothing."""
    shares: Values = np.divide(part, of, out=np.full(of.shape, np.nan), where=of > 0)
    return shares


def _counts(given: Relevance, relevant: Relevance, weights: NDArray[np.int64] | None) -> tuple[Values, Values]:
    """(..., labels) each: clips that are given a label of theirs; clips given it and clips that have it, together."""
    counts = np.ones(len(given)) if weights is None else weights.astype(np.float64)
    return counts @ (given & relevant).astype(np.float64), counts @ (given.astype(np.float64) + relevant)


def average_precision(scores: Scores, relevant: Relevance, weights: NDArray[np.int64] | None = None) -> Values:
    """(..., labels) average precision of each label over the clips ranked by it; the mean over labels is the mAP.

    Equals scikit-learn's `average_precision_score`, ties included: clips of equal score enter together, with the
    precision behind the last of them. (For retrieval, `hark.metrics.retrieval` counts ties against the system.)
    A label that no clip of a draw has is NaN.

    Raises ValueError where a score is NaN or a label has no clip at all.
    """
    _check(scores, relevant)
    if not relevant.any(axis=0).all():
        raise ValueError(f"label {int(relevant.any(axis=0).argmin())}: no clip has it")
    given = np.ones(len(scores)) if weights is None else weights
    counts = np.ascontiguousarray(np.moveaxis(given, -1, 0), dtype=np.int32)  # (clips, ...): rows are quick to reorder
    return np.stack([_label(s, r, counts) for s, r in zip(scores.T, relevant.T, strict=True)], axis=-1)


def _label(scores: Scores, relevant: Relevance, counts: NDArray[np.int32]) -> Values:
    """(...,) the mean, over the relevant clips, of the precision behind the last clip that scores as high."""
    order = np.argsort(-scores, kind="stable")
    at = np.flatnonzero(relevant[order])  # (found,) places of the relevant clips
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)  # (distinct,) last place of each score
    end = last[np.searchsorted(last, at)]
    seen = np.cumsum(counts[order], axis=0)[end]  # (found, ...)
    drawn = counts[order[at]]
    found = np.cumsum(drawn, axis=0)[np.searchsorted(at, end, side="right") - 1]
    precision = np.divide(found, seen, out=np.zeros(seen.shape), where=seen > 0)
    total = drawn.sum(axis=0)
    value: Values = np.divide((precision * drawn).sum(axis=0), total, out=np.full(total.shape, np.nan), where=total > 0)
    return value


def _check(scores: Scores, relevant: Relevance) -> None:
    if scores.ndim != 2 or scores.shape != relevant.shape:
        raise ValueError(f"scores {scores.shape} and relevant {relevant.shape} are not the same (clips, labels)")
    if np.isnan(scores).any():
        raise ValueError(f"clip {int(np.isnan(scores).any(axis=1).argmax())}: a score is NaN")
