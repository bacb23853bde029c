"""Measures a model while it trains: text-to-audio retrieval on the stage's validation clips."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hark.core.errors import DataError
from hark.core.types import Relevance, Scores
from hark.data.pcm import open_pcm
from hark.metrics.retrieval import average_precision_at, ranks, recall_at
from hark.models.towers import Towers
from hark.recipe import Recipe, Stage
from hark.runtime.model import Model
from hark.train.data import described


@dataclass(frozen=True)
class Validation:
    """Text-to-audio mAP@10, the share of sounds whose best text is right, and the mAP@10 that chance would give."""

    map_at_10: float
    accuracy: float
    chance: float

    def as_json(self) -> dict[str, float]:
        """The numbers by name."""
        return dataclasses.asdict(self)


class Validator:
    """The validation clips of a stage, decoded once; each distinct sentence is a query for the clips it is said of."""

    def __init__(self, recipe: Recipe, stage: Stage, *, data: Path) -> None:
        """Opens the corpora. Raises SettingError, DataError."""
        where = f"{recipe.name}.toml: stage '{stage.name}': valid"
        found = list(described(stage.valid, data=data, where=where))
        if not found:
            raise DataError(f"{where}: nothing is said of the validation clips")
        clips = [clip for _, clip, _ in found]
        said = [spoken for _, _, spoken in found]
        self.recipe = recipe
        self.texts = list(dict.fromkeys(text for spoken in said for text in spoken))
        self.relevant: Relevance = np.array([[text in spoken for spoken in said] for text in self.texts])
        self.pcm = open_pcm(clips, recipe.audio.rate_hz)
        guesses = np.random.default_rng(0).random((20, *self.relevant.shape))
        self.chance = float(np.mean([_map_at_10(guess, self.relevant) for guess in guesses]))

    def __call__(self, towers: Towers) -> Validation:
        """The towers' numbers."""
        model = Model(self.recipe, towers, stamp="")
        rate_hz = self.recipe.audio.rate_hz
        sounds = model.embed_audio((self.pcm.wave(i), rate_hz) for i in range(self.relevant.shape[1]))
        scores = model.embed_text(self.texts) @ sounds.T  # (texts, clips)
        return Validation(
            map_at_10=_map_at_10(scores, self.relevant),
            accuracy=float(recall_at(ranks(scores.T, self.relevant.T), 1).mean()),
            chance=self.chance,
        )


def _map_at_10(scores: Scores, relevant: Relevance) -> float:
    return float(average_precision_at(ranks(scores, relevant), 10, divisor="reachable").mean())
