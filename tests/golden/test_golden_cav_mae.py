"""The hearing half of CAV-MAE, pretrained and fine-tuned, against numbers made by the original implementation.

Its contrastive loss (`nce_*`) is compared where the other losses are.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from plain_kernels import images, within

from hark.models.audio.cav_mae import positions

pytestmark = pytest.mark.golden

MODES = {"audioonly": "audio", "missingaudioonly": "both"}


def front(g) -> dict:
    norm = g.about["norm"]
    assert norm["rule"].startswith("(x-mean)/std ")
    return {
        "name": "kaldi_fbank",
        "window": "hanning",
        "subtract_mean": True,
        "mean": norm["mean"],
        "scale": norm["std"],
        "frames": g.about["constructor"]["audio_length"],
    }


def towers(g, toml, **encoder):
    sizes = g.about["constructor"]
    encoder = {
        "name": "cav_mae",
        "frames": sizes["audio_length"],
        "width": sizes["embed_dim"],
        "depth": sizes["modality_specific_depth"],
        "shared_depth": 12 - sizes["modality_specific_depth"],
        "heads": sizes["num_heads"],
        "classes": sizes.get("label_dim", 0),
        "learn_positions": sizes["tr_pos"],
        **encoder,
    }
    audio = {"rate_hz": g.rate_hz, "features": front(g), "encoder": encoder, "head": {"name": "identity"}}
    source = f"about = 'CAV-MAE'\ndim = {sizes['embed_dim']}\naudio = {toml(audio)}\n"
    return g.towers(source, family="cav_mae")


@pytest.fixture
def heard(golden, tmp_path: Path) -> dict[str, np.ndarray]:
    """The normalised images, by their wave's name; the fine-tuned network's are the same."""
    g = golden("cav_mae")
    assert front(golden("cav_mae_ft")) == front(g)
    return images(front(g), g.waves, rate_hz=g.rate_hz, folder=tmp_path)


def test_front_end(golden, heard) -> None:
    g = golden("cav_mae")
    for name in g.waves:
        rows = within(g.about["arrays"][f"fbank_{name}"]["what"], "rows")
        assert np.abs(heard[name][rows] - g[f"fbank_{name}"]).max() <= 1e-4


def test_positions(golden, toml, near) -> None:
    g = golden("cav_mae")
    every = within(g.about["arrays"]["pos_embed_a"]["what"], "rows")
    loaded = towers(g, toml).audio_encoder
    near(loaded.positions[0, every], g["pos_embed_a"])
    frames = g.about["constructor"]["audio_length"]
    near(positions(8, frames // 16, g["pos_embed_a"].shape[1])[every], g["pos_embed_a"], tolerance=1e-6)


def test_pretrained(golden, heard, toml, near) -> None:
    g = golden("cav_mae")
    tower = towers(g, toml).audio_encoder
    for name in g.waves:
        image = torch.from_numpy(heard[name])[None, None]
        every = within(g.about["arrays"][f"tokens_{name}"]["what"], "tokens")
        near(tower.tokens(image)[:, every], g[f"tokens_{name}"])
        found = tower.hear(image)
        assert found.logits is None
        near(found.embedding, g[f"audio_mean_{name}"])
        near(F.normalize(found.embedding, dim=-1), g[f"audio_normalised_{name}"])


@pytest.mark.parametrize("mode", MODES)
def test_fine_tuned(golden, heard, toml, near, mode: str) -> None:
    g = golden("cav_mae_ft")
    tower = towers(g, toml, norms=MODES[mode]).audio_encoder
    for name in g.waves:
        found = tower.hear(torch.from_numpy(heard[name])[None, None])
        near(found.logits, g[f"logits_{mode}_{name}"])
        if mode == "audioonly":
            near(found.embedding, g[f"audio_mean_{name}"])


def test_from_the_wave(golden, toml) -> None:
    """Whatever the machine's kernels round (`plain_kernels`), the sound is the same one."""
    g = golden("cav_mae")
    model = towers(g, toml)
    for name, wave in g.waves.items():
        golden_vector = g.tensor(f"audio_normalised_{name}")
        assert F.cosine_similarity(model.audio(torch.from_numpy(wave)[None]), golden_vector).item() > 1 - 1e-6
