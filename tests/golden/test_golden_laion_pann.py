"""LAION-CLAP with a Cnn14 against numbers of the original implementation."""

import copy
import re

import numpy as np
import pytest
import torch

from hark.audio.window import fit

pytestmark = pytest.mark.golden


@pytest.fixture(scope="module")
def family(golden):
    return golden("laion_pann")


@pytest.fixture(scope="module")
def sound(family):
    return family.about["constructor"]["audio_cfg"]


def recipe(family, toml):
    made, sound = family.about["constructor"], family.about["constructor"]["audio_cfg"]
    features = {
        "name": "logmel",
        "n_fft": sound["window_size"],
        "hop": sound["hop_size"],
        "mels": sound["mel_bins"],
        "f_min_hz": float(sound["fmin"]),
        "f_max_hz": float(sound["fmax"]),
    }
    encoder = {
        "name": "cnn14",
        "channels": family.about["cnn14_channels"],
        "dim": made["embed_dim"],
        "classes": sound["class_num"],
    }
    network = {"model_type": "roberta", **family.about["roberta_config"]}
    text = {"name": "transformer", "model": "none", "network": network, "pooling": "pooler"}
    return f"""
        about = "LAION-CLAP"
        dim = {made["joint_embed_shape"]}
        branches = {{ name = "mlp", dropout = 0.1 }}
        [audio]
        rate_hz = {sound["sample_rate"]}
        window_s = {sound["clip_samples"] / sound["sample_rate"]}
        short = "repeat-whole"
        features = {toml(features)}
        encoder = {toml(encoder)}
        head = {{ name = "mlp" }}
        [text]
        encoder = {toml(text)}
        head = {{ name = "mlp" }}
    """


@pytest.fixture(scope="module")
def towers(family, toml):
    return family.towers(recipe(family, toml), family="laion_pann")


def quantised(wave):
    """As a wave of 16 bits and back, cut towards 0."""
    return (np.clip(wave, -1.0, 1.0) * 32767.0).astype(np.int16).astype(np.float32) / 32767.0


def filled(wave, sound):
    return torch.from_numpy(fit(wave, sound["clip_samples"], short="repeat-whole"))[None]


def named(family, kind):
    return [name.removeprefix(f"{kind}_") for name in family.arrays if name.startswith(f"{kind}_")]


def unpadded(family, name):
    """The wave of an array of unpadded sound: "short[:60000]" in what is said of it."""
    which, samples = re.search(r"(\w+)\[:(\d+)\]", family.about["arrays"][f"branch_embedding_{name}"]["what"]).groups()
    return torch.from_numpy(quantised(family.waves[which][: int(samples)]))[None]


def every(family, array):
    """The subsampling of an array: 64 of "rows 0::64"."""
    found = re.search(r"0::(\d+)", family.about["arrays"][array]["what"])
    return int(found[1]) if found else 1


def wave(family, sound, name):
    return unpadded(family, name) if "unpadded" in name else filled(quantised(family.waves[name]), sound)


def test_log_mel(family, towers, sound):
    assert named(family, "mel")
    for name in named(family, "mel"):
        image = copy.deepcopy(towers.features).double()(wave(family, sound, name))[0, 0]  # see LAION's test
        np.testing.assert_allclose(image[:: every(family, f"mel_{name}")], family[f"mel_{name}"], atol=0.02, rtol=0)


def test_the_mel_bank_that_is_left_out_is_ours(family, towers, near):
    saved = torch.load(family.checkpoint(), weights_only=True)["state_dict"]
    near(towers.features.bank.T, saved["module.audio_branch.logmel_extractor.melW"], tolerance=1e-6)


def test_what_the_encoder_hears(family, towers, sound, near):
    assert named(family, "branch_embedding")
    for name in named(family, "branch_embedding"):
        near(towers.hear(wave(family, sound, name)).embedding, family[f"branch_embedding_{name}"])
    for name in named(family, "clipwise"):
        near(towers.hear(wave(family, sound, name)).logits.sigmoid(), family[f"clipwise_{name}"])


def test_vectors_over_time(family, towers, sound, near):
    """The original repeats each vector, back to the image's frames."""
    assert named(family, "fine_grained")
    for name in named(family, "fine_grained"):
        frames = towers.hear(wave(family, sound, name)).frames.repeat_interleave(towers.audio_encoder.step, dim=1)
        near(frames[:, :: every(family, f"fine_grained_{name}")], family[f"fine_grained_{name}"])


def test_audio_embeddings(family, towers, sound, near):
    assert named(family, "projected")
    for name in named(family, "projected"):
        near(towers.audio_head(towers.hear(wave(family, sound, name)).embedding), family[f"projected_{name}"])
    for name in named(family, "audio_embedding"):
        if name.startswith("noquant_"):
            unquantised = filled(family.waves[name.removeprefix("noquant_")], sound)
            near(towers.audio(unquantised), family[f"audio_embedding_{name}"])
        else:
            near(towers.audio(wave(family, sound, name)), family[f"audio_embedding_{name}"])


def test_text(family, towers, near):
    ids, mask = family.tensor("text_input_ids"), family.tensor("text_attention_mask")
    pooled = towers.text_encoder(ids, mask)
    near(pooled, family["text_pooler_output"])
    near(towers.text_head(pooled), family["text_projected"])
    near(towers.text(ids, mask), family["text_embedding"])


def test_every_array_is_compared(family):
    """Those of the kinds above are looped over; these are named."""
    text = {"text_input_ids", "text_attention_mask", "text_pooler_output", "text_projected", "text_embedding"}
    assert {name for name in family.arrays if name.startswith("text_")} == text
