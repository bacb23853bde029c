"""A published captioner's checkpoint as one of our files: read safely, renamed, checked against its recipes, saved."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from hark import recipe as recipes
from hark.caption import file
from hark.caption.ears import Ears
from hark.checkpoints import obtain
from hark.checkpoints.convert import check_bank
from hark.checkpoints.rows import Row, by_file
from hark.core import component
from hark.core.errors import WeightsError
from hark.core.files import cache_folder, sha256
from hark.core.provenance import made_by
from hark.models import safe_pickle, weights
from hark.models.rename import Table
from hark.recipe import Recipe
from hark.recipe import captioner as captioners
from hark.recipe.captioner import CaptionRecipe
from hark.text.spelling.gpt2 import ASSET, tokenizer

HEAD = "decoder.lm_head.weight"
READS = "decoder.transformer.wte.weight"


def fetch(row: Row, *, progress: obtain.Progress | None = None) -> Path:
    """The converted file of a captioner's row: from the cache, or fetched, converted and kept there.

    Raises WeightsError.
    """
    recipe, heard = _recipes(row)
    sources = (repr(row), recipe.source, heard.source)
    key = hashlib.sha256(repr(sources).encode()).hexdigest()[:12]
    kept = cache_folder() / "models" / f"{row.name}-{key}.safetensors"
    if not kept.is_file():
        with obtain.usable(row, progress) as path:
            convert(path, row, kept)
    return kept


def from_file(path: Path) -> Path:
    """The converted file of a published checkpoint on disk, which its name tells; it is kept in the cache.

    Raises WeightsError.
    """
    row = by_file(path.name)
    if row is None:
        raise WeightsError(
            f"{path}: no published file that hark knows is called so; say which captioner it is: "
            f"hark models convert {path} --like NAME --to DIR (`hark models list`)"
        )
    if row.captioner is None:
        raise WeightsError(f"{path}: '{row.name}' is no captioner, and says nothing")
    recipe, heard = _recipes(row)
    stat = path.stat()
    what = (str(path.resolve()), stat.st_size, stat.st_mtime_ns, repr(row), recipe.source, heard.source)
    key = hashlib.sha256(repr(what).encode()).hexdigest()[:12]
    kept = cache_folder() / "models" / "files" / f"{path.stem}-{key}.safetensors"
    if not kept.is_file():
        convert(path, row, kept)
    return kept


def convert(path: Path, row: Row, out: Path, *, tokens: Path | None = None) -> None:
    """Writes the checkpoint of `row` in `path` as a captioner's file to `out`.

    Its audio tower is heard with; mapper and decoder speak. The tokenizer comes from `tokens` (a folder or a
    tokenizer.json), or is that of the recipe's `words`.

    Raises WeightsError: a file that cannot be read safely, a tensor that is missing, left over or of another shape, a
    tokenizer that is not to be had.
    """
    where = str(path)
    recipe, heard = _recipes(row)
    assert recipe.ears is not None
    table: Table = component.config("models.renames", {"name": row.family}, where=where).build()
    content = safe_pickle.read(path)
    tensors = _untied(table.apply(content, where=where), where=where)
    hears, voice = {}, {}
    for name, tensor in tensors.items():
        if name.startswith(("mapper.", "decoder.")):
            voice[f"encoder.{name}" if name.startswith("mapper.") else name] = tensor
        else:
            hears[name] = tensor
    stamp = sha256(path)[:16]
    ears = Ears(heard, hears, stamp=stamp, take=recipe.ears.take)
    check_bank(content, ears.model.towers, where=where)
    extra = sorted(set(hears) - set(ears.tensors))
    if extra:
        raise WeightsError(f"{where}: tensor '{extra[0]}' has no place in the recipe ({len(extra)} such)")
    speller = recipe.speller(assets={ASSET: tokenizer(str(tokens))} if tokens is not None else None)
    network = recipe.build(heard=ears.dim, speller=speller)
    weights.fill(network, voice, where=where)
    made = {**made_by(), "converted_from": path.name, "converted_sha256": sha256(path)}
    file.save(out, recipe, ears=ears, speller=speller, voices=[(recipe, network.state_dict())], made_by=made)


def _recipes(row: Row) -> tuple[CaptionRecipe, Recipe]:
    """The captioner's, and that of the model whose audio tower its file brings."""
    assert row.captioner is not None, row
    recipe = captioners.load(row.captioner)
    assert recipe.ears is not None, recipe.name
    return recipe, recipes.load(recipe.ears.model)


def _untied(tensors: Mapping[str, Tensor], *, where: str) -> dict[str, Tensor]:
    """Without the last layer, which is the table that words are read with: our decoder has it once."""
    made = dict(tensors)
    head = made.pop(HEAD, None)
    if head is not None and not (READS in made and torch.equal(head, made[READS])):
        raise WeightsError(f"{where}: GPT-2 speaks by another table than it reads by; hark has one for both")
    return made
