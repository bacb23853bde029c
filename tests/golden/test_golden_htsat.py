"""The original HTS-AT against its own implementation."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from golden_files import named

from hark.models.towers import Towers

pytestmark = pytest.mark.golden

NAMES = named("htsat_original", "clipwise_((?!infer).+)")


def front_end(about: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """The front end's settings and its rate: "32 kHz, 1024/320, 64 mel, 50-14000"."""
    said = re.search(r"([\d.]+) kHz, (\d+)/(\d+), (\d+) mel, (\d+)-(\d+)", about["constructor"]["config"])
    assert said
    n_fft, hop, mels, low, high = map(int, said.groups()[1:])
    sizes = {"n_fft": n_fft, "hop": hop, "mels": mels}
    return {"name": "logmel", **sizes, "f_min_hz": low, "f_max_hz": high}, round(1000 * float(said[1]))


def recipe(about: dict[str, Any], toml: Callable[[Any], str], **settings: Any) -> str:
    sizes = about["constructor"]
    features, rate_hz = front_end(about)
    encoder = {
        "name": "htsat",
        "width": sizes["embed_dim"],
        "depths": sizes["depths"],
        "heads": sizes["num_heads"],
        "window": sizes["window_size"],
        "size": sizes["spec_size"],
        "patch": sizes["patch_size"],
        "classes": sizes["num_classes"],
        **settings,
    }
    return f"""
        about = "golden"
        dim = {sizes["embed_dim"] * 2 ** (len(sizes["depths"]) - 1)}
        [audio]
        rate_hz = {rate_hz}
        short = "keep"
        features = {toml(features)}
        encoder = {toml(encoder)}
        head = {{ name = "identity" }}
    """


@pytest.fixture(scope="module")
def opened(golden: Any, toml: Any) -> tuple[Any, Towers]:
    g = golden("htsat_original")
    return g, g.towers(recipe(g.about, toml), family="htsat")


def wave(g: Any, name: str) -> torch.Tensor:
    return torch.from_numpy(g.waves[name])[None]


def test_mel(opened: tuple[Any, Towers]) -> None:
    g, towers = opened
    # In 64 bits: the original makes its FFT with a convolution, which rounds otherwise where a band is nearly silent.
    for name in named("htsat_original", "mel_(.+)"):
        step = re.search(r"frames \d*::(\d+)", g.what(f"mel_{name}"))
        mel = copy.deepcopy(towers.features).double()(wave(g, name))[0, 0, :: int(step[1]) if step else 1]
        np.testing.assert_allclose(mel, g[f"mel_{name}"], atol=0.02, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_heard(opened: tuple[Any, Towers], near: Any, name: str) -> None:
    g, towers = opened
    heard = towers.hear(wave(g, name))
    near(heard.logits.sigmoid(), g[f"clipwise_{name}"])
    if f"latent_{name}" in g.arrays:  # of crops the original gives the labels only
        near(heard.embedding, g[f"latent_{name}"])


@pytest.mark.parametrize("name", NAMES)
def test_framewise(opened: tuple[Any, Towers], near: Any, name: str) -> None:
    g, towers = opened
    encoder: Any = towers.audio_encoder
    labels = encoder.framewise(towers.image(wave(g, name)))
    labels = labels.repeat_interleave(encoder.longest // labels.shape[1], dim=1)
    found = re.search(r"rows (\d+)::(\d+)", g.about["arrays"][f"framewise_{name}"]["what"])
    near(labels[:, int(found[1]) :: int(found[2])] if found else labels, g[f"framewise_{name}"])


def test_short_clips_repeated(golden: Any, toml: Any, near: Any) -> None:
    g = golden("htsat_original")
    towers = g.towers(recipe(g.about, toml, repeat_short=True), family="htsat")
    for name in named("htsat_original", "clipwise_infer_mode_(.+)"):
        heard = towers.hear(wave(g, name))
        near(heard.logits.sigmoid(), g[f"clipwise_infer_mode_{name}"])
        near(heard.embedding, g[f"latent_infer_mode_{name}"])
