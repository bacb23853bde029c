"""Weights on disk: safetensors, with the recipe and the tokenizer inside, so that one file is one model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from hark.core.errors import WeightsError
from hark.core.files import write_aside

FORMAT = "hark-1"


@dataclass(frozen=True)
class Saved:
    """What a model's file holds: tensors, the recipe's name and TOML, assets (tokenizer, ...), and what made it."""

    tensors: Mapping[str, Tensor]
    recipe_name: str
    recipe: str
    assets: Mapping[str, str]
    made_by: Mapping[str, str]


def save(path: Path, saved: Saved, *, half: bool = False) -> None:
    """Writes a model's file, whole or not at all; `half` stores the floating-point tensors in 16 bits."""
    tensors = {}
    for name, tensor in sorted(saved.tensors.items()):
        kind = torch.float16 if half and tensor.is_floating_point() else tensor.dtype
        tensors[name] = tensor.detach().cpu().to(kind).contiguous()
    about = {
        "recipe_name": saved.recipe_name,
        "recipe": saved.recipe,
        "assets": dict(saved.assets),
        "made_by": dict(saved.made_by),
    }
    # One entry: safetensors writes several in the order of a hash map, and the same model would be another file.
    metadata = {FORMAT: json.dumps(about, sort_keys=True, ensure_ascii=False)}
    with write_aside(path) as aside:
        save_file(tensors, aside, metadata=metadata)


def open_file(path: Path) -> Saved:
    """Reads a model's file; 16-bit tensors come back in 32.

    Raises WeightsError.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if FORMAT not in metadata:
                raise WeightsError(f"{path}: safetensors, but not a model that hark saved; its recipe is missing")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: cannot be read as a model ({error})") from None
    try:
        about = json.loads(metadata[FORMAT])
        return Saved(
            tensors={n: t.float() if t.dtype == torch.float16 else t for n, t in tensors.items()},
            recipe_name=about["recipe_name"],
            recipe=about["recipe"],
            assets=about["assets"],
            made_by=about["made_by"],
        )
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise WeightsError(f"{path}: its description cannot be read ({type(error).__name__}: {error})") from None


def about(path: Path) -> dict[str, Any]:
    """What stands in a model's file beside its tensors: recipe_name, recipe, assets, made_by.

    Raises WeightsError.
    """
    try:
        with safe_open(path, framework="pt") as file:
            said = json.loads((file.metadata() or {})[FORMAT])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise WeightsError(f"{path}: cannot be read as a model ({type(error).__name__}: {error})") from None
    assert isinstance(said, dict), path
    return said


def fill(module: nn.Module, tensors: Mapping[str, Tensor], *, where: str) -> None:
    """Copies `tensors` into `module`: every name and shape must match, in both directions.

    Raises WeightsError, naming the first tensor that is missing, left over or of another shape.
    """
    own = module.state_dict()
    for name, tensor in own.items():
        if name not in tensors:
            raise WeightsError(f"{where}: tensor '{name}' is missing")
        if tensors[name].shape != tensor.shape:
            found, wanted = tuple(tensors[name].shape), tuple(tensor.shape)
            raise WeightsError(f"{where}: tensor '{name}' is {found}, the recipe wants {wanted}")
    extra = sorted(set(tensors) - set(own))
    if extra:
        raise WeightsError(f"{where}: tensor '{extra[0]}' has no place in the recipe ({len(extra)} such)")
    module.load_state_dict(dict(tensors), strict=True)
