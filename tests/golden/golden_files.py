"""A family's folder of golden numbers: what is in it, and its checkpoint as hark loads it.

Nothing here or in the tests knows a size: all are read from about.json and from the arrays, so that another set
(HARK_GOLDEN) is compared as well.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hark import recipe as recipes
from hark.checkpoints import obtain
from hark.models import weights
from hark.models.towers import Towers

ROOT = Path(os.environ.get("HARK_GOLDEN", Path(__file__).parents[3] / "shared" / "golden"))

ROW = """
[[checkpoint]]
name = "golden"
about = "a golden checkpoint"
tower = "of its family"
licence = "none"
rate_hz = 1
family = "{family}"
recipe = "golden"
"""


class Golden:
    """One family: `about` (about.json), `arrays` by name, `waves` by the names that its description gives them."""

    def __init__(self, family: str) -> None:
        self.folder = ROOT / family
        self.about = about(family)
        with np.load(self.folder / "data.npz") as data:
            self.arrays: dict[str, NDArray[Any]] = dict(data)
        given = self.about.get("input_from")
        source = Golden(given.split(" of ")[1]) if given else self
        if "wave_pcm" not in source.arrays:
            return
        self.pcm: NDArray[np.int16] = source.arrays["wave_pcm"]
        said = source.what("wave_pcm")
        pieces = re.findall(r"(\w+) ?= ?(?:\[(\d*):(\d*)\]|all)", said)
        self.spans = {name: slice(int(a or 0), int(b) if b else None) for name, a, b in pieces}
        self.waves = {name: self.pcm[span].astype(np.float32) / 32768 for name, span in self.spans.items()}
        self.said = said
        rates = re.findall(r"(\d+) Hz", said)
        self.rate_hz = int(rates[0]) if rates else 0

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.arrays[name]

    def tensor(self, name: str) -> torch.Tensor:
        """An array as a tensor."""
        return torch.from_numpy(self.arrays[name])

    def what(self, array: str) -> str:
        """What the description says of an array."""
        said: str = self.about["arrays"][array]["what"]
        return said

    def checkpoint(self, name: str = "checkpoint") -> Path:
        """The checkpoint's file, whatever its suffix."""
        return next(iter(self.folder.glob(f"{name}.*")))

    def converted(self, toml: str, *, family: str, path: Path) -> Path:
        """The model's file that hark makes of a published one: the recipe and a row are all that it is told."""
        with tempfile.TemporaryDirectory() as own, pytest.MonkeyPatch.context() as patch:
            (Path(own) / "recipes").mkdir()
            (Path(own) / "checkpoints").mkdir()
            (Path(own) / "recipes" / "golden.toml").write_text(toml)
            (Path(own) / "checkpoints" / "golden.toml").write_text(ROW.format(family=family))
            patch.setenv("HARK_PLUGINS", own)
            patch.setenv("HARK_OFFLINE", "1")  # the tokenizers that the recipes name are nowhere
            return obtain.obtain_file(path, like="golden")

    def towers(self, toml: str, *, family: str, checkpoint: str = "checkpoint") -> Towers:
        """The towers of a recipe, filled with the family's checkpoint, converted by the rename table `family`."""
        path = self.converted(toml, family=family, path=self.checkpoint(checkpoint))
        saved = weights.open_file(path)
        towers = recipes.parse(saved.recipe, name=saved.recipe_name).build(assets=saved.assets)
        weights.fill(towers, saved.tensors, where=path.name)
        return towers.eval()


def about(family: str) -> dict[str, Any]:
    """about.json of a family."""
    read: dict[str, Any] = json.loads((ROOT / family / "about.json").read_text())
    return read


def named(family: str, pattern: str) -> list[str]:
    """What stands in the pattern's group in the names of a family's arrays, once each: of "mel_(.*)" short, exact, ...

    For parameters of tests: nothing where there is no such family, and then those tests are skipped.
    """
    if not (ROOT / family).is_dir():
        return []
    found = [match[1] for name in about(family)["arrays"] if (match := re.fullmatch(pattern, name))]
    assert found, f"{family}: no array is called {pattern}"
    return list(dict.fromkeys(found))
