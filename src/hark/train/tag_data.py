"""Opens a stage of labels: which task each corpus is of, what its classes are, and its batches."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hark.core import component
from hark.core.errors import DataError, SettingError
from hark.data.live import Live
from hark.data.mixture import Mixture
from hark.data.sentences import sentences
from hark.data.sources import Decoded, InFiles, InShards
from hark.recipe import CorpusSpec, Recipe, Stage
from hark.train.data import open_batches
from hark.train.tag import Kind, Tasks


def labelled(stage: Stage, *, where: str) -> Stage:
    """The stage with what is said of a clip being its classes, and the clips of `fold` split off for validation.

    Raises SettingError.
    """

    def said(spec: CorpusSpec, fold: Mapping[str, str]) -> CorpusSpec:
        both = sorted(set(spec.where) & set(fold))
        if both:
            raise SettingError(f"{where}: fold: a corpus asks for '{both[0]}' in its where already")
        where_too = {**spec.where, **fold}
        return dataclasses.replace(spec, say=(spec.label,), where=where_too, also=None, also_chance=0.0)

    if len(stage.fold) > 1 or any(str(value).startswith("!=") for value in stage.fold.values()):
        raise SettingError(f'{where}: fold: give one column and its value, such as {{ fold = "4" }}')
    others = {column: f"!={value}" for column, value in stage.fold.items()}
    valid = stage.valid or (stage.corpora if stage.fold else ())
    return dataclasses.replace(
        stage,
        corpora=tuple(said(spec, others) for spec in stage.corpora),
        valid=tuple(said(spec, stage.fold) for spec in valid),
        loss={"name": "cross_entropy"} if stage.loss.get("name") == "infonce" else stage.loss,
    )


def kind_name(spec: CorpusSpec) -> str:
    """The task that a corpus is of."""
    return str(spec.kind or spec.corpus.get("name")).replace(".", "-")


def open_tasks(
    recipe: Recipe,
    stage: Stage,
    *,
    data: Path,
    progress: Callable[[int, int], None] | None = None,
    live: bool = False,
) -> Tasks:
    """The tasks of a stage that tags, decoded, or with `live` to be decoded when they are asked for.

    Raises SettingError, DataError.
    """
    where = f"{recipe.name}.toml: stage '{stage.name}'"
    stage = labelled(stage, where=where)
    batches = open_batches(recipe, stage, data=data, progress=progress, captions="all", live=live)
    assert isinstance(batches, Mixture)
    classes: dict[str, set[str]] = {}
    tables: dict[str, Mapping[str, Any]] = {}
    for source in batches.sources:
        assert isinstance(source, Decoded | InFiles | InShards | Live)
        spec = stage.corpora[int(source.name.split(":")[0])]
        name, table = kind_name(spec), spec.loss or stage.loss
        if tables.setdefault(name, table) != table:
            raise SettingError(f"{where}: task '{name}': its corpora ask for different losses; give them one")
        found = (text for clip in source.clips for text in sentences(clip, source.say))
        classes.setdefault(name, set()).update(found)
    kinds = {}
    for name, table in tables.items():
        loss_of = component.config("losses", table, where=f"{where}: loss").build()
        takes = [p.name for p in inspect.signature(loss_of).parameters.values() if p.default is inspect.Parameter.empty]
        if takes != ["logits", "targets"]:
            raise SettingError(f"{where}: loss '{table.get('name')}' is none of labels; give cross_entropy or binary")
        several = table.get("name") != "cross_entropy"
        if len(classes[name]) < 2 and not several:
            raise DataError(f"{where}: task '{name}': its clips have fewer than two classes")
        kinds[name] = Kind(name, tuple(sorted(classes[name])), loss_of, several)
    return Tasks(stage, kinds, [kind_name(spec) for spec in stage.corpora], batches)
