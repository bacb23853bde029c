"""Evaluates classification without training: each clip gets the label whose sentences are nearest to its sound."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hark.core.errors import DataError, WeightsError
from hark.core.types import Vectors
from hark.data.records import Clip
from hark.eval import classification
from hark.eval.classification import Classification
from hark.eval.embed import Embedder, Progress, embed_clips, embed_texts, similarities
from hark.eval.provenance import Provenance, provenance
from hark.text.prompts import TEMPLATES, sentences


@dataclass(frozen=True)
class ZeroshotReport:
    """What an evaluation of zero-shot classification found, what it was made of, and how labels were worded."""

    made: Provenance
    templates: tuple[str, ...]
    found: Classification

    def as_json(self) -> dict[str, Any]:
        """The report as JSON's own types; what was found stands beside the rest."""
        told = dataclasses.asdict(self)
        found: dict[str, Any] = told.pop("found")
        return told | found


def classify(
    model: Embedder,
    clips: Sequence[Clip],
    *,
    templates: Sequence[str] = TEMPLATES,
    labels: Sequence[str] | None = None,
    unlabelled: bool = False,
    fold: str | None = None,
    threshold: float | None = None,
    rng: np.random.Generator,
    resamples: int = 1000,
    level: float = 0.95,
    command: str | None = None,
    vectors: Vectors | None = None,
    progress: Progress | None = None,
) -> ZeroshotReport:
    """Embeds the clips, and all labels worded by the templates; gives each clip its nearest label and measures.

    `labels` are those to be told apart: all of the clips' unless given; `unlabelled` allows clips without any. `fold`
    is the column (extra) of the folds to average over, `threshold` the cosine above which a clip has a label when F1
    is taken. `vectors` are the clips', where they are embedded already. `command` goes into the provenance.

    Raises DataError for clips without labels or a file that cannot be read; SettingError for a template without a place
    for the label; WeightsError where the model's vectors cannot be used.
    """
    known = classification.labels_of(clips, unlabelled=unlabelled)
    labels = known if labels is None else list(labels)
    relevant = classification.relevance(clips, labels)
    folds = None if fold is None else [fold_of(clip, fold) for clip in clips]
    named = label_vectors(model, labels, templates=templates)
    heard = embed_clips(model, clips, progress=progress) if vectors is None else vectors
    said = [sentence for label in labels for sentence in sentences(label, templates)]
    return ZeroshotReport(
        made=provenance(model, clips, texts=said, command=command),
        templates=tuple(templates),
        found=classification.measure(
            similarities(heard, named),
            relevant,
            labels=labels,
            folds=folds,
            threshold=threshold,
            rng=rng,
            resamples=resamples,
            level=level,
        ),
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


def fold_of(clip: Clip, column: str) -> str:
    """The clip's fold, in the column `column`.

    Raises DataError where it has none.
    """
    if not clip.extra.get(column):
        found = ", ".join(clip.extra) or "nothing"
        raise DataError(f"clip '{clip.id}': no '{column}', which says its fold; add the column (found: {found})")
    return clip.extra[column]
