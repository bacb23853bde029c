"""Loads a model by name or by path."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch

from hark import recipe as recipes
from hark.checkpoints import obtain, rows
from hark.core.errors import SettingError, WeightsError
from hark.core.files import sha256
from hark.core.settings import suggest
from hark.models import weights as files
from hark.recipe import Recipe, captioner
from hark.runtime.model import Model

Weights = Literal["trained", "none"]


def load(
    name: str,
    *,
    device: str = "cpu",
    compat: str | None = None,
    like: str | None = None,
    weights: Weights = "trained",
    seed: int = 0,
    progress: Callable[[int, int | None], None] | None = None,
) -> Model:
    """The model called `name`, or the one in a file or folder.

    `name` is a model of hark ("mini"), a published checkpoint ("laion/630k-audioset-best"; fetched and converted once,
    then kept in the cache), the file or folder that training wrote, a published checkpoint's own file or Hugging Face
    folder (then `like` names the checkpoint it is, where its name does not tell), or "hf:OWNER/NAME" on the hub.
    `compat="published"` goes the original's way with sounds and sentences, drawing its lots with `seed`; a model of
    which none is known is refused, or with "if-published" goes ours.
    `weights="none"` builds the audio tower with random weights of that seed: nothing is fetched or read.
    `progress` gets the bytes fetched, and those to fetch.

    Raises SettingError for an unknown name or way, WeightsError for weights that are missing or do not fit, or a
    captioner's.
    """
    if weights == "none":
        return _untrained(architecture(name), seed=seed, device=device, compat=compat)
    path = find(name, like=like, progress=progress)
    saved = files.open_file(path)
    if "ears" in saved.assets:
        raise WeightsError(_says_a_captioner(str(path)))
    recipe = recipes.parse(saved.recipe, name=saved.recipe_name)
    towers = recipe.build(assets=saved.assets)
    files.fill(towers, saved.tensors, where=str(path))
    return Model(recipe, towers, stamp=sha256(path)[:16], device=device, compat=compat, seed=seed)


def find(name: str, *, like: str | None = None, progress: Callable[[int, int | None], None] | None = None) -> Path:
    """The file that holds a model, in our own form; a published checkpoint is fetched and converted to get there.

    Raises SettingError, WeightsError.
    """
    if name.startswith("hf:"):
        return obtain.obtain_hub(name)
    given = Path(name).expanduser()
    if given.is_dir() and (given / "config.json").is_file():
        return obtain.obtain_file(given, like=like)
    if given.is_dir():
        given = given / "model.safetensors"
    if given.suffix == ".safetensors":
        if not given.is_file():
            raise WeightsError(f"{given}: no such file; `hark train` writes one")
        return obtain.obtain_file(given, like=like) if like else given
    if given.is_file() and given.suffix != ".toml":
        return obtain.obtain_file(given, like=like)
    row = rows.look(name)
    if row is not None:
        return obtain.obtain(row, progress=progress)
    if given.suffix in obtain.SUFFIXES:
        raise WeightsError(f"{given}: no such file")
    return _packaged(name)


def architecture(name: str) -> Recipe:
    """The recipe that a model of that name is built by, without looking for its weights.

    Raises SettingError, WeightsError.
    """
    if name in recipes.names() or name.endswith(".toml"):
        return recipes.load(name)
    if captioner.is_one(name):
        raise WeightsError(_says_a_captioner(name))
    row = rows.look(name)
    if row is not None:
        return obtain.architecture(row)
    known = [*recipes.names(), *(row.name for row in rows.rows())]
    raise SettingError(f"no model '{name}'; {suggest(name, known)}")


def _says_a_captioner(name: str) -> str:
    return f"{obtain.CAPTIONER.format(name)} (in Python: hark.caption.file.load)"


def _packaged(name: str) -> Path:
    if name not in recipes.names() and not name.endswith(".toml"):
        architecture(name)  # tells the nearest name among recipes and checkpoints
    packaged = recipes.find(name).with_suffix(".safetensors")
    if packaged.is_file():
        return packaged
    published = [row.name for row in rows.rows() if row.recipe == name]
    if published:
        raise WeightsError(f"'{name}' is an architecture; its weights are called {', '.join(published)}")
    raise WeightsError(f"'{name}' is a recipe without weights; train it: hark train {name}")


def _untrained(recipe: Recipe, *, seed: int, device: str, compat: str | None) -> Model:
    hears = dataclasses.replace(recipe, text=None, branches=None, compare="towers")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        towers = hears.build()
    return Model(hears, towers, stamp=f"random-{seed}", device=device, compat=compat, seed=seed)
