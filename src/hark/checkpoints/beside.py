"""Parts of a system that its published file leaves out, because they were frozen: brought from where they come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hark.core import component
from hark.core.errors import DataError, FetchError, WeightsError
from hark.core.fetch import fetch
from hark.core.files import cache_folder
from hark.models import tags, weights
from hark.models.towers import Towers
from hark.recipe import Recipe

PRETRAINED = "pretrained"
TEXT = "text_encoder"
TAGS = "audio_head.tags"

Find = Callable[[str], Path]
"""The name of a published checkpoint -> its file in our own form."""


def bring(
    tensors: Mapping[str, Tensor], towers: Towers, recipe: Recipe, beside: Mapping[str, str], *, path: Path, find: Find
) -> dict[str, Tensor]:
    """A file's tensors with the parts that `beside` names (`hark.checkpoints.rows.Row`), where the file lacks them.

    The temperature is the recipe's where the file has none. A table of tags' names is taken from beside the file `path`
    where one of its name lies there.

    Raises WeightsError where a part cannot be had.
    """
    made = dict(tensors)
    if towers.reads:
        made.setdefault("log_scale", towers.log_scale.detach())
    for part, source in sorted(beside.items(), key=lambda item: item[0] == TAGS):  # the text tower reads the tags
        if any(name == part or name.startswith(f"{part}.") for name in made):
            continue
        where = f"{path}: its {part} is not in it, but that of {source}"
        if part == TAGS:
            made[part] = _tags(towers, _table(source, path, where=where), where=where)
        elif source == PRETRAINED:
            made |= _pretrained(towers, recipe, where=where)
        else:
            saved = weights.open_file(find(source)).tensors
            own = {name for name in towers.state_dict() if name.startswith(f"{part}.")}
            made |= {name: tensor for name, tensor in saved.items() if name in own}  # what is missing, loading says
    return made


def _pretrained(towers: Towers, recipe: Recipe, *, where: str) -> dict[str, Tensor]:
    assert recipe.text is not None, recipe.name
    settings = {key: value for key, value in recipe.text.encoder.items() if key != "network"}
    brought = component.config("models.text", settings, where=where).build(assets=None)
    encoder: Any = towers.text_encoder
    weights.fill(encoder, brought.state_dict(), where=where)
    encoder.bring(brought.tokens.json)
    return {f"{TEXT}.{name}": tensor for name, tensor in encoder.state_dict().items()}


def _table(source: str, path: Path, *, where: str) -> Path:
    name = Path(urlsplit(source).path).name
    near = path.parent / name
    if near.is_file():
        return near
    kept = _downloads() / name
    try:
        if not kept.is_file():
            fetch(source, kept)
    except FetchError as error:
        raise WeightsError(f"{where}: {error}; put {name} beside the file") from None
    return kept


def _downloads() -> Path:
    return cache_folder() / "downloads"


def _tags(towers: Towers, table: Path, *, where: str) -> Tensor:
    try:
        names = tags.read_names(table)
    except DataError as error:
        if table.parent == _downloads():
            table.unlink(missing_ok=True)  # the next call fetches it again
        raise WeightsError(f"{where}: {error}") from None

    def embed(texts: Any) -> NDArray[Any]:
        with torch.inference_mode():
            rows = [towers.text_encoder(*towers.tokens(texts[at : at + 32])) for at in range(0, len(texts), 32)]
        return np.asarray(torch.cat(rows).numpy())

    towers.eval()
    return tags.embed_names(names, embed)
