"""MS-CLAP 2022 and WavCaps beside numbers that `own.py` made with the originals' sources; weights by a rule."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import own
import pytest
import torch

from hark import recipe as recipes
from hark.core import component
from hark.models import weights
from hark.models.towers import Towers

MADE: dict[str, Any] = json.loads(own.FILE.read_text())
FAMILIES = {
    "msclap_2022": ("microsoft/clap-2022", "msclap_2022", "logit_scale", np.log(1 / 0.07), [5.0, 5.0]),
    "wavcaps_htsat": ("wavcaps/htsat-bert", "wavcaps", "temp", 0.07, [10.0, 10.0]),
    "wavcaps_cnn14": ("wavcaps/cnn14-bert", "wavcaps_cnn14", "temp", 0.07, [10.0, 10.0]),
}


def _towers(family: str) -> Towers:
    """The recipe's towers with a small BERT, filled from the published wrapping."""
    recipe, table, scale, value, _ = FAMILIES[family]
    bert = ", ".join(f"{key} = {number}" for key, number in own.BERT.items())
    changes = [f'text.encoder.network={{ model_type = "bert", {bert} }}']
    towers = recipes.load(recipe, changes=changes).build()
    told = MADE[family]
    content = {name: own.drawn(name, shape) for name, shape in told["drawn"].items()}
    content |= {name: torch.zeros(shape) for name, shape in told["others"].items()}  # what follows from the settings
    content[scale] = torch.tensor(value)
    renamed = component.config("models.renames", {"name": table}, where="test").build()
    weights.fill(towers, renamed.apply({"model": content}, where=family), where=family)
    return towers.eval()


@pytest.mark.parametrize("family", list(FAMILIES))
def test_vectors_of_sounds_and_sentences_are_the_originals(family: str, near: Any) -> None:
    towers, seconds = _towers(family), FAMILIES[family][-1]
    waves = torch.from_numpy(np.stack(own.sounds(recipes.load(FAMILIES[family][0]).audio.rate_hz, seconds)))
    ids = torch.tensor(own.IDS)
    joined = towers(waves, ids, ids != 0)
    near(joined.audio[:, :: own.EVERY], MADE[family]["audio"])
    near(joined.text[:, :: own.EVERY], MADE[family]["text"])
    assert towers.scale().item() == pytest.approx(1 / 0.07, rel=1e-5)
