"""Measures labels that were given to clips, whatever gave them: a model's sentences, a trained layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hark.core.errors import DataError
from hark.core.types import Relevance, Scores
from hark.data.records import Clip
from hark.metrics import confidence
from hark.metrics.classification import Choice, above, average_precision, choose, correct, f1, micro_f1, top
from hark.metrics.confidence import Draws, Estimate, Values

CONFUSIONS = 10  # pairs listed

Weights = NDArray[np.int64]
"""(draws, clips) how often each clip counts."""


@dataclass(frozen=True)
class Confusion:
    """`count` clips with the label `label` were taken for `taken_for`, which is none of theirs."""

    label: str
    taken_for: str
    count: int


@dataclass(frozen=True)
class Classification:
    """How right the labels are; with `folds`, every estimate is the mean of the folds' values.

    `accuracy` is the share of clips whose top label is theirs; where clips have several labels (`multi_label`), one of
    theirs. Clips without a label count in the other metrics alone. `mean_average_precision` and `macro_f1` are means
    over the labels that clips have, of `labels` that were told apart; `micro_f1` is over all labels at once. F1 gives
    each clip its top label alone, or those above a threshold. `per_label` is the accuracy over each label's own clips.
    All intervals come from drawing clips.
    """

    clips: int
    labels: int
    folds: tuple[str, ...]
    multi_label: bool
    level: float
    resamples: int
    accuracy: Estimate
    mean_average_precision: Estimate
    macro_f1: Estimate
    micro_f1: Estimate
    per_label: Mapping[str, float]
    confusions: tuple[Confusion, ...]

    def metrics(self) -> dict[str, Estimate]:
        """The estimates by the names that tables have for them."""
        return {
            "accuracy": self.accuracy,
            "mAP": self.mean_average_precision,
            "macro F1": self.macro_f1,
            "micro F1": self.micro_f1,
        }


def labels_of(clips: Sequence[Clip], *, unlabelled: bool = False) -> list[str]:
    """All labels of the clips, sorted; `unlabelled` allows clips without any.

    Raises DataError where there are no clips, one has no label, or all have the same one.
    """
    if not clips:
        raise DataError("no clips; nothing to evaluate on")
    for clip in clips:
        if not clip.labels and not unlabelled:
            raise DataError(f"clip '{clip.id}': no label; label it, or leave it out")
    labels = sorted({label for clip in clips for label in clip.labels})
    if len(labels) < 2:
        only = f"'{labels[0]}' is the only label" if labels else "no clip has a label"
        raise DataError(f"{only}; two are needed to tell anything apart")
    return labels


def relevance(clips: Sequence[Clip], labels: Sequence[str]) -> Relevance:
    """(clips, labels) which labels are the clip's.

    Raises DataError for a label that is not among `labels`.
    """
    column = {label: at for at, label in enumerate(labels)}
    relevant = np.zeros((len(clips), len(labels)), dtype=np.bool_)
    for row, clip in enumerate(clips):
        for label in clip.labels:
            if label not in column:
                raise DataError(f"clip '{clip.id}': its label '{label}' is not among those to be told apart")
            relevant[row, column[label]] = True
    return relevant


def measure(
    scores: Scores,
    relevant: Relevance,
    *,
    labels: Sequence[str],
    rng: np.random.Generator,
    folds: Sequence[str] | None = None,
    threshold: float | None = None,
    resamples: int = 1000,
    level: float = 0.95,
) -> Classification:
    """How right `scores` (clips, labels) are.

    `folds` (clips,) names each clip's fold, to average over. F1 gives the labels that score above `threshold`.
    """
    chosen = choose(scores, relevant)
    right = correct(chosen, relevant)
    given = top(chosen, len(labels)) if threshold is None else above(scores, threshold)
    labelled = np.asarray(relevant.any(axis=1))
    names = tuple(dict.fromkeys(folds)) if folds is not None else ()
    of = np.asarray(folds if folds is not None else [""] * len(scores))
    parts = [np.flatnonzero(of == name) for name in (names or ("",))]

    def estimate(metric: Callable[[NDArray[np.intp], Weights], Values], *, centre: bool) -> Estimate:
        def statistic(draws: Draws) -> Values:
            weights = confidence.times_drawn(draws)
            values = _mean(np.stack([metric(part, weights[:, part]) for part in parts], axis=-1))
            known = values[~np.isnan(values)]  # among a few clips, a draw may have no label at all
            return np.where(np.isnan(values), known.mean() if len(known) else 0.0, values)

        found = confidence.bootstrap(statistic, len(scores), rng=rng, resamples=resamples, level=level, centre=centre)
        return Estimate(found.value, max(found.low, 0.0), min(found.high, 1.0))  # centring may pass the ends

    def accuracy(part: NDArray[np.intp], weights: Weights) -> Values:
        counted = weights * labelled[part]
        total = counted.sum(axis=1)
        return _share(counted @ right[part], total)

    def precision(part: NDArray[np.intp], weights: Weights) -> Values:
        has = relevant[part].any(axis=0)
        return _mean(average_precision(scores[part][:, has], relevant[part][:, has], weights))

    def macro(part: NDArray[np.intp], weights: Weights) -> Values:
        has = relevant[part].any(axis=0)
        return _mean(f1(given[part][:, has], relevant[part][:, has], weights))

    return Classification(
        clips=len(scores),
        labels=len(labels),
        folds=names,
        multi_label=bool((relevant.sum(axis=1) > 1).any()),
        level=level,
        resamples=resamples,
        accuracy=estimate(accuracy, centre=False),
        mean_average_precision=estimate(precision, centre=True),
        macro_f1=estimate(macro, centre=True),
        micro_f1=estimate(lambda part, weights: micro_f1(given[part], relevant[part], weights), centre=False),
        per_label={
            label: float(right[relevant[:, at]].mean()) for at, label in enumerate(labels) if relevant[:, at].any()
        },
        confusions=_confusions(labels, chosen, relevant),
    )


def _mean(values: Values) -> Values:
    """(...,) the mean over the last axis of what is a number; NaN where nothing is."""
    known = ~np.isnan(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    return _share(total, count)


def _share(part: Values, of: NDArray[Any]) -> Values:
    """NaN where it is of nothing."""
    shares: Values = np.divide(part, of, out=np.full(of.shape, np.nan), where=of > 0)
    return shares


def _confusions(labels: Sequence[str], chosen: Choice, relevant: Relevance) -> tuple[Confusion, ...]:
    """The most frequent wrong choices; among equally frequent ones in the order of the labels."""
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)  # (label, chosen)
    wrong = ~relevant[np.arange(len(chosen)), chosen]
    clip, label = np.nonzero(relevant & wrong[:, np.newaxis])
    np.add.at(counts, (label, chosen[clip]), 1)
    order = np.argsort(-counts, axis=None, kind="stable")[:CONFUSIONS]
    pairs = [np.unravel_index(at, counts.shape) for at in order]
    return tuple(Confusion(labels[a], labels[b], int(counts[a, b])) for a, b in pairs if counts[a, b])
