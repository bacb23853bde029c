"""What training a captioner would need: its network, stages and corpora, without listening to anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hark.core import component
from hark.core.errors import SettingError, WeightsError
from hark.recipe.captioner import CaptionRecipe, EarsSpec, member
from hark.recipe.stage import Stage
from hark.runtime.load import architecture, find
from hark.train.dry import Found, corpora_of


@dataclass(frozen=True)
class PlannedCaptions:
    """A stage: what it does, and the corpora of it that are here or missing."""

    name: str
    task: str
    batch: int
    epochs: float | None
    steps: int | None
    data: tuple[Found, ...]


@dataclass(frozen=True)
class CaptionReport:
    """What a captioner's recipe asks for; `ears` is what it hears with, `ears_missing` how to have it where it is not.

    An ensemble has `members`, and no stages of its own.
    """

    name: str
    about: str
    hash: str
    ears: str
    ears_missing: str
    stages: tuple[PlannedCaptions, ...]
    members: tuple[CaptionReport, ...]
    published: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return asdict(self)


def caption_dry_run(recipe: CaptionRecipe, *, data: Path) -> CaptionReport:
    """What training the captioner would do with the corpora in the folder `data`; nothing is fetched or written.

    Raises SettingError where the recipe itself is wrong.
    """
    if recipe.ears is not None:
        component.config("text.spelling", recipe.words, where=f"{recipe.name}.toml: words")
        component.config("models.captioning.encoders", recipe.encoder, where=f"{recipe.name}.toml: encoder")
        component.config("models.captioning.decoders", recipe.decoder, where=f"{recipe.name}.toml: decoder")
    stages = []
    for stage in recipe.stages:
        spoken = Stage(stage.name, corpora=stage.corpora, valid=stage.valid, hold_out=stage.hold_out)
        found = corpora_of(spoken, data=data, where=f"{recipe.name}.toml: stage '{stage.name}'")
        steps = stage.steps if stage.epochs is None else None
        stages.append(PlannedCaptions(stage.name, stage.task, stage.batch, stage.epochs, steps, found))
    return CaptionReport(
        name=recipe.name,
        about=recipe.about,
        hash=recipe.hash,
        ears="" if recipe.ears is None else f"{recipe.ears.model}, its {recipe.ears.take}",
        ears_missing="" if recipe.ears is None else _missing(recipe.ears),
        stages=tuple(stages),
        members=tuple(caption_dry_run(member(spec, changes=recipe.changes), data=data) for spec in recipe.members),
        published=dict(recipe.published),
    )


def _missing(ears: EarsSpec) -> str:
    try:
        architecture(ears.model) if ears.weights == "none" else find(ears.model)
    except (SettingError, WeightsError) as error:
        return str(error)
    return ""
