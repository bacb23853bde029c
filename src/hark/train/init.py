"""Where a recipe's parts get their first weights from: published checkpoints, earlier runs, the hub."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from hark import recipe as recipes
from hark.checkpoints import rows
from hark.checkpoints.obtain import SUFFIXES
from hark.core import component
from hark.core.errors import SettingError, WeightsError
from hark.core.settings import suggest
from hark.models import tags, weights
from hark.models.audio import ast
from hark.models.towers import Towers
from hark.recipe import Recipe
from hark.runtime import load

PRETRAINED = "pretrained"
TEXT = "text_encoder"
TAGS = "audio_head.tags"

Progress = Callable[[int, int | None], None]


def init(towers: Towers, recipe: Recipe, *, data: Path, progress: Progress | None = None) -> None:
    """Fills the parts that `recipe.init` names, in its order, the names of tags last; the rest stays as it is.

    Every tensor of the part must be there and none may be left over; but a checkpoint's tagging layer is left out where
    the part has no classes, and AST's positions are stretched to another grid of patches. A relative path is taken
    from `data`. "audio_head.tags" takes AudioSet's class_labels_indices.csv, whose names the text tower reads.

    Raises SettingError for a part or weights that there are not, WeightsError where they do not fit, DataError.
    """
    check(towers, recipe)
    for part, name in sorted(recipe.init.items(), key=lambda item: item[0] == TAGS):
        where = f"{recipe.name}.toml: init.{part}"
        if part == TAGS:
            _tags(towers, data / name, where=where)
        elif name == PRETRAINED:
            _pretrained(towers, recipe)
        else:
            _from_file(towers, part, find(name, data=data, progress=progress), where=where)


def tokenizer(recipe: Recipe, *, data: Path) -> str | None:
    """The tokenizer of the model whose text encoder the recipe begins with; None where it begins with no model's.

    Raises SettingError, WeightsError.
    """
    name = recipe.init.get(TEXT)
    if name is None or name == PRETRAINED:
        return None
    return weights.open_file(find(name, data=data)).assets.get("tokenizer")


def check(towers: Towers, recipe: Recipe) -> None:
    """Sees that `recipe.init` names parts of the towers, and weights that could be some; looks for no file.

    Raises SettingError.
    """
    parts = {name for name, _ in towers.named_modules() if name}
    known = [row.name for row in rows.rows()]
    for part, name in recipe.init.items():
        where = f"{recipe.name}.toml: init"
        if part == TAGS:
            if not hasattr(getattr(towers, "audio_head", None), "tags"):
                raise SettingError(f"{where}: the audio head has no tags; set audio.head.name = 'tagged'")
        elif part not in parts:
            raise SettingError(f"{where}: no part '{part}'; {suggest(part, dict(towers.named_children()))}")
        elif name == PRETRAINED:
            if part != TEXT or recipe.text is None or recipe.text.encoder.get("name") != "transformer":
                raise SettingError(f"{where}.{part}: '{PRETRAINED}' is for a text encoder that is a transformer")
        elif not (name in known or name in recipes.names() or name.startswith("hf:") or _is_path(name)):
            raise SettingError(f"{where}.{part}: no weights '{name}'; {suggest(name, known)}")


def missing(recipe: Recipe, *, data: Path) -> dict[str, str]:
    """What of `recipe.init` a user has to bring first, by part, and how; published files that can be fetched are not.

    Raises SettingError.
    """
    said: dict[str, str] = {}
    for part, name in recipe.init.items():
        row = next((row for row in rows.rows() if row.name == name), None)
        if row is not None:
            if row.unread is not None:
                said[part] = f"{name}: hark cannot load it: {row.unread}"
            elif row.address is None:
                file = f" ('{row.file}')" if row.file else ""
                said[part] = (
                    f"{name}: nowhere to fetch it from; get the file{file} and run: hark models convert FILE --like "
                    f'{name} --to DIR, then --set init.{part}="DIR/{name.replace("/", "-")}.safetensors"'
                )
        elif _is_path(name) and not (data / name).exists() and not Path(name).exists():
            said[part] = f"{data / name}: no such file or folder"
    return said


def find(name: str, *, data: Path, progress: Progress | None = None) -> Path:
    """The file of a first weight's name: one in the folder `data`, one elsewhere, or a published one's, fetched.

    Raises WeightsError.
    """
    path = data / name if (data / name).exists() else Path(name)
    return load.find(str(path) if path.exists() else name, progress=progress)


def _is_path(name: str) -> bool:
    return "/" in name or Path(name).suffix in {".safetensors", ".csv", *SUFFIXES}


def _from_file(towers: Towers, part: str, path: Path, *, where: str) -> None:
    saved = weights.open_file(path)
    tensors = {name[len(part) + 1 :]: t for name, t in saved.tensors.items() if name.startswith(f"{part}.")}
    if not tensors:
        own = {name.split(".")[0] for name in saved.tensors}
        raise WeightsError(f"{where}: {path}: no part '{part}' in it; {suggest(part, own)}")
    module: Any = towers.get_submodule(part)
    if part == "audio_encoder":
        theirs = recipes.parse(saved.recipe, name=saved.recipe_name)
        tensors = _adapted(module, tensors, theirs, where=where)
    weights.fill(module, tensors, where=f"{where}: {path}")
    if part == TEXT and "tokenizer" in saved.assets and hasattr(module, "bring"):
        module.bring(saved.assets["tokenizer"])


def _adapted(module: nn.Module, tensors: Mapping[str, Tensor], theirs: Recipe, *, where: str) -> dict[str, Tensor]:
    """A checkpoint's tensors without the tagging layer that the part lacks, AST's positions on the part's grid."""
    own = module.state_dict()
    tagging: set[str] = set()
    if theirs.audio.encoder.get("classes") != 0:
        with_tags, without = (_names(theirs, classes, where=where) for classes in (None, 0))
        tagging = with_tags - without
    kept = {name: tensor for name, tensor in tensors.items() if name in own or name not in tagging}
    if isinstance(module, ast.Ast) and kept["positions"].shape != own["positions"].shape:
        config = component.config("models.audio", theirs.audio.encoder, where=where)
        if isinstance(config, ast.Config):
            kept["positions"] = _on_grid(kept["positions"], config, module.config, count=own["positions"].shape[1] - 2)
    return kept


