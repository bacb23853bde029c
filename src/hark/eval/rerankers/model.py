"""Re-ranks by another model's similarity: a large one hears only what a small one has found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hark.core.types import Scores, Vectors
from hark.data.records import Clip
from hark.eval.embed import Embedder, embed_clips, embed_texts, similarities
from hark.eval.hubness import Reranker
from hark.runtime.load import load


@dataclass(frozen=True)
class Config:
    """`model`: a name, file or folder, as `hark.load` takes it."""

    model: str

    def build(self) -> Reranker:
        """The re-ranker. Raises SettingError, WeightsError."""
        return ByModel(load(self.model))


class ByModel:
    """Judges by a model's cosines; a clip is heard once, however often it is found."""

    def __init__(self, model: Embedder) -> None:
        self.model = model
        self.heard: dict[str, Vectors] = {}

    @property
    def stamp(self) -> str:
        """What identifies its weights."""
        return self.model.stamp

    def judge(self, text: str, clips: Sequence[Clip]) -> NDArray[np.floating]:
        """(clips,) cosines. Raises DataError, WeightsError."""
        for clip in clips:
            if clip.id not in self.heard:
                self.heard[clip.id] = embed_clips(self.model, [clip])[0]
        found: Scores = similarities(
            embed_texts(self.model, [text]), np.stack([self.heard[clip.id] for clip in clips])
        )[0]
        return found
