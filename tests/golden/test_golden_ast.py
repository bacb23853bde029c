"""AST against numbers made by the original implementation."""

from pathlib import Path

import numpy as np
import pytest
import torch
from plain_kernels import images, within

pytestmark = pytest.mark.golden


def front(g) -> dict:
    norm, sizes = g.about["norm"], g.about["constructor"]
    assert norm["rule"] == "(x-mean)/(2*std)"
    return {
        "name": "kaldi_fbank",
        "window": "hanning",
        "mels": sizes["input_fdim"],
        "subtract_mean": True,
        "mean": norm["mean"],
        "scale": 2 * norm["std"],
        "frames": sizes["input_tdim"],
    }


@pytest.fixture
def g(golden):
    return golden("ast")


@pytest.fixture
def towers(g, toml):
    sizes, vit = g.about["constructor"], g.about["vit"]
    encoder = {
        "name": "ast",
        "frame_stride": sizes["tstride"],
        "mel_stride": sizes["fstride"],
        "frames": sizes["input_tdim"],
        "width": vit["embed_dim"],
        "depth": vit["depth"],
        "heads": vit["num_heads"],
        "hidden": int(vit["embed_dim"] * vit["mlp_ratio"]),
        "classes": sizes["label_dim"],
        "eps": vit["layer_norm_eps"],
    }
    audio = {"rate_hz": g.rate_hz, "features": front(g), "encoder": encoder, "head": {"name": "identity"}}
    source = f"about = 'AST'\ndim = {vit['embed_dim']}\naudio = {toml(audio)}\n"
    return g.towers(source, family="ast")


@pytest.fixture
def heard(g, tmp_path: Path) -> dict[str, np.ndarray]:
    """The normalised images, by their wave's name."""
    return images(front(g), g.waves, rate_hz=g.rate_hz, folder=tmp_path)


def test_front_end(g, heard, tmp_path: Path) -> None:
    raw = images({**front(g), "mean": 0.0, "scale": 1.0, "frames": None}, g.waves, rate_hz=g.rate_hz, folder=tmp_path)
    for name in g.waves:
        rows = within(g.about["arrays"][f"fbank_{name}"]["what"], "rows")
        assert np.abs(heard[name][rows] - g[f"fbank_{name}"]).max() <= 1e-4
        assert len(raw[name]) == g[f"frames_{name}"]
        if f"fbank_raw_{name}" in g.arrays:
            assert np.abs(raw[name] - g[f"fbank_raw_{name}"]).max() <= 1e-4


def test_frames_are_counted(g, towers) -> None:
    for name, wave in g.waves.items():
        assert towers.features.count(len(wave)) == g[f"frames_{name}"]


def test_embeddings_and_logits(g, towers, heard, near) -> None:
    for name in g.waves:
        found = towers.audio_encoder.hear(torch.from_numpy(heard[name])[None, None])
        near(found.embedding, g[f"features_{name}"])
        near(found.logits, g[f"logits_{name}"])


def test_from_the_wave(g, towers, near) -> None:
    for name, wave in g.waves.items():
        found = towers.hear(torch.from_numpy(wave)[None])
        near(found.embedding, g[f"features_{name}"])
        near(found.logits, g[f"logits_{name}"])
