"""Towers that are compared through their branches: one vector of twice the size scores what the dual loss compares."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import hark
from hark import recipe as recipes
from hark.core.errors import SettingError
from hark.runtime.model import Model

BRANCHES = ('branches={ name = "mlp" }', 'compare="branches"')


@pytest.fixture(scope="module")
def built():
    recipe = recipes.load("tiny", changes=BRANCHES)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        towers = recipe.build(assets=hark.load("mini").towers.text_encoder.assets()).eval()
    return recipe, towers


def test_a_cosine_is_the_mean_of_each_side_against_the_others_branch(built):
    recipe, towers = built
    model = Model(recipe, towers, stamp="")
    waves = np.random.default_rng(0).standard_normal((3, recipe.audio.samples)).astype(np.float32) / 10
    texts = ["rain", "a dog barks"]
    scores = model.embed_text(texts) @ model.embed_waves(waves).T
    with torch.inference_mode():
        audio = F.normalize(towers.audio(torch.from_numpy(waves)), dim=-1)
        text = F.normalize(towers.text(*towers.tokens(texts)), dim=-1)
        one = F.normalize(towers.text_branch(text), dim=-1) @ audio.T
        other = text @ F.normalize(towers.audio_branch(audio), dim=-1).T
    assert scores == pytest.approx(((one + other) / 2).numpy(), abs=1e-5)


def test_its_vectors_have_unit_length_and_twice_the_numbers(built):
    recipe, towers = built
    model = Model(recipe, towers, stamp="")
    vectors = model.embed_text(["rain", "wind"])
    assert model.dim == vectors.shape[1] == 2 * recipe.dim
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1.0, 1.0], abs=1e-6)
    noise = (np.random.default_rng(1).standard_normal(5000).astype(np.float32), recipe.audio.rate_hz)
    assert model.embed_audio([noise]).shape == (1, 2 * recipe.dim)


def test_branches_that_are_not_there_cannot_be_compared():
    with pytest.raises(SettingError, match="compare is 'branches', and there are none"):
        recipes.load("tiny", changes=['compare="branches"'])
