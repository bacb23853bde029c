"""Measures a model while it trains: text-to-audio retrieval on the stage's validation clips."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hark.core.errors import DataError
from hark.core.types import Relevance, Scores, Vectors
from hark.data.pcm import open_pcm
from hark.losses.triplet import impostors
from hark.metrics.chance import mean_average_precision_at
from hark.metrics.retrieval import average_precision_at, ranks, recall_at
from hark.models.towers import Towers
from hark.recipe import Recipe, Stage
from hark.runtime.model import Model
from hark.train.data import described, groups
from hark.train.frozen import Frozen
from hark.train.needs import Loss


@dataclass(frozen=True)
class Validation:
    """Text-to-audio mAP@10, the share of sounds whose best text is right, and the mAP@10 that chance would give.

    `loss` is the stage's loss over the validation clips and one text of each, where the stage goes by it.
    """

    map_at_10: float
    accuracy: float
    chance: float
    loss: float | None = None

    def value(self, metric: str) -> float:
        """The number that a stage goes by, turned so that higher is better."""
        if metric == "loss":
            assert self.loss is not None
            return -self.loss
        return float(getattr(self, metric))

    def as_json(self) -> dict[str, float]:
        """The numbers by name; the loss is "valid_loss", as a step's own is beside it."""
        found = {name: number for name, number in dataclasses.asdict(self).items() if number is not None}
        return {"valid_loss" if name == "loss" else name: number for name, number in found.items()}


class Validator:
    """The validation clips of a stage, decoded once; each distinct sentence is a query for the clips it is said of."""

    def __init__(self, recipe: Recipe, stage: Stage, *, data: Path, frozen: Frozen | None = None) -> None:
        """Opens the corpora. Raises SettingError, DataError."""
        where = f"{recipe.name}.toml: stage '{stage.name}': valid"
        found = list(described(stage.valid, data=data, where=where))
        if not found:
            raise DataError(f"{where}: nothing is said of the validation clips")
        clips = [clip for _, clip, _ in found]
        said = [spoken for _, _, spoken in found]
        self.recipe = recipe
        self.stage = stage
        self._by_loss = "loss" in (stage.metric, stage.watch)
        self.frozen = frozen
        self.clips = clips
        self.first = [self_said[0] for self_said in said]
        self.groups = groups(clips, stage.positives)
        self.texts = list(dict.fromkeys(text for spoken in said for text in spoken))
        self.relevant: Relevance = np.array([[text in spoken for spoken in said] for text in self.texts])
        self.pcm = open_pcm(clips, recipe.audio.rate_hz)
        self.chance = mean_average_precision_at(10, self.relevant)

    def __call__(self, towers: Towers) -> Validation:
        """The towers' numbers."""
        frozen, device = self.frozen, str(next(towers.parameters()).device)
        model = (
            Model(self.recipe, towers, stamp="", device=device) if frozen is None else frozen.model(towers, self.clips)
        )
        rate_hz = self.recipe.audio.rate_hz
        sounds = model.embed_audio((self.pcm.wave(i), rate_hz) for i in range(self.relevant.shape[1]))
        scores = model.embed_text(self.texts) @ sounds.T  # (texts, clips)
        return Validation(
            map_at_10=_map_at_10(scores, self.relevant),
            accuracy=float(recall_at(ranks(scores.T, self.relevant.T), 1).mean()),
            chance=self.chance,
            loss=self._loss(towers, sounds, model.embed_text(self.first)) if self._by_loss else None,
        )

    def _loss(self, towers: Towers, sounds: Vectors, sentences: Vectors) -> float:
        """The stage's loss, batch by batch in the clips' order; what fills no batch is left out, unless it is all."""
        loss_of = Loss(self.stage)
        size = min(self.stage.batch, len(sounds))
        losses = []
        for at in range(0, len(sounds) - size + 1, size):
            rows = slice(at, at + size)
            keys = np.array(self.groups[rows])
            same = torch.from_numpy((keys[:, None] == keys[None, :]).astype(np.float32))
            given: dict[str, Any] = {"audio": torch.from_numpy(sounds[rows]), "text": torch.from_numpy(sentences[rows])}
            given |= {"positives": same, "scale": towers.scale().cpu(), "bias": getattr(towers, "bias", None)}
            if "audio_impostor" in loss_of.needs:
                wrong = impostors(same, functools.partial(_draw, np.random.default_rng(at)))
                given |= {"audio_impostor": wrong[0], "text_impostor": wrong[1]}
            with torch.no_grad():
                losses.append(loss_of(given).item())
        return float(np.mean(losses))


def _map_at_10(scores: Scores, relevant: Relevance) -> float:
    return float(average_precision_at(ranks(scores, relevant), 10, divisor="reachable").mean())


def _draw(draws: np.random.Generator, below: int) -> int:
    return int(draws.integers(below))
