"""How alike sentences are by their embeddings, as in FENSE (Zhou et al. 2022), with any text tower.

FENSE itself takes the embeddings of one Sentence-BERT (paraphrase-TinyBERT-L6-v2), and punishes captions in which its
own classifier finds an error of language; the same punishment makes SPIDEr-FL of SPIDEr. Neither network is part of
hark: with other ones the numbers are not FENSE's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

THRESHOLD = 0.9
PENALTY = 0.9


def similarity(candidates: ArrayLike, references: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """The mean cosine of each candidate, (clips, dim), and its references, (its references, dim); (clips,).

    A vector of zeros is like nothing: 0.

    Raises ValueError where shapes do not fit, or a clip has no references.
    """
    own = np.asarray(candidates, dtype=np.float64)
    if own.ndim != 2 or len(own) != len(references):
        raise ValueError(f"candidates have shape {own.shape}, and {len(references)} clips have references")
    values = np.empty(len(own))
    for clip, (vector, vectors) in enumerate(zip(own, references, strict=True)):
        theirs = np.asarray(vectors, dtype=np.float64)
        if theirs.ndim != 2 or theirs.shape[1] != own.shape[1] or not len(theirs):
            raise ValueError(f"clip {clip}: references have shape {theirs.shape}, not (1 or more, {own.shape[1]})")
        values[clip] = (_unit(theirs) @ _unit(vector)).mean()
    return values


def penalised(
    values: ArrayLike, errors: ArrayLike, *, threshold: float = THRESHOLD, penalty: float = PENALTY
) -> NDArray[np.float64]:
    """Values less the share `penalty` where the probability of an error of language is above `threshold`; (clips,).

    Raises ValueError where `errors` are not as many as values, or no probabilities.
    """
    given, wrong = np.asarray(values, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    if given.shape != wrong.shape:
        raise ValueError(f"{given.shape} values and {wrong.shape} probabilities of an error")
    if not ((wrong >= 0) & (wrong <= 1)).all():
        raise ValueError("the probabilities of an error must be within 0 and 1")
    return np.where(wrong > threshold, given * (1 - penalty), given)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: NDArray[np.float64] = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
    return unit
