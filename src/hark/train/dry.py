"""A dry run: the towers built at full size, the stages, what data is there and what is missing, steps and memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hark.core import component
from hark.core.errors import DataError, SettingError
from hark.data import pcm
from hark.data.card import Card
from hark.data.plan import Plan
from hark.data.records import Clip
from hark.recipe import CorpusSpec, Recipe, Stage
from hark.train import init, size, taught
from hark.train.data import described, left_out, open_packed
from hark.train.left_out import LeftOut, Recording, recordings
from hark.train.needs import Loss
from hark.train.optim import Rate
from hark.train.size import Memory
from hark.train.tag_data import labelled


@dataclass(frozen=True)
class Found:
    """A corpus or file of a stage: what for ("train", "valid", "hold_out", "also", "texts", "exclude"), where, whether.

    `clips` are those of which something can be said, and in "train" that are neither held out nor excluded; None where
    they are not there, then `missing` says what is wrong and `get` how to have it. `seconds` is how long those of
    "train" are together, where a stage has them decoded.
    """

    role: str
    name: str
    path: str
    clips: int | None = None
    missing: str = ""
    get: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class Planned:
    """A stage: how many numbers learn, what it reads, its steps where the data is there, the memory that it takes.

    `decoded` are the bytes that its training clips take in the cache, decoded; None where none are, or are not there.
    """

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
    decoded: int | None = None


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
    taught.check_stages(recipe)
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
    found = corpora_of(stage, data=data, where=where, lengths=stage.task != "distil")
    seconds = [one.seconds for one in found if one.role == "train" and one.seconds is not None]
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
        decoded=pcm.size(sum(seconds), recipe.audio.rate_hz) if seconds and None not in counts else None,
    )


def corpora_of(stage: Stage, *, data: Path, where: str, lengths: bool = False) -> tuple[Found, ...]:
    """What of a stage's corpora and files is in the folder `data`; with `lengths`, also how long its clips are.

    Raises SettingError.
    """
    files = [name for name in stage.exclude if (data / Path(name).expanduser()).is_file()]
    held: set[Recording] = set()
    left = LeftOut(data, held, left_out((), files, data=data, where=where).excluded)
    found: list[Found] = []
    for role, specs in (("hold_out", stage.hold_out), ("valid", stage.valid), ("train", stage.corpora)):
        these: list[Found] = []
        for n, spec in enumerate(specs):
            clips, one = _corpus(spec, role, data=data, where=f"{where}: {role}[{n}]")
            if role == "train" and one.clips is not None:
                clips = [clip for clip in clips if not left(clip, spec)]
                seconds = _seconds(spec, clips, data=data, where=where) if lengths else None
                one = replace(one, clips=len(clips), seconds=seconds)
            elif role != "train":
                held.update(key for clip in clips for key in recordings(clip))
            these.append(one)
            if spec.also is not None:
                these.append(_corpus(CorpusSpec(spec.also), "also", data=data, where=f"{where}: {role}[{n}].also")[1])
        found = these + found
    for role, names in (("texts", stage.texts), ("exclude", stage.exclude)):
        for name in names:
            missing = "" if (data / name).is_file() else "no such file"
            found.append(Found(role, name, str(data / name), missing=missing))
    return tuple(found)


def _seconds(spec: CorpusSpec, clips: Sequence[Clip], *, data: Path, where: str) -> float:
    """How long clips of a corpus are together, by the index of their shards or their files' headers."""
    packed = open_packed(spec, data=data, where=where)
    if not packed:
        return sum(map(pcm.seconds_told, clips))
    known = {clip.id: s for one in packed for clip, s in zip(one.clips, one.shards.seconds, strict=True)}
    return float(sum(known[clip.id] for clip in clips))


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
        clips = [clip for _, clip, _ in described((spec,), data=data, where=where, unpacked=False)]
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
