"""A dry run: the towers built at full size, the stages, what data is there and what is missing, steps and memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hark.core import component
from hark.core.errors import DataError, SettingError
from hark.data.card import Card
from hark.data.plan import Plan
from hark.data.records import Clip
from hark.recipe import CorpusSpec, Recipe, Stage
from hark.train import init, size
from hark.train.data import described
from hark.train.needs import Loss
from hark.train.optim import Rate
from hark.train.size import Memory
from hark.train.tag_data import labelled


@dataclass(frozen=True)
class Found:
    """A corpus or file of a stage: what for ("train", "valid", "hold_out", "also", "texts", "exclude"), where, whether.

    `clips` are those of which something can be said, and in "train" that are not held out; None where they are not
    there, then `missing` says what is wrong and `get` how to have it.
    """

    role: str
    name: str
    path: str
    clips: int | None = None
    missing: str = ""
    get: str = ""


@dataclass(frozen=True)
class Planned:
    """A stage: how many numbers learn, what it reads, its steps where the data is there, the memory that it takes."""

    name: str
    task: str
    loss: str
    batch: int
    epochs: float | None
    learnable: int
    data: tuple[Found, ...]
    steps_per_epoch: int | None
    steps: int | None
    memory: Memory


@dataclass(frozen=True)
class Report:
    """What `hark train --dry-run` tells. `init` are parts' first weights, `init_missing` those a user must bring."""

    name: str
    about: str
    hash: str
    parameters: Mapping[str, int]
    init: Mapping[str, str]
    init_missing: Mapping[str, str]
    stages: tuple[Planned, ...]
    published: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """All of it, with the sums."""
        made = asdict(self)
        for stage, planned in zip(made["stages"], self.stages, strict=True):
            stage["memory"]["total"] = planned.memory.total
        return made | {"total": sum(self.parameters.values())}


def dry_run(recipe: Recipe, *, data: Path) -> Report:
    """What training the recipe would do with the corpora in the folder `data`; nothing is fetched, decoded or written.

    Clips are counted where all of a corpus is there, by its own `build()`.

    Raises SettingError, WeightsError where the recipe itself is wrong.
    """
    towers = size.shapes(recipe)
    init.check(towers, recipe)
    if recipe.text is None and any(stage.task != "tag" for stage in recipe.stages):
        raise SettingError(f"{recipe.name}.toml: text: missing; a system that is trained needs a text tower")
    return Report(
        name=recipe.name,
        about=recipe.about,
        hash=recipe.hash,
        parameters=size.parameters(towers),
        init=dict(recipe.init),
        init_missing=init.missing(recipe, data=data),
        stages=tuple(_planned(recipe, stage, data=data) for stage in recipe.stages),
        published=dict(recipe.published),
    )


def steps_per_epoch(stage: Stage, counts: Sequence[int]) -> int | None:
    """How many batches an epoch has, given the clips of each of the stage's corpora; None where they are too few.

    Raises SettingError.
    """
    visits = [count * spec.repeat for count, spec in zip(counts, stage.corpora, strict=True)]
    weights = [spec.weight for spec in stage.corpora if spec.weight is not None]
    try:
        return Plan(visits, stage.batch, stage.seed, weights or None, stage.one_corpus).steps_per_epoch
    except DataError:
        return None


def _planned(recipe: Recipe, stage: Stage, *, data: Path) -> Planned:
    where = f"{recipe.name}.toml: stage '{stage.name}'"
    Rate(stage)
    stage = labelled(stage, where=where) if stage.task == "tag" else stage
    if stage.task == "distil" and stage.teacher is None:
        raise SettingError(f"{where}: teacher: missing; name a sentence encoder")
    learnable, memory = size.measure(recipe, stage)
    found = corpora_of(stage, data=data, where=where)
    counts = [one.clips for one in found if one.role == "train"]
    per_epoch = None
    if counts and stage.task != "distil" and None not in counts:
        per_epoch = steps_per_epoch(stage, [count for count in counts if count is not None])
    if stage.epochs is None:
        steps: int | None = stage.steps
    else:
        steps = None if per_epoch is None else stage.resolved(per_epoch).steps
    return Planned(
        name=stage.name,
        task=stage.task,
        loss="cosine" if stage.task == "distil" else Loss(stage).name,
        batch=stage.batch,
        epochs=stage.epochs,
        learnable=learnable,
        data=found,
        steps_per_epoch=per_epoch,
        steps=steps,
        memory=memory,
    )


def corpora_of(stage: Stage, *, data: Path, where: str) -> tuple[Found, ...]:
    """What of a stage's corpora and files is in the folder `data`.

    Raises SettingError.
    """
    held: set[Path | str] = set()
    found: list[Found] = []
    for role, specs in (("hold_out", stage.hold_out), ("valid", stage.valid), ("train", stage.corpora)):
        these: list[Found] = []
        for n, spec in enumerate(specs):
            clips, one = _corpus(spec, role, data=data, where=f"{where}: {role}[{n}]")
            if role == "train" and one.clips is not None:
                one = replace(one, clips=sum(1 for clip in clips if not _recordings(clip) & held))
            elif role != "train":
                held |= {key for clip in clips for key in _recordings(clip)}
            these.append(one)
            if spec.also is not None:
                these.append(_corpus(CorpusSpec(spec.also), "also", data=data, where=f"{where}: {role}[{n}].also")[1])
        found = these + found
    for role, names in (("texts", stage.texts), ("exclude", stage.exclude)):
        for name in names:
            missing = "" if (data / name).is_file() else "no such file"
            found.append(Found(role, name, str(data / name), missing=missing))
    return tuple(found)


def _recordings(clip: Clip) -> set[Path | str]:
    """What tells a clip's recording from others: its file, its Freesound id."""
    freesound_id = clip.extra.get("freesound_id")
    return {clip.path, freesound_id} if freesound_id else {clip.path}


def _corpus(spec: CorpusSpec, role: str, *, data: Path, where: str) -> tuple[list[Clip], Found]:
    name = str(spec.corpus.get("name"))
    config = component.config("data.corpora", spec.corpus, where=where)
    inner = spec.corpus.get("of")
    if isinstance(inner, Mapping):
        name = f"{name} of {inner.get('name')}"
        component.config("data.corpora", {**inner, "path": spec.corpus.get("path", "")}, where=f"{where}.of")
    relative = getattr(config, "path", "")
    path = data / Path(relative).expanduser() if relative else None
    shown = str(path or "")
    if path is not None and not path.exists():
        return [], Found(role, name, shown, missing="no such folder", get=_get(spec.corpus))
    try:
        clips = [clip for _, clip, _ in described((spec,), data=data, where=where)]
    except DataError as error:
        return [], Found(role, name, shown, missing=str(error), get=_get(spec.corpus))
    return clips, Found(role, name, shown, clips=len(clips))


def _get(corpus: Mapping[str, Any]) -> str:
    """How to have a corpus, as its card says."""
    inner = corpus.get("of")
    name = str((inner if isinstance(inner, Mapping) else corpus)["name"])
    card = getattr(component.module("data.corpora", name), "CARD", None)
    if not isinstance(card, Card):
        return ""
    return f"`hark data download {name}`. {card.get}" if card.archives else card.get