def _names(theirs: Recipe, classes: int | None, *, where: str) -> set[str]:
    """The names of an audio encoder's tensors, if it had so many classes; empty where it knows no classes."""
    spec = dict(theirs.audio.encoder)
    config = component.config("models.audio", spec, where=where)
    if not hasattr(config, "classes"):
        return set()
    if classes is not None:
        settings: dict[str, Any] = {"classes": classes}
        if hasattr(config, "output"):
            settings["output"] = "embedding"
        config = dataclasses.replace(config, **settings)
    features = component.config("audio.features", theirs.audio.features, where=where)
    with torch.device("meta"):
        mels = features.build(rate_hz=theirs.audio.rate_hz).mels
        return set(config.build(mels=mels).state_dict())


def _on_grid(positions: Tensor, theirs: ast.Config, own: ast.Config, *, count: int) -> Tensor:
    """AST's positions (1, 2 + rows x columns, width) stretched to `count` places of another grid, bilinearly.

    As AST does with those of the vision transformer that it starts from (Gong et al. 2021, section 2.2).
    """
    columns, wanted = ((c.frames - c.patch) // c.frame_stride + 1 for c in (theirs, own))
    tokens, grid = positions[:, :2], positions[:, 2:]
    image = grid.transpose(1, 2).reshape(1, grid.shape[2], -1, columns)  # (1, width, rows, columns)
    size = (count // wanted, wanted)
    stretched = F.interpolate(image, size=size, mode="bilinear", align_corners=False).flatten(2).transpose(1, 2)
    return torch.cat([tokens, stretched], dim=1)


def _pretrained(towers: Towers, recipe: Recipe) -> None:
    assert recipe.text is not None
    where = f"{recipe.name}.toml: text.encoder"
    settings = {key: value for key, value in recipe.text.encoder.items() if key != "network"}
    brought = component.config("models.text", settings, where=where).build(assets=None)
    encoder: Any = towers.text_encoder
    weights.fill(encoder, brought.state_dict(), where=f"{where}: '{settings.get('model')}'")
    encoder.bring(brought.tokens.json)


def _tags(towers: Towers, path: Path, *, where: str) -> None:
    head: Any = towers.audio_head
    try:
        names = tags.read_names(path)
    except csv.Error as error:
        raise WeightsError(f"{where}: {path}: {error}") from None
    if len(names) != len(head.tags):
        raise WeightsError(f"{where}: {path} names {len(names)} tags, the head has {len(head.tags)}")

    def embed(texts: Any) -> NDArray[Any]:
        made: list[Tensor] = []
        with torch.inference_mode():
            for at in range(0, len(texts), 32):
                ids, mask = towers.tokens(texts[at : at + 32])
                made.append(towers.text_encoder(ids, mask).cpu())
        return np.asarray(torch.cat(made).numpy())

    training = towers.training
    towers.eval()
    head.tags.copy_(tags.embed_names(names, embed))
    towers.train(training)
