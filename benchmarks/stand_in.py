"""A model with random weights: as fast as the trained one, and there before it."""

from __future__ import annotations

from pathlib import Path

from hark import recipe as recipes
from hark.core.provenance import made_by
from hark.models import weights
from hark.text.vocabulary import make_vocabulary


def write_stand_in(name: str, path: Path) -> None:
    """Saves the model of a recipe, as it is before training; its text tower knows a few words."""
    recipe = recipes.load(name)
    words = ["the", "sound", "of", "rain", "on", "a", "roof"]
    towers = recipe.build(assets={"tokenizer": make_vocabulary([" ".join(words)], words=words, size=100)})
    saved = weights.Saved(
        tensors=towers.state_dict(),
        recipe_name=recipe.name,
        recipe=recipe.source,
        assets=towers.text_encoder.assets(),  # type: ignore[operator]
        made_by=made_by(),
    )
    weights.save(path, saved)
