"""Measures an audio encoder while it learns labels: accuracy and average precision of every task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from hark.core.errors import DataError, SettingError
from hark.data.pcm import Pcm, open_pcm
from hark.metrics.chance import mean_average_precision_at
from hark.metrics.classification import average_precision, choose, correct
from hark.metrics.retrieval import average_precision_at, ranks
from hark.models.towers import Towers
from hark.recipe import Recipe
from hark.train.data import described
from hark.train.heard import encodings
from hark.train.tag import PART, Tasks
from hark.train.tag_data import kind_name
from hark.train.valid import Validation


@dataclass(frozen=True)
class TagValidation(Validation):
    """The means over tasks. `accuracy`: the clip's best class is (one of) its own; `map`: mean average precision.

    `map_at_10` is that of the classes as queries for clips. `tasks` has the numbers of each, where there are several.
    """

    map: float = 0.0
    tasks: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, float]:
        """The numbers by name."""
        own = {"map_at_10": self.map_at_10, "accuracy": self.accuracy, "chance": self.chance, "map": self.map}
        return own | ({} if self.loss is None else {"valid_loss": self.loss}) | dict(self.tasks)


class TagValidator:
    """The validation clips of every task, decoded once. A clip's logits are the mean of its windows'."""

    def __init__(self, recipe: Recipe, tasks: Tasks, *, data: Path) -> None:
        """Opens the corpora. Raises SettingError, DataError."""
        where = f"{recipe.name}.toml: stage '{tasks.stage.name}': valid"
        self.recipe = recipe
        self.kinds = tasks.kinds
        self.pcm: dict[str, Pcm] = {}
        self.targets: dict[str, torch.Tensor] = {}
        found = list(described(tasks.stage.valid, data=data, where=where))
        for name in dict.fromkeys(kind_name(spec) for spec, _, _ in found):
            if name not in tasks.kinds:
                raise SettingError(f"{where}: no task '{name}' is trained; there are {', '.join(tasks.kinds)}")
            mine = [(clip, said) for spec, clip, said in found if kind_name(spec) == name]
            self.targets[name] = tasks.kinds[name].targets([said for _, said in mine])
            self.pcm[name] = open_pcm([clip for clip, _ in mine], recipe.audio.rate_hz)
        if not found:
            raise DataError(f"{where}: no clip has a class")

    def __call__(self, towers: Towers) -> TagValidation:
        """The numbers of towers that have the tasks' layers."""
        each = {name: self._task(towers, name) for name in self.targets}
        tasks = {f"{task}.{metric}": value for task, all_of in each.items() for metric, value in all_of.items()}
        mean = {metric: float(np.mean([one[metric] for one in each.values()])) for metric in next(iter(each.values()))}
        return TagValidation(**mean, tasks=tasks if len(each) > 1 else {})

    def _task(self, towers: Towers, name: str) -> dict[str, float]:
        targets, pcm, kind = self.targets[name], self.pcm[name], self.kinds[name]
        waves = ((i, pcm.wave(i)) for i in range(len(targets)))
        rows = np.stack([made.mean(axis=0) for _, made in encodings(towers, self.recipe.audio, waves)])
        with torch.inference_mode():
            layer = towers.get_submodule(f"{PART}.{name}")
            logits = layer(torch.from_numpy(rows).to(next(layer.parameters()).device)).float().cpu()
            loss = kind.loss_of(logits, targets).item()
        scores = logits.numpy()
        relevant = targets.numpy().astype(bool)
        there = relevant.any(axis=0)  # a class that no clip has cannot be looked for
        wanted = relevant[:, there].T
        return {
            "accuracy": float(correct(choose(scores, relevant), relevant).mean()),
            "map": float(average_precision(scores[:, there], relevant[:, there]).mean()),
            "map_at_10": float(average_precision_at(ranks(scores[:, there].T, wanted), 10, divisor="reachable").mean()),
            "chance": mean_average_precision_at(10, wanted),
            "loss": loss,
        }
