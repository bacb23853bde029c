"""Turns a published checkpoint into one of our files: read safely, renamed, checked against its recipe, saved."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hark import recipe as recipes
from hark.audio.features.fusion_logmel import FusionLogMel
from hark.checkpoints.beside import Find, bring
from hark.core import component
from hark.core.errors import WeightsError
from hark.core.files import sha256
from hark.core.provenance import made_by
from hark.models import safe_pickle, weights
from hark.models.rename import Table
from hark.models.towers import Towers
from hark.recipe import Recipe

FOLDER_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class Published:
    """A checkpoint on disk: a file, or a folder that `save_pretrained` wrote, with its family and its recipe.

    `beside` are the parts that are not in it (`hark.checkpoints.rows.Row`), and `find` brings a checkpoint by its name.
    """

    path: Path
    family: str
    recipe: Recipe
    beside: Mapping[str, str] = field(default_factory=dict)
    find: Find | None = None


def describe(path: Path, *, name: str) -> Published:
    """A Hugging Face folder, which says itself what it is; `name` is what the model will be called.

    Raises WeightsError where its kind is not known.
    """
    config = _json(path / "config.json")
    kind = config.get("model_type")
    kinds: dict[str, str] = {}
    for family in component.names("models.renames"):
        module = component.module("models.renames", family)
        if hasattr(module, "MODEL_TYPE"):
            kinds[module.MODEL_TYPE] = family
    if kind not in kinds:
        raise WeightsError(f"{path}: a folder of '{kind}'; hark reads {', '.join(sorted(kinds))}")
    preprocessor = path / "preprocessor_config.json"
    settings = _json(preprocessor) if preprocessor.is_file() else None
    return Published(path, kinds[kind], described(kinds[kind], config, settings, name=name))


def described(
    family: str, config: Mapping[str, Any], preprocessor: Mapping[str, Any] | None = None, *, name: str
) -> Recipe:
    """The recipe of a Hugging Face folder of that family, from what stands in its config.json.

    Raises WeightsError where hark has no such towers.
    """
    module = component.module("models.renames", family)
    settings = {"model_type": module.MODEL_TYPE, **config}
    return recipes.parse(module.recipe(settings, preprocessor), name=name)


def convert(published: Published, out: Path, *, tokenizer: Path | None = None) -> bool:
    """Writes the checkpoint as a model's file to `out`; whether its sentences can be read, too.

    The tokenizer comes from `tokenizer` (a folder or a tokenizer.json), the checkpoint's own folder, or the hub; where
    there is none the file is written without, and the model looks for it when the first sentence comes.

    Raises WeightsError: a file that cannot be read safely, a tensor that is missing, left over or of another shape.
    """
    where = str(published.path)
    table: Table = component.config("models.renames", {"name": published.family}, where=where).build()
    content = _content(published.path)
    tensors = table.apply(content, where=where)
    towers = published.recipe.build()
    check_bank(content, towers, where=where)
    if published.beside:
        assert published.find is not None, where
        beside = published.beside
        tensors = bring(tensors, towers, published.recipe, beside, path=published.path, find=published.find)
    weights.fill(towers, tensors, where=where)
    assets = _assets(towers, tokenizer or _own_tokenizer(published.path))
    source = published.path / _weights_of(published.path) if published.path.is_dir() else published.path
    saved = weights.Saved(
        tensors=towers.state_dict(),
        recipe_name=published.recipe.name,
        recipe=published.recipe.source,
        assets=assets,
        made_by={**made_by(), "converted_from": source.name, "converted_sha256": sha256(source)},
    )
    weights.save(out, saved)
    return not towers.reads or "tokenizer" in assets


def _content(path: Path) -> Mapping[str, Any]:
    return safe_pickle.read(path / _weights_of(path) if path.is_dir() else path)


def _weights_of(folder: Path) -> str:
    for name in FOLDER_WEIGHTS:
        if (folder / name).is_file():
            return name
    raise WeightsError(f"{folder}: no weights in it; {' or '.join(FOLDER_WEIGHTS)} is wanted")


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path}: cannot be read ({error})") from None
    if not isinstance(content, dict):
        raise WeightsError(f"{path}: not a table of settings")
    return content


def _own_tokenizer(path: Path) -> Path | None:
    return path if (path / "tokenizer.json").is_file() else None


def _assets(towers: Towers, tokenizer: Path | None) -> dict[str, str]:
    if not towers.reads:
        return {}
    encoder: Any = towers.text_encoder
    if tokenizer is not None:
        file = tokenizer / "tokenizer.json" if tokenizer.is_dir() else tokenizer
        try:
            encoder.bring(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise WeightsError(f"{file}: no tokenizer ({error})") from None
    else:
        # Told by the return value; the model says it again, with the remedy, when it has to read.
        with contextlib.suppress(WeightsError):
            _ = encoder.tokens
    made: dict[str, str] = encoder.assets()
    return made


def check_bank(content: Mapping[str, Any], towers: Towers, *, where: str) -> None:
    """A mel bank that lies in the file must be the one that our front end makes: the weights depend on it.

    LAION-CLAP's files with feature fusion hold the bank of those without, which such a model never hears with.
    """
    if isinstance(towers.features, FusionLogMel):
        return
    own = [bank for name, bank in towers.named_buffers() if name.split(".")[-1] == "bank"]
    for name, theirs in _flat(content):
        if name.endswith("logmel_extractor.melW") and own:
            ours = own[0].T if own[0].shape != theirs.shape else own[0]
            if ours.shape != theirs.shape or not torch.allclose(ours, theirs.float(), atol=1e-5 * float(ours.max())):
                raise WeightsError(f"{where}: tensor '{name}' is another mel bank than the recipe's front end makes")


def _flat(content: Mapping[str, Any]) -> list[tuple[str, Tensor]]:
    found: list[tuple[str, Tensor]] = []
    for name, value in content.items():
        if isinstance(value, Tensor):
            found.append((str(name), value))
        elif isinstance(value, Mapping):
            found += _flat(value)
    return found
