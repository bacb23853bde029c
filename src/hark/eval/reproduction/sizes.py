"""How many numbers a recipe's network has, found without weights and without memory for them."""

from __future__ import annotations

import inspect

import torch

from hark.core import component
from hark.recipe import Recipe
from hark.text.vocabulary import make_vocabulary


def count(recipe: Recipe, *, learnable: bool = False) -> int:
    """The parameters of both towers; with `learnable` those that some stage moves.

    Raises SettingError, WeightsError where a text tower's sizes are not at hand.
    """
    assets = None
    if recipe.text is not None and recipe.text.encoder.get("name") == "static":
        config = component.config("models.text", recipe.text.encoder, where=f"{recipe.name}.toml: text.encoder")
        words = (f"w{number}" for number in range(config.vocabulary))
        assets = {"tokenizer": make_vocabulary([], words=words, size=config.vocabulary)}
    with torch.device("meta"):
        towers = recipe.build(assets=assets)
    still = _still(recipe) if learnable else set()
    return sum(
        one.numel()
        for name, one in towers.named_parameters()
        if not any(name == part or name.startswith(f"{part}.") for part in still)
    )


def _still(recipe: Recipe) -> set[str]:
    """The parts that no stage moves: they are frozen, or no loss asks for them."""
    if not recipe.stages:
        return set()
    still = set.intersection(*(set(stage.freeze) for stage in recipe.stages))
    losses = [
        component.config("losses", stage.loss, where=f"{recipe.name}.toml: loss").build() for stage in recipe.stages
    ]
    if not any("scale" in inspect.signature(loss).parameters for loss in losses):
        still.add("log_scale")
    return still
