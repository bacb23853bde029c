"""Writes what a system found: the ten best files of each query, or the whole matrix of similarities."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from hark.core.errors import DataError, WeightsError
from hark.core.files import write_aside
from hark.core.types import Scores
from hark.eval.dcase.editions import LIST_HEADER, MATRIX_COLUMN, PLACES, Edition


def write(path: Path, edition: Edition, texts: Sequence[str], files: Sequence[str], scores: Scores) -> None:
    """Writes `scores` (texts, files) as the edition wants them, whole or not at all.

    UTF-8, "\\n" after each line, quotes only where a cell needs them; files that score the same keep their order.

    Raises DataError for fewer than ten files where ten are asked for; WeightsError for a score that is not finite.
    """
    assert scores.shape == (len(texts), len(files)), scores.shape
    if not np.isfinite(scores).all():
        text = texts[int(np.argmin(np.isfinite(scores).all(axis=1)))]
        raise WeightsError(f'a similarity to "{text}" is not finite; the weights are damaged or diverged')
    if edition.form == "list" and len(files) < PLACES:
        raise DataError(f"{len(files)} files, and {edition.title} wants the best {PLACES} of each query")
    with write_aside(path) as aside, aside.open("w", encoding="utf-8", newline="") as file:
        rows = _list if edition.form == "list" else _matrix
        csv.writer(file, lineterminator="\n").writerows(rows(texts, files, scores))


def _list(texts: Sequence[str], files: Sequence[str], scores: Scores) -> Iterator[Sequence[str]]:
    yield LIST_HEADER
    for text, row in zip(texts, scores, strict=True):
        yield [text, *(files[at] for at in np.argsort(-row, kind="stable")[:PLACES])]


def _matrix(texts: Sequence[str], files: Sequence[str], scores: Scores) -> Iterator[Sequence[str]]:
    yield [MATRIX_COLUMN, *files]
    for text, row in zip(texts, scores, strict=True):
        yield [text, *(f"{score:.9g}" for score in row.tolist())]  # nine digits give a float32 back
