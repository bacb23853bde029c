"""The SJTU system of DCASE 2022 against numbers of the original implementation."""

import numpy as np
import pytest
import torch

from hark.audio.window import fit

pytestmark = pytest.mark.golden


@pytest.fixture(scope="module")
def family(golden):
    return golden("sjtu_clap")


@pytest.fixture(scope="module")
def towers(family, toml):
    made = family.about["constructor"]
    rate_hz = made["sample_rate"]
    # The original's front end is made for a rate: 32 ms, every 10 ms, up to 14 kHz, or 8 kHz where there is no more.
    features = {
        "name": "logmel",
        "n_fft": 32 * rate_hz // 1000,
        "hop": 10 * rate_hz // 1000,
        "mels": family["logmel_second"].shape[1],
        "f_min_hz": 50.0,
        "f_max_hz": 14000.0 if rate_hz == 32000 else 8000.0,
    }
    encoder = {
        "name": "cnn14",
        "channels": family.about["cnn14_channels"],
        "dim": made["audio_dim"],
        "classes": 0,
    }
    network = {"model_type": "bert", **family.about["bert_config"]}
    text = {"name": "transformer", "model": "none", "network": network, "pooling": "cls"}
    recipe = f"""
        about = "SJTU"
        dim = {made["shared_dim"]}
        [audio]
        rate_hz = {rate_hz}
        features = {toml(features)}
        encoder = {toml(encoder)}
        head = {{ name = "linear" }}
        [text]
        encoder = {toml(text)}
        head = {{ name = "linear" }}
    """
    return family.towers(recipe, family="sjtu")


@pytest.fixture(scope="module")
def rows(family):
    """The batch, its rows padded with silence, and their lengths."""
    waves = [family.waves[name] for name in sorted(family.waves, key=int)]
    assert [len(wave) for wave in waves] == family["wave_length"].tolist()
    longest = max(map(len, waves))
    return torch.from_numpy(np.stack([fit(wave, longest, short="zeros") for wave in waves])), waves


def test_log_mel(family, towers, rows):
    image = towers.image(torch.from_numpy(rows[1][1])[None])[0, 0]
    np.testing.assert_allclose(image, family["logmel_second"], atol=0.02, rtol=0)


def test_the_window_and_mel_bank_that_are_left_out_are_ours(family, towers, near):
    saved = torch.load(family.checkpoint(), weights_only=True)["state_dict"]
    near(towers.features.window, saved["audio_encoder.melspec_extractor.spectrogram.window"], tolerance=1e-6)
    # torchaudio makes its bank in 32 bits, we in 64
    near(towers.features.bank.T, saved["audio_encoder.melspec_extractor.mel_scale.fb"], tolerance=1e-5)


def test_a_padded_batch(family, towers, rows, near):
    frames = torch.from_numpy(family["wave_length"]) // towers.features.config.hop + 1
    heard = towers.audio_encoder.hear(towers.image(rows[0]), frames=frames)
    near(heard.embedding, family["clip_emb"])
    near(torch.nn.functional.normalize(towers.audio_head(heard.embedding), dim=-1), family["audio_emb"])
    assert heard.logits is None


def test_a_row_alone(family, towers, rows, near):
    near(towers.audio(torch.from_numpy(rows[1][1])[None]), family["audio_emb_second_alone"])


def test_text(family, towers, near):
    near(towers.text(family.tensor("input_ids"), family.tensor("attention_mask")), family["text_emb"])


def test_temperature(family, towers, near):
    near(towers.log_scale.exp(), family["logit_scale"], tolerance=1e-5)
