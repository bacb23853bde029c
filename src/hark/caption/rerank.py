"""Retrieval as ranking: of several captions first the one that a retrieval model finds closest to the sound."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hark.audio.decode import Source
from hark.core.types import Vectors


class Judge(Protocol):
    """What is asked of the retrieval model; `hark.runtime.model.Model` is one."""

    @property
    def name(self) -> str:
        """What the model is called."""

    @property
    def stamp(self) -> str:
        """What identifies its recipe and weights."""

    @property
    def rate_hz(self) -> int:
        """The sample rate that it hears."""

    def embed_text(self, texts: Sequence[str]) -> Vectors:
        """(texts, dim) one unit vector for each text."""

    def embed_audio(self, sources: Iterable[Source]) -> Vectors:
        """(sources, dim) one unit vector for each sound."""


def similarities(judge: Judge, source: Source, texts: Sequence[str]) -> NDArray[np.float64]:
    """(texts,) the cosine between each text and the sound.

    Raises SoundError.
    """
    (sound,) = judge.embed_audio([source])
    found: NDArray[np.float64] = judge.embed_text(texts).astype(np.float64) @ sound.astype(np.float64)
    return found


def ranked(
    close: NDArray[np.float64], likely: NDArray[np.float64] | None = None, *, weight: float = 0.0
) -> NDArray[np.int64]:
    """The places of the candidates, best first, by `close` + `weight` * `likely`; equal ones stay in their order.

    `close` are cosines, `likely` what the captioner finds: the mean log-probability of a caption's words.
    """
    worth = close if likely is None else close + weight * likely
    return np.argsort(-worth, kind="stable").astype(np.int64)
