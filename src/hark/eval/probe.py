"""Evaluates frozen vectors by a linear layer that is trained on them, fold by fold (a linear probe)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hark.core.errors import DataError, SettingError
from hark.core.types import Relevance, Vectors
from hark.data.records import Clip
from hark.eval import classification, linear
from hark.eval.classification import Classification
from hark.eval.embed import Embedder, Progress, embed_clips
from hark.eval.linear import Linear, Numbers
from hark.eval.provenance import Provenance, provenance
from hark.eval.zeroshot import fold_of
from hark.metrics.classification import average_precision, choose, correct

GRID = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""The values of C that are tried."""

ASIDE = 0.2  # of the clips learnt from: held out to choose C, where they are all of one fold

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class ProbeReport:
    """What a linear probe found, what it was made of, and the C that was chosen for each fold that was tested.

    With `shots`, so many clips of each label were learnt from.
    """

    made: Provenance
    fold: str
    chosen: dict[str, float]
    shots: int | None
    found: Classification

    def as_json(self) -> dict[str, Any]:
        """The report as JSON's own types; what was found stands beside the rest."""
        told = dataclasses.asdict(self)
        found: dict[str, Any] = told.pop("found")
        return told | found


def probe(
    model: Embedder,
    clips: Sequence[Clip],
    *,
    fold: str,
    test: Sequence[str] = (),
    shots: int | None = None,
    rng: np.random.Generator,
    resamples: int = 1000,
    level: float = 0.95,
    command: str | None = None,
    vectors: Vectors | None = None,
    progress: Progress | None = None,
) -> ProbeReport:
    """Embeds the clips; for each fold learns the labels from the other folds and tests on it.

    `fold` is the column (extra) of the folds; `test` keeps some of them to be tested on ("test" of a corpus with
    splits), and what is learnt from is then all but these. C is chosen on one fold of those learnt from, the next one
    in order, and the layer then learnt from them all; what is tested on has no part in it. `vectors` are the clips',
    where they are embedded already.

    Raises DataError for clips without labels or folds, or a file that cannot be read; SettingError for an unknown fold;
    WeightsError where the model's vectors cannot be used.
    """
    if shots is not None and shots < 1:
        raise SettingError(f"shots {shots}: give 1 or more clips of each label")
    labels = classification.labels_of(clips)
    relevant = classification.relevance(clips, labels)
    folds = np.array([fold_of(clip, fold) for clip in clips])
    known = sorted(set(folds), key=lambda name: (len(name), name))  # 10 behind 9
    for name in test:
        if name not in known:
            raise SettingError(f"fold '{name}': not in column '{fold}'; known: {', '.join(known)}")
    learnable = [name for name in known if name not in test] if test else known
    if not learnable or (not test and len(known) < 2):
        raise DataError(f"column '{fold}' has no fold to learn from; two are needed")
    heard = embed_clips(model, clips, progress=progress) if vectors is None else vectors

    scores = np.zeros(relevant.shape)
    chosen: dict[str, float] = {}
    for name in test or known:
        own = np.flatnonzero(folds == name)
        others = [other for other in learnable if other != name]
        learnt, choosing = _parts(folds, others, after=name, rng=rng)
        data = _Data(heard, relevant, several=bool((relevant.sum(axis=1) > 1).any()), shots=shots, rng=rng)
        c = data.best(learnt, choosing)
        chosen[name] = c
        scores[own] = data.scores(np.union1d(learnt, choosing), own, [c])[0]

    tested = np.flatnonzero(np.isin(folds, list(test or known)))
    return ProbeReport(
        made=provenance(model, clips, command=command),
        fold=fold,
        chosen=chosen,
        shots=shots,
        found=classification.measure(
            scores[tested],
            relevant[tested],
            labels=labels,
            folds=folds[tested].tolist(),
            rng=rng,
            resamples=resamples,
            level=level,
        ),
    )


def _parts(
    folds: NDArray[np.str_], others: Sequence[str], *, after: str, rng: np.random.Generator
) -> tuple[Rows, Rows]:
    """The clips to learn from, and those to choose C on: the next fold in order, or a share of the only one."""
    all_rows = np.flatnonzero(np.isin(folds, list(others)))
    if len(others) > 1:
        behind = [name for name in others if (len(name), name) > (len(after), after)] or list(others)
        choosing = np.flatnonzero(folds == behind[0])
    else:
        choosing = np.sort(rng.choice(all_rows, size=max(1, round(ASIDE * len(all_rows))), replace=False))
    return np.setdiff1d(all_rows, choosing), choosing


@dataclass
class _Data:
    """The clips' vectors and labels, and how layers are learnt from some of them."""

    vectors: Vectors
    relevant: Relevance
    several: bool
    shots: int | None
    rng: np.random.Generator

    def best(self, learnt: Rows, choosing: Rows) -> float:
        """The C that is best on `choosing`; of equals the smallest, which holds the weights back most."""
        values = []
        truth = self.relevant[choosing]
        for scores in self.scores(learnt, choosing, GRID):
            if self.several:
                has = truth.any(axis=0)
                values.append(float(average_precision(scores[:, has], truth[:, has]).mean()))
            else:
                values.append(float(correct(choose(scores, truth), truth).mean()))
        return GRID[int(np.argmax(values))]

    def scores(self, learnt: Rows, tested: Rows, grid: Sequence[float]) -> list[Numbers]:
        """(tested, labels) for each C; a label that cannot be learnt scores below (nobody's) or above (everybody's)."""
        rows = self._few(learnt)
        truth = self.relevant[rows]
        share = truth.mean(axis=0)
        can = (share > 0) & ((share < 1) | (not self.several))
        found = []
        layer: Linear | None = None
        for c in grid:
            layer = linear.fit(self.vectors[rows], truth[:, can], c=c, several=self.several, start=layer)
            sure = layer(self.vectors[tested])
            if not self.several:  # as probabilities they are comparable from clip to clip
                sure = sure - np.logaddexp.reduce(sure, axis=1, keepdims=True)
            scores = np.where(share > 0, sure.max() + 1, sure.min() - 1) * np.ones((len(tested), 1))
            scores[:, can] = sure
            found.append(scores)
        return found

    def _few(self, rows: Rows) -> Rows:
        """`shots` of the rows for each label, or all."""
        if self.shots is None:
            return rows
        drawn = [self.rng.permutation(rows[has])[: self.shots] for has in self.relevant[rows].T if has.any()]
        return np.unique(np.concatenate(drawn))
