"""What a captioner hears with: the frozen audio tower of a hark model, and what is taken of it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hark import recipe as recipes
from hark.audio.decode import Source, blocks
from hark.audio.window import slide
from hark.core.errors import SettingError, WeightsError
from hark.core.files import sha256
from hark.core.types import Wave
from hark.models import weights as files
from hark.recipe import Recipe
from hark.recipe.captioner import EarsSpec, Take
from hark.runtime.load import architecture, find
from hark.runtime.model import BATCH, Model

Frames = NDArray[np.float32]
"""(steps, dim): what was taken of a sound."""


class Ears:
    """The audio tower with its weights; a sound goes in, frames come out, the same every time.

    A sound is cut into windows that follow each other (the last one ends at its end); of all of them the frames stand
    behind each other. `stamp` tells which recipe and weights these are, whatever is taken.

    Raises WeightsError where the weights do not fit.
    """

    def __init__(
        self, recipe: Recipe, tensors: Mapping[str, Tensor], *, stamp: str, take: Take = "frames", device: str = "cpu"
    ) -> None:
        self.recipe = dataclasses.replace(recipe, text=None, branches=None, compare="towers", bias=None)
        object.__setattr__(self.recipe, "source", recipe.source)
        towers = self.recipe.build()
        own = towers.state_dict().keys()
        self.tensors = {name: tensor for name, tensor in tensors.items() if name in own}
        files.fill(towers, self.tensors, where=f"the ears, '{recipe.name}'")
        self.stamp = stamp
        self.take = take
        self.rate_hz = recipe.audio.rate_hz
        self.model = Model(self.recipe, towers, stamp=stamp, device=device)

    @classmethod
    def of(cls, spec: EarsSpec, *, device: str = "cpu") -> Ears:
        """Those that a captioner's recipe names.

        Raises SettingError for an unknown model, WeightsError for one without weights.
        """
        if spec.weights == "none":
            recipe, stamp = _recipe(spec.model), f"random-{spec.seed}"
            hears = dataclasses.replace(recipe, text=None, branches=None, compare="towers", bias=None)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(spec.seed)
                tensors = hears.build().state_dict()
            return cls(recipe, tensors, stamp=f"{stamp}-{recipe.hash[:16]}", take=spec.take, device=device)
        path = find(spec.model)
        saved = files.open_file(path)
        recipe = recipes.parse(saved.recipe, name=saved.recipe_name)
        return cls(recipe, saved.tensors, stamp=sha256(path)[:16], take=spec.take, device=device)

    @functools.cached_property
    def dim(self) -> int:
        """How many numbers a frame has; found by listening to a second of nothing much."""
        audio = self.recipe.audio
        seconds = max(audio.least_s, min(1.0, audio.window_s))
        wave = np.full(round(seconds * self.rate_hz), 1e-3, np.float32)  # silence is refused
        return int(self.hear((wave, self.rate_hz)).shape[1])

    def hear(self, source: Source) -> Frames:
        """What is taken of a sound, (steps, dim).

        Raises SoundError; SettingError where the tower has no frames.
        """
        if self.take == "vector":
            return self.model.embed_audio([source])
        made: list[Frames] = []
        batch: list[Wave] = []
        for wave in self._windows(source):
            if batch and (len(batch) == BATCH or len(wave) != len(batch[0])):
                made.append(self._hear(batch))
                batch = []
            batch.append(wave)
        return np.concatenate([*made, self._hear(batch)])

    def _hear(self, waves: list[Wave]) -> Frames:
        with torch.inference_mode():
            heard = self.model.towers.hear(torch.from_numpy(np.stack(waves)).to(self.model.device))
        if self.take == "embeddings":
            rows = heard.embedding
        elif heard.frames is None:
            raise SettingError(
                f"ears: '{self.recipe.audio.encoder.get('name')}' has no frames; give take = \"embeddings\""
            )
        else:
            rows = heard.frames.flatten(0, 1)
        made: Frames = rows.float().cpu().numpy()
        return made

    def _windows(self, source: Source) -> Iterator[Wave]:
        audio = self.recipe.audio
        cut = slide(
            blocks(source, audio.rate_hz), audio.rate_hz, window_s=audio.window_s, hop_s=audio.window_s,
            short=audio.short, least_s=audio.least_s,
        )  # fmt: skip
        return (window.wave for window in cut)


def _recipe(name: str) -> Recipe:
    """The recipe of a model by name, or of the one in a file or folder."""
    if Path(name).expanduser().exists() and not name.endswith(".toml"):
        saved = files.open_file(find(name))
        return recipes.parse(saved.recipe, name=saved.recipe_name)
    try:
        return architecture(name)
    except SettingError as error:
        raise WeightsError(f"ears: {error}") from None
