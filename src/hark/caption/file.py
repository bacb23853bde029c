"""A captioner on disk: one file is one model, its ears included.

tensors   ears.*                the audio tower that it hears with
          voices.N.*            its networks, counted from 0
assets    ears, ears.name, ears.stamp, ears.take        the recipe of what it hears with, as TOML
          voices.N, voices.N.name                       the recipe that network N is built by, as TOML
          and what its speller keeps
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from hark import recipe as recipes
from hark.caption.captioner import Captioner
from hark.caption.ears import Ears
from hark.checkpoints.obtain import SUFFIXES
from hark.checkpoints.rows import look, rows
from hark.core.errors import SettingError, WeightsError
from hark.core.files import sha256
from hark.models import weights as files
from hark.models.captioning.network import Network
from hark.recipe import captioner as captioners
from hark.recipe.captioner import CaptionRecipe, Take
from hark.text.speller import Speller

Voice = tuple[CaptionRecipe, Mapping[str, Tensor]]
"""The recipe that a network is built by, and its tensors."""


def save(
    path: Path, recipe: CaptionRecipe, *, ears: Ears, speller: Speller, voices: Sequence[Voice],
    made_by: Mapping[str, str],
) -> None:  # fmt: skip
    """Writes a captioner's file, whole or not at all."""
    tensors = {f"ears.{name}": _smaller(tensor) for name, tensor in ears.tensors.items()}
    assets = {
        "ears": ears.recipe.source, "ears.name": ears.recipe.name, "ears.stamp": ears.stamp, "ears.take": ears.take,
    }  # fmt: skip
    for number, (voice, own) in enumerate(voices):
        tensors |= {f"voices.{number}.{name}": tensor for name, tensor in own.items()}
        assets |= {f"voices.{number}": voice.source, f"voices.{number}.name": voice.name}
    saved = files.Saved(
        tensors=tensors, recipe_name=recipe.name, recipe=recipe.source, assets=assets | speller.assets(),
        made_by=made_by,
    )  # fmt: skip
    files.save(path, saved)


def load(name: str, *, device: str = "cpu") -> Captioner:
    """The captioner of that name, or the one in a file or in the folder that training wrote.

    Raises SettingError for an unknown name, WeightsError for weights that are missing or do not fit.
    """
    path = locate(name)
    saved = files.open_file(path)
    if "ears" not in saved.assets:
        raise WeightsError(f"{path}: '{saved.recipe_name}' is a model for retrieval, and says nothing")
    recipe = captioners.parse(saved.recipe, name=saved.recipe_name)
    try:
        heard = recipes.parse(saved.assets["ears"], name=saved.assets["ears.name"])
        stamp, take = saved.assets["ears.stamp"], cast(Take, saved.assets["ears.take"])
        ears = Ears(heard, _below(saved.tensors, "ears."), stamp=stamp, take=take, device=device)
        networks: list[Network] = []
        while (place := f"voices.{len(networks)}") in saved.assets:
            voice = captioners.parse(saved.assets[place], name=saved.assets[f"{place}.name"])
            speller = voice.speller(assets=saved.assets)
            network = voice.build(heard=ears.dim, speller=speller)
            files.fill(network, _below(saved.tensors, f"{place}."), where=str(path))
            networks.append(network)
        if not networks:
            raise KeyError("voices.0")
    except KeyError as error:
        raise WeightsError(f"{path}: its description lacks {error}; train it again") from None
    return Captioner(recipe, ears, networks, speller, stamp=sha256(path)[:16], device=device)


def locate(name: str) -> Path:
    """The file that holds a captioner, in our own form; a published checkpoint is converted to get there.

    Raises SettingError, WeightsError.
    """
    from hark.caption.published import fetch, from_file  # it saves with this module

    given = Path(name).expanduser()
    if given.is_dir():
        given = given / "model.safetensors"
    if given.suffix == ".safetensors":
        if given.is_file():
            return given
        raise WeightsError(f"{given}: no such file; `hark train` writes one")
    if given.is_file() and given.suffix != ".toml":
        return from_file(given)
    row = look(name)
    if row is not None and row.captioner is not None:
        return fetch(row)
    if given.suffix in SUFFIXES:
        raise WeightsError(f"{given}: no such file")
    if name not in captioners.names() and not name.endswith(".toml"):
        captioners.find(name)  # tells the nearest name
    packaged = captioners.find(name).with_suffix(".safetensors")
    if packaged.is_file():
        return packaged
    published = [row.name for row in rows() if row.captioner == name]
    if published:
        raise WeightsError(
            f"'{name}' is a captioner's recipe; its published weights are called {', '.join(published)}, and "
            f"`hark train {name}` trains it anew"
        )
    raise WeightsError(f"'{name}' is a captioner's recipe without weights; train it: hark train {name}")


def is_captioner(path: Path) -> bool:
    """Whether a file that hark saved is a captioner's; of its tensors none is read.

    Raises WeightsError where it cannot be read.
    """
    return "ears" in files.about(path)["assets"]


def join(recipe: CaptionRecipe, members: Sequence[Path], path: Path, *, made_by: Mapping[str, str]) -> None:
    """Writes an ensemble's file from those of its members, which must hear and spell alike.

    Raises WeightsError, SettingError where they do not.
    """
    loaded = [load(str(member)) for member in members]
    first = loaded[0]
    for member, file in zip(loaded, members, strict=True):
        if member.ears.stamp != first.ears.stamp or member.ears.take != first.ears.take:
            raise SettingError(f"{file}: hears with other ears than {members[0]}; train both with the same")
        if member.speller.assets() != first.speller.assets():
            raise SettingError(f"{file}: has other words than {members[0]}; train both on the same captions")
    voices = [
        (member.recipe, {name: t.cpu() for name, t in member.networks[0].state_dict().items()}) for member in loaded
    ]
    save(path, recipe, ears=first.ears, speller=first.speller, voices=voices, made_by=made_by)


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _smaller(tensor: Tensor) -> Tensor:
    """In 16 bits where that loses nothing: what came from a file in 16 bits."""
    half = tensor.half()
    return half if tensor.dtype == torch.float32 and torch.equal(half.float(), tensor) else tensor
