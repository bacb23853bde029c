"""What training a captioner would need: its network, stages and corpora, without listening to anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hark.checkpoints import obtain, rows
from hark.core import component
from hark.core.errors import SettingError, WeightsError
from hark.core.files import cache_folder
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
        spoken = Stage(
            stage.name, corpora=stage.corpora, valid=stage.valid, hold_out=stage.hold_out, exclude=stage.exclude
        )
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
    """How to have what it hears with, where it is not here; nothing is fetched or converted to find out."""
    given = Path(ears.model).expanduser()
    foreign = given.is_file() and given.suffix not in (".toml", ".safetensors")
    row = None if given.exists() else rows.look(ears.model)
    try:
        if ears.weights == "none":
            architecture(ears.model)
        elif foreign or (given / "config.json").is_file():
            obtain.identify(given)
        elif row is not None:
            return _not_here(row)
        elif ears.model.startswith("hf:"):
            return "" if _on_disk(ears.model) else f"{ears.model}: not here; would be fetched from the hub"
        else:
            find(ears.model)
    except (SettingError, WeightsError) as error:
        return str(error)
    return ""


def _not_here(row: rows.Row) -> str:
    """What is missing of a published checkpoint."""
    if row.unread is not None:
        return f"{row.name}: hark cannot load it: {row.unread}"
    if row.captioner is not None:
        return obtain.CAPTIONER.format(row.name)
    if any((cache_folder() / "models").glob(f"{row.name}-{'?' * 12}.safetensors")):
        return ""
    if row.address is None:
        by_hand = f"hark models convert FILE --like {row.name} --to DIR"
        return f"{row.name}: not here, and nowhere to fetch it from; get the file and run: {by_hand}"
    if _on_disk(row.address) or any((cache_folder() / "downloads").glob(f"*-{row.file_name}")):
        return ""
    return f"{row.name}: not here; would be fetched from {row.address}"


def _on_disk(address: str) -> bool:
    """Whether the hub's cache has the file, or the model, of "hf:OWNER/NAME/FILE"."""
    from huggingface_hub import try_to_load_from_cache

    if not address.startswith("hf:"):
        return False
    owner, name, *file = address[3:].split("/", 2)
    return isinstance(try_to_load_from_cache(f"{owner}/{name}", file[0] if file else "config.json"), str)
