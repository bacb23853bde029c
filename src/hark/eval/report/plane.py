"""The space of an evaluation, laid flat: clips and texts on the two directions in which the clips differ most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hark.core.errors import DataError
from hark.core.types import Vectors
from hark.eval.folder import Results, Row
from hark.eval.stored import Rows, Stored

CLIPS, TEXTS = 1500, 300
"""More are thinned out evenly."""


@dataclass(frozen=True)
class Plane:
    """Where some clips and texts lie; `clip_places` and `text_places` say which ones they are.

    Each kind is drawn around its own mean, because in a space of two towers they lie `apart` (the distance of the
    means), which would hide all else. `share` is how much of the clips' variance each of the two directions holds.
    """

    clips: NDArray[np.float64]
    texts: NDArray[np.float64]
    clip_places: NDArray[np.int64]
    text_places: NDArray[np.int64]
    share: tuple[float, float]
    apart: float


def flat(clips: Vectors, texts: Vectors, *, clip_places: NDArray[np.int64], text_places: NDArray[np.int64]) -> Plane:
    """Principal components of the clips' vectors; the texts are laid onto the same two directions.

    A direction's sign is that in which its largest number is positive, so that the same vectors give the same picture.
    """
    heard, said = clips.astype(np.float64), texts.astype(np.float64)
    middle, centre = heard.mean(axis=0), said.mean(axis=0)
    around = heard - middle
    _, lengths, axes = np.linalg.svd(around, full_matrices=False)
    two = np.zeros((2, heard.shape[1]))
    two[: min(2, len(axes))] = axes[:2]
    largest = np.abs(two).argmax(axis=1)
    two *= np.where(two[np.arange(2), largest] < 0, -1.0, 1.0)[:, np.newaxis]
    shares = np.zeros(2)
    whole = float(np.sum(lengths**2))
    shares[: min(2, len(lengths))] = lengths[:2] ** 2 / whole if whole > 0 else 0.0
    return Plane(
        clips=around @ two.T,
        texts=(said - centre) @ two.T,
        clip_places=clip_places,
        text_places=text_places,
        share=(float(shares[0]), float(shares[1])),
        apart=float(np.linalg.norm(middle - centre)),
    )


def read(results: Results, *, clips: Sequence[str], first: Row) -> Plane | None:
    """The plane of an evaluation's folder, or None where its vectors are no longer there.

    `clips` are the ids in the order of the vectors, `first` is the first text's row: several models may have left their
    clips' vectors in one folder, and those count that give the scores of this row.
    """
    try:
        texts = Stored(results.folder / "texts.npy")
    except DataError:
        return None
    place = {clip: at for at, clip in enumerate(clips)}
    for path in sorted(results.folder.glob("clips-*.npy")):
        try:
            heard = Stored(path)
        except DataError:
            continue
        if len(heard) == len(clips) and heard.shape[1] == texts.shape[1] and _gives(first, texts, heard, place):
            some, said = _thinned(len(heard), CLIPS), _thinned(len(texts), TEXTS)
            return flat(heard[some], texts[said], clip_places=some, text_places=said)
    return None


def _gives(row: Row, texts: Rows, heard: Rows, place: dict[str, int]) -> bool:
    known = [(place[item["item"]], item["score"]) for item in row.top if item["item"] in place]
    if not known:
        return False
    cosines = heard[np.array([at for at, _ in known])] @ texts[np.zeros(1, np.int64)][0]
    return bool(np.allclose(cosines, [score for _, score in known], atol=1e-3))


def _thinned(number: int, most: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, number - 1, min(number, most)).round().astype(np.int64))
