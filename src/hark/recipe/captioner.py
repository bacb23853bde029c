"""A captioner's recipe: what it hears with, how it spells, its network, its training; or which captioners it joins.

`captioners/` holds those that come with hark; the folder `captioners` of a plug-in, or any path, may hold more.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hark.core import component
from hark.core.errors import SettingError
from hark.core.settings import read
from hark.core.shelf import Shelf
from hark.recipe.caption_stage import CaptionStage
from hark.recipe.overrides import changed

if TYPE_CHECKING:
    from hark.models.captioning.network import Network
    from hark.text.speller import Speller

Table = Mapping[str, Any]
SHELF = Shelf("captioners", "captioner")
Finished = Literal["aside", "stay"]
Take = Literal["frames", "embeddings", "vector"]


@dataclass(frozen=True)
class EarsSpec:
    """A hark model whose audio tower is heard with; it does not learn.

    `model` is its name, file or folder. Taken are the tower's frames, an embedding for each window, or the one unit
    vector that stands for the sound in the joint space. `weights = "none"` draws them at random with `seed`.
    """

    model: str
    take: Take = "frames"
    weights: Literal["trained", "none"] = "trained"
    seed: int = 0


@dataclass(frozen=True)
class Decoding:
    """How captions are searched for unless one asks for something else; see `hark.caption.beam`."""

    beams: int = 3
    steps: int = 20
    power: float = 1.0
    finished: Finished = "aside"

    def __post_init__(self) -> None:
        for name in ("beams", "steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; give 1 or more")


@dataclass(frozen=True)
class MemberSpec:
    """A captioner of an ensemble; `seed` is added to the seeds of its stages."""

    recipe: str
    seed: int = 0


@dataclass(frozen=True)
class CaptionRecipe:
    """A captioner: `ears`, `words`, `encoder`, `decoder` and `stages`; or `members`, whose next words are averaged.

    The mean is that of the members' probabilities, or of their logarithms.
    """

    name: str
    about: str
    ears: EarsSpec | None = None
    words: Table = field(default_factory=lambda: {"name": "words"})
    encoder: Table = field(default_factory=dict)
    decoder: Table = field(default_factory=dict)
    decoding: Decoding = field(default_factory=Decoding)
    stages: tuple[CaptionStage, ...] = ()
    members: tuple[MemberSpec, ...] = ()
    average: Literal["probabilities", "logs"] = "probabilities"
    changes: tuple[str, ...] = ()  # to the members' recipes: "ears.model=runs/ears"
    published: Table = field(default_factory=dict)
    source: str = field(default="", init=False, compare=False)  # the TOML it was read from

    def __post_init__(self) -> None:
        if bool(self.members) == (self.ears is not None):
            raise ValueError("give ears, encoder and decoder, or members")
        if self.members and (self.encoder or self.decoder or self.stages):
            raise ValueError("members: what they are made of stands in their own recipes")
        if self.changes and not self.members:
            raise ValueError("changes: are made to the recipes of members, and there are none")
        names = [stage.name for stage in self.stages]
        if len(set(names)) < len(names):
            raise ValueError("stages: two have the same name")

    @property
    def hash(self) -> str:
        """SHA-256 of the TOML text, in hex."""
        return hashlib.sha256(self.source.encode()).hexdigest()

    def speller(self, *, captions: Sequence[str] | None = None, assets: Mapping[str, str] | None = None) -> Speller:
        """How it spells, from the captions it learns from or from what a file kept.

        Raises SettingError, DataError.
        """
        config = component.config("text.spelling", self.words, where=f"{self.name}.toml: words")
        speller: Speller = config.build(captions=captions, assets=assets)
        return speller

    def build(self, *, heard: int, speller: Speller) -> Network:
        """The network over frames of `heard` numbers, with fresh weights.

        Raises SettingError.
        """
        from hark.models.captioning.network import Network

        where = f"{self.name}.toml"
        encoder = component.config("models.captioning.encoders", self.encoder, where=f"{where}: encoder")
        built = encoder.build(heard=heard)
        decoder = component.config("models.captioning.decoders", self.decoder, where=f"{where}: decoder")
        return Network(built, decoder.build(memory=built.dim, speller=speller))


def parse(source: str, *, name: str) -> CaptionRecipe:
    """The recipe in a TOML text; `name` is its file's name without the suffix.

    Raises SettingError.
    """
    recipe = read(CaptionRecipe, SHELF.settings(source, name=name), where=f"{name}.toml:")
    object.__setattr__(recipe, "source", source)
    return recipe


def find(name: str) -> Path:
    """The file of a captioner's recipe, given its name or a path to a .toml file.

    Raises SettingError, with the nearest known name.
    """
    return SHELF.find(name)


def load(name: str, *, changes: Sequence[str] = ()) -> CaptionRecipe:
    """The recipe of that name or path, after `changes` ("stages.0.batch=32"; see `hark.recipe.overrides`).

    Raises SettingError.
    """
    source, called = SHELF.text(name)
    return parse(changed(source, changes, name=called) if changes else source, name=called)


def member(spec: MemberSpec, *, changes: Sequence[str] = ()) -> CaptionRecipe:
    """A member's recipe with its seed added to those of its stages.

    Raises SettingError.
    """
    recipe = load(spec.recipe, changes=changes)
    if recipe.members:
        raise SettingError(f"{spec.recipe}: is an ensemble, and none can be a member of one; name its members")
    if spec.seed == 0:
        return recipe
    seeds = [f"stages.{n}.seed={stage.seed + spec.seed}" for n, stage in enumerate(recipe.stages)]
    return parse(changed(recipe.source, seeds, name=recipe.name), name=recipe.name)


def is_one(name: str) -> bool:
    """Whether a name, or a path to a .toml file, is a captioner's and not a retrieval system's."""
    if not name.endswith(".toml"):
        return name in names()
    try:
        settings = tomllib.loads(Path(name).expanduser().read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False
    return "ears" in settings or "members" in settings


def names() -> list[str]:
    """The names of all captioners, sorted."""
    return SHELF.names()
