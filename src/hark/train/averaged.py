"""Averages models that training wrote, after the fact: all of them, or greedily by the validation of their recipe."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from torch import Tensor

from hark import recipe as recipes
from hark.core.errors import SettingError, WeightsError
from hark.core.files import sha256
from hark.core.provenance import made_by
from hark.eval.provenance import Provenance, provenance
from hark.models import weights
from hark.models.average import average, greedy
from hark.recipe import Recipe
from hark.runtime import load
from hark.train.valid import Validation, Validator


@dataclass(frozen=True)
class Averaged:
    """What became of the models `names`: the value of each and of their average by `metric`, and which are in it.

    Without a validation, `metric`, `values`, `value` and `made` are None, and all are in it.
    """

    names: tuple[str, ...]
    members: tuple[int, ...]
    metric: str | None = None
    values: tuple[float, ...] | None = None
    value: float | None = None
    made: Provenance | None = None

    def as_json(self) -> dict[str, object]:
        """All of it."""
        return asdict(self)


def average_runs(names: Sequence[str], out: Path, *, data: Path | None = None, command: str | None = None) -> Averaged:
    """Writes the mean of models to the file `out`; each is a run's folder, a model's file or a model's name.

    With `data`, the folder that their recipe's relative paths start from, only those are in it that do not lower what
    the recipe's last stage goes by (Wortsman et al. 2022, "Model soups", recipe 1), from the best one on.

    Raises WeightsError for models of different architectures, SettingError for a recipe that validates nothing.
    """
    paths = [load.find(name) for name in names]
    first = weights.open_file(paths[0])
    recipe = recipes.parse(first.recipe, name=first.recipe_name)
    for name, path in zip(names[1:], paths[1:], strict=True):
        _alike(recipe, first, weights.open_file(path), name=name)

    def mean(places: Sequence[int]) -> dict[str, Tensor]:
        return average(weights.open_file(paths[place]).tensors for place in places)

    found, validation = Averaged(tuple(names), tuple(range(len(names)))), None
    if data is not None:
        found, validation = _chosen(recipe, first, names, mean, data=data, command=command)
    told = {"average_of": json.dumps([sha256(paths[place])[:16] for place in found.members])}
    if validation is not None:
        told["validation"] = json.dumps(validation.as_json())
    saved = weights.Saved(mean(found.members), first.recipe_name, first.recipe, first.assets, made_by() | told)
    weights.save(out, saved, half=True)
    if found.made is not None:
        found = replace(found, made=replace(found.made, stamp=sha256(out)[:16]))
    return found


def _chosen(
    recipe: Recipe,
    first: weights.Saved,
    names: Sequence[str],
    mean: Callable[[Sequence[int]], dict[str, Tensor]],
    *,
    data: Path,
    command: str | None,
) -> tuple[Averaged, Validation]:
    stages = [stage for stage in recipe.stages if stage.valid and stage.task != "tag"]
    if not stages:
        raise SettingError(f"{recipe.name}.toml: no stage validates sounds and sentences; leave --greedy out")
    stage = stages[-1]
    validator = Validator(recipe, stage, data=data)
    towers = recipe.build(assets=first.assets)

    def measured(places: Sequence[int]) -> Validation:
        weights.fill(towers, mean(places), where=names[places[0]])
        return validator(towers)

    values = tuple(measured((place,)).value(stage.metric) for place in range(len(names)))
    soup = greedy(values, lambda places: measured(places).value(stage.metric))
    made = provenance(_Averaged(recipe.name), validator.clips, texts=validator.texts, command=command)
    sign = -1.0 if stage.metric == "loss" else 1.0
    found = Averaged(tuple(names), soup.members, stage.metric, tuple(sign * v for v in values), sign * soup.score, made)
    return found, measured(soup.members)


@dataclass(frozen=True)
class _Averaged:
    """What the numbers are of; it has a stamp when there is a file of it."""

    name: str
    stamp: str = ""


def _alike(recipe: Recipe, first: weights.Saved, saved: weights.Saved, *, name: str) -> None:
    other = recipes.parse(saved.recipe, name=saved.recipe_name)
    for part in ("dim", "audio", "text", "branches", "compare", "bias"):
        if getattr(other, part) != getattr(recipe, part):
            raise WeightsError(f"{name}: its recipe has another '{part}' than the first's; average models of one")
    odd = [asset for asset in {**first.assets, **saved.assets} if first.assets.get(asset) != saved.assets.get(asset)]
    if odd:
        raise WeightsError(f"{name}: its {odd[0]} is another than the first's; average models of one vocabulary")
