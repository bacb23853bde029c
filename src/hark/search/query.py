"""Answers a question with the windows whose vectors lie nearest, exactly, by looking at all of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hark.core.errors import SettingError
from hark.index.matrix import Matrix

if TYPE_CHECKING:
    from hark.runtime.ensemble import AnyModel

CHUNK = 4096  # rows turned to float32 at a time: 8 MiB at 512 dimensions stay in the processor's cache


def check(text: str | None, like: Path | None) -> None:
    """Raises SettingError if nothing is asked."""
    if text is not None and not text.strip():
        raise SettingError('search: the question is empty; say what to listen for ("a dog barks")')
    if text is None and like is None:
        raise SettingError('search: nothing is asked; say what to listen for ("a dog barks"), or give --like FILE')


def vector(model: AnyModel, text: str | None, *, like: Path | None = None) -> NDArray[np.float32]:
    """The question as a vector (dim,) of length 1: of words, of a sound, or the normalised sum of both.

    Raises SettingError if nothing is asked, SoundError if the sound cannot be read.
    """
    check(text, like)
    total = np.zeros(model.dim, np.float32)
    if text is not None:
        total += model.embed_text([text])[0]
    if like is not None:
        total += model.embed_audio([like])[0]
    length = np.linalg.norm(total)
    assert length > 0, "a question's words and sound cannot be exact opposites"  # false for NaN as well
    return (total / length).astype(np.float32)


def scores(matrix: Matrix, query: NDArray[np.float32]) -> NDArray[np.float32]:
    """The cosine (rows,) between the query and every window, between -1 and 1.

    The same vector has the same score in whatever row it stands, to the last bit: `einsum` adds each row up by itself,
    where a product of matrices may treat the rows at the end of a block in another way. Equal scores stay equal.
    """
    found = np.empty(len(matrix.vectors), np.float32)
    for start in range(0, len(found), CHUNK):
        rows = slice(start, start + CHUNK)
        np.einsum("nd,d->n", matrix.vectors[rows].astype(np.float32), query, out=found[rows])
    found *= matrix.scales
    assert np.isfinite(found).all(), "vectors are checked when they are stored and when the matrix is made"
    return np.clip(found, -1.0, 1.0, out=found)


def best(
    matrix: Matrix, query: NDArray[np.float32], *, k: int, per_file: bool
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The rows of the `k` best windows (of `per_file`: of the best window of each file), best first, and their scores.

    Equal scores stand in the order of the rows, which is that of paths and starts.
    """
    assert k > 0, k
    found = scores(matrix, query)
    rows = _best_of_each(found, matrix.firsts) if per_file else np.arange(len(found), dtype=np.int64)
    values = found[rows]
    if k < len(values):
        worst = np.partition(values, len(values) - k)[len(values) - k]
        able = np.flatnonzero(values >= worst)  # with all that equal the last one
        rows, values = rows[able], values[able]
    order = np.argsort(-values, kind="stable")[:k]
    return rows[order], values[order]


def _best_of_each(found: NDArray[np.float32], firsts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The row (files,) of each file's best window, the earliest of equals."""
    tops = np.maximum.reduceat(found, firsts)
    counts = np.diff(firsts, append=len(found))
    hits = np.flatnonzero(found == np.repeat(tops, counts))
    return hits[np.searchsorted(hits, firsts)]
