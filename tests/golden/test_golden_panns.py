"""PANNs against numbers of the original implementation: Cnn14 and Wavegram_Logmel_Cnn14."""

import copy
import re

import numpy as np
import pytest
import torch

from hark.audio.window import fit

pytestmark = pytest.mark.golden

FAMILIES = ("panns_cnn14", "panns_wavegram_logmel_cnn14")


@pytest.fixture(scope="module", params=FAMILIES)
def family(request, golden):
    return golden(request.param)


@pytest.fixture(scope="module")
def image_settings(family):
    made = family.about["constructor"]
    return {
        "n_fft": made["window_size"],
        "hop": made["hop_size"],
        "mels": made["mel_bins"],
        "f_min_hz": float(made["fmin"]),
        "f_max_hz": float(made["fmax"]),
    }


@pytest.fixture(scope="module")
def towers(family, image_settings, toml):
    made, sizes = family.about["constructor"], family.about["channels"]
    encoder = {
        "name": "cnn14",
        "channels": sizes["conv_blocks"],
        "dim": sizes["fc1"],
        "classes": made["classes_num"],
    }
    features = {"name": "logmel", **image_settings}
    if "pre_conv0" in sizes:
        wave = [sizes[name] for name in ("pre_conv0", "pre_block1", "pre_block2", "pre_block3", "pre_block4")]
        encoder |= {"name": "wavegram_cnn14", "wave_channels": wave}
        encoder |= {"rate_hz": made["sample_rate"], "logmel": image_settings}
        features = {"name": "waveform"}
    recipe = f"""
        about = "Cnn14"
        dim = {sizes["fc1"]}
        [audio]
        rate_hz = {made["sample_rate"]}
        features = {toml(features)}
        encoder = {toml(encoder)}
        head = {{ name = "identity" }}
    """
    return family.towers(recipe, family="panns")


def front_end(towers):
    return getattr(towers.audio_encoder, "logmel", towers.features)


def wave(family, name):
    """The wave of a name as the arrays have it; "short_zeropadded" is filled with silence."""
    which, _, padded = name.partition("_")
    if not padded:
        return torch.from_numpy(family.waves[which])[None]
    samples = int(re.search(r"to (\d+) samples", family.about["arrays"][f"embedding_{name}"]["what"])[1])
    return torch.from_numpy(fit(family.waves[which], samples, short="zeros"))[None]


def named(family, kind):
    return [name.removeprefix(f"{kind}_") for name in family.arrays if name.startswith(f"{kind}_")]


def test_log_mel(family, towers):
    assert named(family, "mel")
    for name in named(family, "mel"):
        image = copy.deepcopy(front_end(towers)).double()(wave(family, name))[0, 0]  # see LAION's test
        step = re.search(r"frames 0::(\d+)", family.about["arrays"][f"mel_{name}"]["what"])
        np.testing.assert_allclose(image[:: int(step[1]) if step else 1], family[f"mel_{name}"], atol=0.02, rtol=0)


def test_the_mel_bank_that_is_left_out_is_ours(family, towers, near):
    saved = torch.load(family.checkpoint(), weights_only=True)["model"]
    near(front_end(towers).bank.T, saved["logmel_extractor.melW"], tolerance=1e-6)


def test_embeddings_and_tags(family, towers, near):
    assert set(named(family, "embedding")) == set(named(family, "clipwise"))
    assert named(family, "embedding")
    for name in named(family, "embedding"):
        heard = towers.hear(wave(family, name))
        near(heard.embedding, family[f"embedding_{name}"])
        near(heard.logits.sigmoid(), family[f"clipwise_{name}"])
        torch.testing.assert_close(towers.audio_encoder(towers.image(wave(family, name))), heard.embedding)


def test_the_wavegram(golden, family, towers, near):
    arrays = [name for name in family.arrays if name.startswith("wavegram_")]
    for name in arrays:
        wavegram, heard = towers.audio_encoder.wavegram, wave(family, name.rsplit("_", 1)[1])
        near(wavegram.line(heard) if "pre_block3" in name else wavegram(heard), family[name])
    assert bool(arrays) == hasattr(towers.audio_encoder, "wavegram")
