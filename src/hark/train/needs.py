"""Gives a loss what it asks for: its parameters' names say what it needs of a batch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from hark.core import component
from hark.core.errors import SettingError
from hark.recipe import Stage

REMEDIES = {
    "audio_branch": 'branches = { name = "mlp" } in the recipe',
    "text_branch": 'branches = { name = "mlp" } in the recipe',
    "branch_scale": 'branches = { name = "mlp" } in the recipe',
    "bias": "bias = -10.0 in the recipe",
    "teacher": 'teachers = ["runs/a/model.safetensors"] in the stage',
}


class Loss:
    """A stage's loss, and the names of what it must be given."""

    def __init__(self, stage: Stage) -> None:
        """Raises SettingError for a loss that is none."""
        self.name = str(stage.loss.get("name"))
        self.where = f"stage '{stage.name}': loss"
        self.function: Callable[..., Tensor] = component.config("losses", stage.loss, where=self.where).build()
        parameters = inspect.signature(self.function).parameters.values()
        self.needs = frozenset(p.name for p in parameters if p.default is inspect.Parameter.empty)
        pairs = "audio_impostor" in self.needs or getattr(self.function, "keywords", {}).get("kappa")
        if pairs and stage.captions == "all":
            raise SettingError(f"{self.where} '{self.name}' is of pairs, one sentence a sound; give captions = \"one\"")

    def __call__(self, given: Mapping[str, Any]) -> Tensor:
        """The loss, a scalar.

        Raises SettingError where something that it needs is not there.
        """
        for name in sorted(self.needs):
            if given.get(name) is None:
                remedy = REMEDIES.get(name, "another loss")
                raise SettingError(f"{self.where} '{self.name}' needs '{name}'; give {remedy}")
        return self.function(**{name: given[name] for name in self.needs})
