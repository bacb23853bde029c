"""An ensemble: one TOML file that says which members it has and how their scores become one, read strictly and hashed.

`ensembles/` holds those that come with hark; the folder `ensembles` of a plug-in, or any path, may hold more.
"""

from __future__ import annotations

import hashlib
import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hark import recipe as recipes
from hark.core import component
from hark.core.errors import SettingError, WeightsError
from hark.core.settings import read
from hark.core.shelf import Shelf

Table = Mapping[str, Any]
SHELF = Shelf("ensembles", "ensemble")

COUNT = "count"
"""The setting of `rewrite` that is not the rewriter's own: how many other wordings of a query are asked for."""


@dataclass(frozen=True)
class MemberSpec:
    """A model that is trained by a recipe, and what it counts.

    `seed` is that of all the recipe's stages, `changes` are further ones ("stages.0.batch=32", as `hark train --set`
    takes them). `weights` is the run's folder, a model's file, or a name that `hark.load` knows; without it the folder
    that `train` writes. With `checkpoints = "members"` the run's best checkpoints, which a stage with `members = true`
    keeps apart, are models of their own and share the weight. `rewrite` names a rewriter and how many wordings it gives
    (`count`): the embedding of a query is then the mean of its own and theirs.
    """

    recipe: str
    weights: str | None = None
    seed: int = 0
    changes: tuple[str, ...] = ()
    checkpoints: Literal["averaged", "members"] = "averaged"
    weight: float = 1.0
    rewrite: Table | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and self.weight >= 0):
            raise ValueError(f"weight is {self.weight}; give a number that is not below 0")
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}; give 0 or more")
        if self.rewrite is not None and not (type(self.rewrite.get(COUNT)) is int and self.rewrite[COUNT] > 0):
            raise ValueError(f"rewrite.{COUNT} is {self.rewrite.get(COUNT)!r}; how many wordings? LY asked for 5")

    @property
    def place(self) -> str:
        """Where its weights are looked for."""
        return self.weights or f"runs/{self.recipe}" + (f"-seed-{self.seed}" if self.seed else "")

    @property
    def name(self) -> str:
        """What it is called in a table, such as "ly-2024/a, rewritten"."""
        called = Path(self.place).name if self.weights and self.weights.endswith(".safetensors") else self.place
        return called.removeprefix("runs/") + (", rewritten" if self.rewrite is not None else "")

    def settings(self) -> list[str]:
        """All changes to its recipe, the seed's first. Raises SettingError for an unknown recipe."""
        stages = recipes.load(self.recipe).stages if self.seed else ()
        return [*(f"stages.{number}.seed={self.seed}" for number in range(len(stages))), *self.changes]

    def train(self) -> str:
        """The command that trains it. Raises SettingError for an unknown recipe."""
        words = ["hark", "train", self.recipe]
        for change in self.settings():
            words += ["--set", change]
        return shlex.join(words + ([] if self.place == f"runs/{self.recipe}" else ["--out", self.place]))

    def checkpoint_count(self) -> int:
        """How many models it stands for. Raises SettingError for an unknown recipe, or one that keeps no members."""
        if self.checkpoints == "averaged":
            return 1
        kept = [stage.best for stage in recipes.load(self.recipe, changes=self.settings()).stages if stage.members]
        if not kept:
            raise SettingError(f"{self.recipe}.toml: keeps no checkpoints apart; set members = true in a stage")
        return kept[-1]

    def files(self) -> list[str]:
        """The files, folders or names of its models, as `hark.load` takes them.

        Raises WeightsError, with the command that trains it, where one is not there; SettingError.
        """
        folder = Path(self.place).expanduser()
        if self.checkpoints == "members":
            files = [
                folder / f"member-{place}" / "model.safetensors" for place in range(1, self.checkpoint_count() + 1)
            ]
            for file in files:
                if not file.is_file():
                    raise WeightsError(f"no {file}; train it: {self.train()}")
            return [str(file) for file in files]
        # a path has a known beginning or end; whether a name is one of a model is for `hark.load` to say
        is_path = self.weights is None or self.place.startswith(("runs/", ".", "/", "~")) or folder.suffix != ""
        if is_path and not folder.exists():
            raise WeightsError(f"no weights in {folder}; train it: {self.train()}")
        return [self.place]


@dataclass(frozen=True)
class Ensemble:
    """Members and their combination. `about` is one line; `published` is what its report tells of it.

    `combine` is a component of `metrics.combine` with its settings.
    """

    name: str
    about: str
    members: tuple[MemberSpec, ...]
    combine: Table = field(default_factory=lambda: {"name": "mean"})
    published: Table = field(default_factory=dict)
    source: str = field(default="", init=False, compare=False)  # the TOML it was read from

    def __post_init__(self) -> None:
        if not self.members:
            raise ValueError("members: none; an ensemble needs one")
        if not sum(member.weight for member in self.members) > 0:
            raise ValueError("members: all weights are 0")

    @property
    def hash(self) -> str:
        """SHA-256 of the TOML text, in hex."""
        return hashlib.sha256(self.source.encode()).hexdigest()


def parse(source: str, *, name: str) -> Ensemble:
    """The ensemble in a TOML text; `name` is its file's name without the suffix. Recipes are not looked for.

    Raises SettingError.
    """
    ensemble = read(Ensemble, SHELF.settings(source, name=name), where=f"{name}.toml:")
    object.__setattr__(ensemble, "source", source)
    component.config("metrics.combine", ensemble.combine, where=f"{name}.toml: combine")
    for number, member in enumerate(ensemble.members):
        if member.rewrite is not None:
            rewriter(member.rewrite, where=f"{name}.toml: members[{number}].rewrite")
    return ensemble


def rewriter(rewrite: Table, *, where: str) -> tuple[Any, int]:
    """The Config of the rewriter that a table names, and how many wordings are asked of it.

    Raises SettingError.
    """
    own = {key: value for key, value in rewrite.items() if key != COUNT}
    return component.config("text.rewrites", own, where=where), int(rewrite[COUNT])


def find(name: str) -> Path:
    """The file of an ensemble, given its name ("ly-2024/submission-1") or a path to a .toml file.

    Raises SettingError, with the nearest known name.
    """
    return SHELF.find(name)


def load(name: str) -> Ensemble:
    """The ensemble of that name or path.

    Raises SettingError.
    """
    source, called = SHELF.text(name)
    return parse(source, name=called)


def is_one(name: str) -> bool:
    """Whether a name, or a path to a .toml file, is that of an ensemble of models for retrieval."""
    if not name.endswith(".toml"):
        return name in names()
    try:
        source, called = SHELF.text(name)
        return "members" in SHELF.settings(source, name=called)
    except SettingError:
        return False


def names() -> list[str]:
    """The names of all ensembles, sorted."""
    return SHELF.names()
