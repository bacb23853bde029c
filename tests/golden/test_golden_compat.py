"""`compat="published"` gives the originals' vectors from sounds: crops, rounding and joined channels too."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import test_golden_laion as laion
import test_golden_laion_pann as pann
import test_golden_msclap as msclap
import test_golden_passt as passt
from golden_files import named
from numpy.typing import NDArray

from hark import recipe as recipes
from hark.runtime.load import load
from hark.runtime.model import Model

pytestmark = pytest.mark.golden

Published = Callable[..., Model]


@pytest.fixture
def published() -> Published:
    """The model of a golden checkpoint, converted and loaded, going the original's way."""

    def make(g: Any, source: str, *, family: str, compat: str, seed: int) -> Model:
        source = re.sub(r"^\s+", "", source, flags=re.M)
        source = f"compat = {{ {compat} }}\n{source}"
        path = g.converted(source, family=family, path=g.checkpoint())
        return load(str(path), compat="published", seed=seed)

    return make


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@pytest.mark.parametrize("name", laion.NAMES)
def test_laion(golden: Any, toml: Any, near: Any, published: Published, name: str) -> None:
    g = golden("laion_htsat")
    model = published(
        g,
        laion.recipe(g.about, toml),
        family="laion",
        compat='name = "crop", quantise = true, crop = "numpy"',
        seed=g.about["rng_seed_for_crops"],
    )
    near(model.embed_audio([(g.waves[name], model.rate_hz)]), g[f"audio_embedding_{name}"])


@pytest.mark.parametrize("name", named("laion_htsat", "audio_embedding_noquant_(.+)"))
def test_our_own_way_leaves_out_the_step_to_16_bits(
    golden: Any, toml: Any, near: Any, published: Published, name: str
) -> None:
    g = golden("laion_htsat")
    model = published(g, laion.recipe(g.about, toml), family="laion", compat='name = "crop"', seed=0)
    ours = Model(model.recipe, model.towers, stamp="ours")
    near(ours.embed_audio([(g.waves[name], model.rate_hz)]), g[f"audio_embedding_noquant_{name}"])


@pytest.mark.parametrize("name", named("laion_htsat_fusion", r"audio_embedding_((?!batch|antialias).+)"))
def test_laion_fusion(golden: Any, toml: Any, near: Any, published: Published, name: str) -> None:
    g = golden("laion_htsat_fusion")
    model = published(
        g,
        laion.recipe(g.about, toml),
        family="laion",
        compat='name = "fusion"',
        seed=g.about["rng_seed_for_crops"],
    )
    # "corner480300": longer than the window by less than a frame
    wave = g.waves["long"][: int(name[6:])] if name.startswith("corner") else g.waves[name]
    near(model.embed_audio([(wave, model.rate_hz)]), g[f"audio_embedding_{name}"])


@pytest.mark.parametrize("name", named("laion_pann", "audio_embedding_((?!noquant).+)"))
def test_laion_pann(golden: Any, toml: Any, near: Any, published: Published, name: str) -> None:
    g = golden("laion_pann")
    model = published(
        g,
        pann.recipe(g, toml),
        family="laion_pann",
        compat='name = "crop", quantise = true, crop = "numpy"',
        seed=g.about["rng_seed_for_crops"],
    )
    near(model.embed_audio([(g.waves[name], model.rate_hz)]), g[f"audio_embedding_{name}"])


@pytest.mark.parametrize("name", msclap.HEARD)
def test_msclap(golden: Any, toml: Any, near: Any, published: Published, name: str) -> None:
    g = golden("ms_clap_2023")
    model = published(
        g,
        msclap.recipe(g, toml, pooling="last"),
        family="msclap",
        compat='name = "crop", channels = "joined", resampler = "sinc", crop = "python", pooling = "last-nonzero"',
        seed=g.about["seed"],
    )
    if name == "stereo":
        spans = re.findall(r"\[(\d+):(\d+)\]", g.said.split("stereo")[1])
        sound = np.stack([g.pcm[int(a) : int(b)] for a, b in spans], axis=1)
    else:
        sound = g.pcm[g.spans[name]]
    near(model.embed_audio([(sound, model.rate_hz)]), unit(g[f"audio_embedding_{name}"]))


@pytest.mark.parametrize("ids", ["text_input_ids", "text_input_ids_with_zero"])
def test_msclaps_sentences(golden: Any, toml: Any, near: Any, published: Published, ids: str) -> None:
    g = golden("ms_clap_2023")
    compat = 'name = "crop", pooling = "last-nonzero"'
    model = published(g, msclap.recipe(g, toml, pooling="last"), family="msclap", compat=compat, seed=0)
    made = model.original.sentences(model.towers, g.tensor(ids), g.tensor("text_attention_mask").bool())
    near(made, unit(g[ids.replace("input_ids", "embedding")]))


@pytest.mark.parametrize(
    ("family", "name"), [(family, name) for family in passt.FAMILIES for name in named(family, "scene_(.+)")]
)
def test_passt(golden: Any, toml: Any, near: Any, published: Published, family: str, name: str) -> None:
    g = golden(family)
    compat = f'name = "scene", hop_s = {passt.long_windows(g)[1]}'
    model = published(g, passt.recipe(g, toml, "both"), family="passt", compat=compat, seed=0)
    near(model.embed_audio([(g.waves[name], model.rate_hz)]), unit(g[f"scene_{name}"]))


def test_a_recipe_names_the_way(golden: Any) -> None:
    ways = {recipes.load(name).compat["name"] for name in recipes.names() if recipes.load(name).compat}
    assert ways == {"crop", "fusion", "scene"}
