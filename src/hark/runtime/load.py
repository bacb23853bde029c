"""Loads a model by name or by path."""

from __future__ import annotations

from pathlib import Path

from hark import recipe as recipes
from hark.core.errors import WeightsError
from hark.core.files import sha256
from hark.models import weights
from hark.runtime.model import Model


def load(name: str, *, device: str = "cpu") -> Model:
    """The model called `name` ("mini"), or the one in a file ("runs/mine/model.safetensors") or in a run's folder.

    Nothing is fetched from a network.

    Raises SettingError for an unknown name, WeightsError for weights that are missing or do not fit.
    """
    path = find(name)
    saved = weights.open_file(path)
    recipe = recipes.parse(saved.recipe, name=saved.recipe_name)
    towers = recipe.build(assets=saved.assets)
    weights.fill(towers, saved.tensors, where=str(path))
    return Model(recipe, towers, stamp=sha256(path)[:16], device=device)


def find(name: str) -> Path:
    """The file that holds the weights of a model.

    Raises SettingError, WeightsError.
    """
    given = Path(name).expanduser()
    if given.is_dir():
        given = given / "model.safetensors"
    if given.suffix == ".safetensors":
        if given.is_file():
            return given
        raise WeightsError(f"{given}: no such file; `hark train` writes one")
    packaged = recipes.find(name).with_suffix(".safetensors")
    if packaged.is_file():
        return packaged
    raise WeightsError(f"'{name}' is a recipe without weights; train it: hark train {name}")
