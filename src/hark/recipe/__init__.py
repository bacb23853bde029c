"""A recipe: one TOML file that says everything a system is, read strictly, hashed, and built.

`recipes/` holds those that come with hark; the folder `recipes` of a plug-in, or any path, may hold more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hark.audio.window import Short
from hark.core import component
from hark.core.settings import read
from hark.core.shelf import Shelf
from hark.recipe.overrides import changed
from hark.recipe.stage import CorpusSpec, Stage

if TYPE_CHECKING:
    from hark.models.towers import Towers

__all__ = ["AudioSpec", "CorpusSpec", "Recipe", "Stage", "TextSpec", "find", "load", "names", "parse"]

Table = Mapping[str, Any]
SHELF = Shelf("recipes", "recipe")


@dataclass(frozen=True)
class AudioSpec:
    """How sound becomes a vector: rate, windows, front end, encoder, head."""

    rate_hz: int
    features: Table
    encoder: Table
    head: Table
    window_s: float = 10.0
    hop_s: float | None = None  # None: half a window
    short: Short = "repeat"
    least_s: float = 0.0  # with short = "keep": a sound shorter than this is repeated up to it
    clip: Literal["mean", "whole"] = (
        "mean"  # a sound's one vector: the mean of its windows', or all of it heard at once
    )

    def __post_init__(self) -> None:
        if self.rate_hz <= 0 or self.window_s <= 0 or (self.hop_s is not None and self.hop_s <= 0):
            raise ValueError("rate_hz, window_s and hop_s must be above 0")

    @property
    def samples(self) -> int:
        """The window's length in samples."""
        return round(self.window_s * self.rate_hz)


@dataclass(frozen=True)
class TextSpec:
    """How a sentence becomes a vector: encoder, head."""

    encoder: Table
    head: Table


@dataclass(frozen=True)
class Recipe:
    """A system. `dim` is the joint space's size; `about` is one line; `published` is what its paper reports.

    `init` says where parts get their first weights from before the first stage, and `hark.train.init` reads it: a
    part's name ("audio_encoder") and a published checkpoint ("passt-s-p16-s16-ap468"), a run's folder or model's file,
    or "pretrained", the text encoder's own `model`.
    """

    name: str
    about: str
    dim: int
    audio: AudioSpec
    text: TextSpec | None = None  # None: a tower that only hears
    temperature: float = 0.07
    bias: float | None = None  # a learned number beside the temperature, for the loss 'sigmoid'
    branches: Table | None = None  # a head from the space into itself, one for each tower, for the loss 'dual_clip'
    compare: Literal["towers", "branches"] = "towers"  # vectors: the towers' own, or with their branches' beside them
    init: Mapping[str, str] = field(default_factory=dict)
    compat: Table | None = None  # the original's own way with sounds and sentences, where it differs from ours
    stages: tuple[Stage, ...] = ()
    published: Table = field(default_factory=dict)
    source: str = field(default="", init=False, compare=False)  # the TOML it was read from

    def __post_init__(self) -> None:
        if self.compare == "branches" and self.branches is None:
            raise ValueError("compare is 'branches', and there are none; give branches, or compare = 'towers'")
        for part, weights in self.init.items():
            if not isinstance(weights, str):
                raise ValueError(f"init.{part} is {weights!r}; give the name of weights, as text")

    @property
    def size(self) -> int:
        """How many numbers a vector has (`hark.models.compared`)."""
        return 2 * self.dim if self.compare == "branches" else self.dim

    @property
    def hash(self) -> str:
        """SHA-256 of the TOML text, in hex."""
        return hashlib.sha256(self.source.encode()).hexdigest()

    def build(self, *, assets: Mapping[str, str] | None = None) -> Towers:
        """The towers, with fresh weights where none are brought by a pretrained part.

        `assets` are the texts that travel with saved weights (tokenizer, configuration of a transformer).

        Raises SettingError, WeightsError.
        """
        from hark.models.towers import Towers

        where = f"{self.name}.toml"
        features = component.config("audio.features", self.audio.features, where=f"{where}: audio.features").build(
            rate_hz=self.audio.rate_hz
        )
        encoder = component.config("models.audio", self.audio.encoder, where=f"{where}: audio.encoder").build(
            mels=features.mels
        )
        audio_head = component.config("models.heads", self.audio.head, where=f"{where}: audio.head")
        text = text_head = branches = None
        if self.text is not None:
            spec = component.config("models.text", self.text.encoder, where=f"{where}: text.encoder")
            text = spec.build(assets=assets)
            head = component.config("models.heads", self.text.head, where=f"{where}: text.head")
            text_head = head.build(before=text.dim, after=self.dim)
        if self.branches is not None:
            branch = component.config("models.heads", self.branches, where=f"{where}: branches")
            branches = (branch.build(before=self.dim, after=self.dim), branch.build(before=self.dim, after=self.dim))
        return Towers(
            features=features,
            audio_encoder=encoder,
            audio_head=audio_head.build(before=encoder.dim, after=self.dim),
            text_encoder=text,
            text_head=text_head,
            dim=self.dim,
            temperature=self.temperature,
            branches=branches,
            bias=self.bias,
        )


def parse(source: str, *, name: str) -> Recipe:
    """The recipe in a TOML text; `name` is its file's name without the suffix.

    Raises SettingError.
    """
    recipe = read(Recipe, SHELF.settings(source, name=name), where=f"{name}.toml:")
    object.__setattr__(recipe, "source", source)
    return recipe


def find(name: str) -> Path:
    """The file of a recipe, given its name ("mini", "laion-2022/htsat") or a path to a .toml file.

    Raises SettingError, with the nearest known name.
    """
    return SHELF.find(name)


def load(name: str, *, changes: Sequence[str] = ()) -> Recipe:
    """The recipe of that name or path, after `changes` ("stages.0.batch=32"; see `hark.recipe.overrides`).

    Raises SettingError.
    """
    source, called = SHELF.text(name)
    return parse(changed(source, changes, name=called) if changes else source, name=called)


def names() -> list[str]:
    """The names of all recipes, sorted."""
    return SHELF.names()
