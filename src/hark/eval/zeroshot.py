"""Evaluates classification without training: each clip gets the label whose sentences are nearest to its sound."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hark.core.errors import DataError, WeightsError
from hark.core.types import Relevance, Vectors
from hark.data.records import Clip
from hark.eval.embed import Embedder, Progress, embed_clips, embed_texts, similarities
from hark.metrics import confidence
from hark.metrics.classification import Choice, average_precision, choose, correct, f1
from hark.metrics.confidence import Draws, Estimate
from hark.text.prompts import TEMPLATES, sentences

CONFUSIONS = 10  # pairs listed in a report


@dataclass(frozen=True)
class Confusion:
    """`count` clips with the label `label` were taken for `taken_for`, which is none of theirs."""

    label: str
    taken_for: str
    count: int


@dataclass(frozen=True)
class ZeroshotReport:
    """What an evaluation of zero-shot classification found, and for which model.

    `accuracy` is the share of clips whose top label is theirs; where clips have several labels (`multi_label`), one of
    theirs. `mean_average_precision` and `macro_f1` are means over labels; F1 gives each clip its top label alone.
    `per_label` is the accuracy over each label's own clips. All intervals come from drawing clips.
    """

    model: str
    stamp: str
    clips: int
    labels: int
    multi_label: bool
    templates: tuple[str, ...]
    level: float
    resamples: int
    accuracy: Estimate
    mean_average_precision: Estimate
    macro_f1: Estimate
    per_label: Mapping[str, float]
    confusions: tuple[Confusion, ...]

    def as_json(self) -> dict[str, Any]:
        """The report as JSON's own types."""
        return dataclasses.asdict(self)


def classify(
    model: Embedder,
    clips: Sequence[Clip],
    *,
    templates: Sequence[str] = TEMPLATES,
    rng: np.random.Generator,
    resamples: int = 1000,
    level: float = 0.95,
    progress: Progress | None = None,
) -> ZeroshotReport:
    """Embeds the clips, and all their labels worded by the templates; gives each clip its nearest label and measures.

    Raises DataError for clips without labels or a file that cannot be read; SettingError for a template without a place
    for the label; WeightsError where the model's vectors cannot be used.
    """
    labels = _labels(clips)
    column = {label: at for at, label in enumerate(labels)}
    relevant = np.zeros((len(clips), len(labels)), dtype=np.bool_)
    for row, clip in enumerate(clips):
        relevant[row, [column[label] for label in clip.labels]] = True

    named = label_vectors(model, labels, templates=templates)
    scores = similarities(embed_clips(model, clips, progress=progress), named)
    chosen = choose(scores, relevant)
    right = correct(chosen, relevant)

    def over_labels(metric: Callable[[NDArray[np.int64]], confidence.Values]) -> Estimate:
        """The mean over labels; one that a draw lacks does not count in that draw."""

        def statistic(draws: Draws) -> confidence.Values:
            means: confidence.Values = np.nanmean(metric(confidence.times_drawn(draws)), axis=1)
            return means

        found = confidence.bootstrap(statistic, len(clips), rng=rng, resamples=resamples, level=level, centre=True)
        return Estimate(found.value, max(found.low, 0.0), min(found.high, 1.0))  # centring may pass the ends

    return ZeroshotReport(
        model=model.name,
        stamp=model.stamp,
        clips=len(clips),
        labels=len(labels),
        multi_label=bool((relevant.sum(axis=1) > 1).any()),
        templates=tuple(templates),
        level=level,
        resamples=resamples,
        accuracy=confidence.mean(right, rng=rng, resamples=resamples, level=level),
        mean_average_precision=over_labels(lambda weights: average_precision(scores, relevant, weights)),
        macro_f1=over_labels(lambda weights: f1(chosen, relevant, weights)),
        per_label={label: float(right[relevant[:, at]].mean()) for label, at in column.items()},
        confusions=_confusions(labels, chosen, relevant),
    )


def label_vectors(model: Embedder, labels: Sequence[str], *, templates: Sequence[str] = TEMPLATES) -> Vectors:
    """(labels, dim) for each label the mean of its sentences' unit vectors, scaled to length 1.

    Raises SettingError for a template without a place for the label; WeightsError where the sentences cancel out.
    """
    said = [sentence for label in labels for sentence in sentences(label, templates)]
    vectors = embed_texts(model, said).reshape(len(labels), len(templates), -1)
    means = vectors.astype(np.float64).mean(axis=1)  # (labels, dim)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    if not lengths.all():
        label = labels[int(lengths.argmin())]
        raise WeightsError(
            f"{model.name}: the sentences about '{label}' cancel out; the weights are damaged or diverged"
        )
    unit: Vectors = (means / lengths).astype(np.float32)
    return unit


def _labels(clips: Sequence[Clip]) -> list[str]:
    """All labels of the clips, sorted."""
    if not clips:
        raise DataError("no clips; nothing to evaluate on")
    for clip in clips:
        if not clip.labels:
            raise DataError(f"clip '{clip.id}': no label; label it, or leave it out")
    labels = sorted({label for clip in clips for label in clip.labels})
    if len(labels) < 2:
        raise DataError(f"'{labels[0]}' is the only label; two are needed to tell anything apart")
    return labels


def _confusions(labels: Sequence[str], chosen: Choice, relevant: Relevance) -> tuple[Confusion, ...]:
    """The most frequent wrong choices; among equally frequent ones in the order of the labels."""
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)  # (label, chosen)
    wrong = ~relevant[np.arange(len(chosen)), chosen]
    clip, label = np.nonzero(relevant & wrong[:, np.newaxis])
    np.add.at(counts, (label, chosen[clip]), 1)
    order = np.argsort(-counts, axis=None, kind="stable")[:CONFUSIONS]
    pairs = [np.unravel_index(at, counts.shape) for at in order]
    return tuple(Confusion(labels[a], labels[b], int(counts[a, b])) for a, b in pairs if counts[a, b])
