"""HTS-AT: published sizes, the laws of its input, and transformers' ClapModel mapped into ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from hark import recipe as recipes
from hark.audio.features.fusion_logmel import Config as FusionLogMel
from hark.audio.features.fusion_logmel import thirds
from hark.audio.features.logmel import Config as LogMel
from hark.checkpoints.convert import check_bank
from hark.core import component
from hark.core.errors import SettingError, WeightsError
from hark.core.settings import read
from hark.models import weights
from hark.models.audio.htsat import HTSAT, Config
from hark.models.renames import hf_clap
from hark.models.renames.wavcaps import Config as WavCaps

SMALL: dict[str, Any] = {"width": 8, "depths": (2, 2, 2, 2), "heads": (1, 2, 4, 8), "classes": 5}


def small(**settings: Any) -> HTSAT:
    torch.manual_seed(0)
    tower = Config(**{**SMALL, **settings}).build(mels=64).eval()
    for norm in tower.modules():  # so that every norm has something to say
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2.0)
    return tower


@pytest.fixture(autouse=True)
def _inference() -> Any:
    with torch.inference_mode():
        yield


# Parameters of transformers' ClapAudioModel at the size of the published config.json files.
@pytest.mark.parametrize(
    ("settings", "published"),
    [
        ({}, 27_534_488),
        ({"fusion": True}, 27_549_128),
        ({"width": 128, "depths": (2, 2, 12, 2)}, 67_824_408),
    ],
)
def test_the_published_sizes(settings: Mapping[str, Any], published: int) -> None:
    with torch.device("meta"):
        tower = Config(**settings, classes=0).build(mels=64)
        labels = Config(**settings).build(mels=64)
    count = sum(p.numel() for p in tower.parameters())
    assert count == published
    # One convolution over 2 mel rows and 3 steps for the 527 labels.
    assert sum(p.numel() for p in labels.parameters()) - count == 527 * (tower.dim * 6 + 1)


# LAION-CLAP says 158 million for its tiny model: it counts the STFT's kernels and the mel bank, 1,083,456 numbers.
@pytest.mark.parametrize(
    ("recipe", "millions"),
    [
        ("laion/htsat-tiny", 156.97),
        ("laion/htsat-tiny-fusion", 156.99),
        ("laion/htsat-base", 198.20),
        ("laion/htsat-large", 404.99),
        ("htsat/audioset", 29.96),
        ("wavcaps/htsat-bert", 142.53),
    ],
)
def test_the_published_recipes(recipe: str, millions: float) -> None:
    with torch.device("meta"):
        towers = recipes.load(recipe).build()
    assert sum(p.numel() for p in towers.parameters()) / 1e6 == pytest.approx(millions, abs=0.005)


@pytest.mark.parametrize("frames", [1, 301, 1001, 1024, 1025, 1500, 2500])
@pytest.mark.parametrize("crops", [{}, {"crop_frames": 689, "hop_frames": 344}, {"repeat_short": True}])
def test_any_length_is_heard(frames: int, crops: Mapping[str, Any]) -> None:
    tower = small(**crops)
    image = torch.randn(2, 1, frames, 64)
    heard = tower.hear(image)
    assert heard.embedding.shape == (2, tower.dim)
    assert heard.logits is not None
    assert heard.logits.shape == (2, 5)
    assert heard.frames is not None
    assert heard.frames.shape == (2, 32, tower.dim)
    torch.testing.assert_close(heard.frames.mean(dim=1), heard.embedding)
    assert tower.framewise(image).shape == (2, 32, 5)
    torch.testing.assert_close(tower(image), heard.embedding)


@pytest.mark.parametrize(("channels", "frames"), [(1, 1001), (1, 1400), (4, 1001)])
def test_a_batch_is_its_rows(channels: int, frames: int) -> None:
    tower = small(fusion=True)
    images = torch.randn(3, channels, frames, 64)
    together = tower.hear(images)
    alone = [tower.hear(image[None]) for image in images]
    for index, part in enumerate(together):
        torch.testing.assert_close(part, torch.cat([row[index] for row in alone]), atol=1e-5, rtol=0)


def test_a_long_image_is_the_mean_of_its_crops() -> None:
    tower = small(crop_frames=689, hop_frames=344)
    image = torch.randn(2, 1, 1501, 64)
    heard = tower.hear(image)
    crops = [tower.hear(image[:, :, start : start + 689]) for start in (0, 344, 688)]
    torch.testing.assert_close(heard.embedding, torch.stack([crop.embedding for crop in crops]).mean(dim=0))
    chances = torch.stack([crop.logits.sigmoid() for crop in crops if crop.logits is not None]).mean(dim=0)
    assert heard.logits is not None
    torch.testing.assert_close(heard.logits.sigmoid(), chances)


def test_half_the_image_is_the_crop_where_none_is_set() -> None:
    tower, image = small(), torch.randn(1, 1, 1301, 64)
    crops = [tower(image[:, :, start : start + 650]) for start in (0, 325)]
    torch.testing.assert_close(tower(image), torch.stack(crops).mean(dim=0))


def test_a_short_image_is_repeated_whole() -> None:
    image = torch.randn(1, 1, 300, 64)
    torch.testing.assert_close(small(repeat_short=True)(image), small()(image.repeat(1, 1, 3, 1)))
    assert not torch.allclose(small(repeat_short=True)(image), small()(image))


def test_a_tower_without_classes_has_no_logits() -> None:
    assert small(classes=0).hear(torch.randn(1, 1, 100, 64)).logits is None


def test_fusion_hears_overview_and_stretches() -> None:
    tower = small(fusion=True)
    image = torch.randn(1, 4, 1001, 64)
    swapped = image[:, [0, 2, 1, 3]]
    assert not torch.allclose(tower(image), tower(image[:, :1]))
    assert not torch.allclose(tower(image), tower(swapped))


def test_training_skips_steps_at_random() -> None:
    tower = small(drop_path=0.5).train()
    image = torch.randn(1, 1, 200, 64)
    torch.nn.Module.eval(tower.bn0)
    assert not torch.allclose(tower(image), tower(image))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"depths": [2, 2]}, "depths has 2 numbers, heads 4"),
        ({"width": 90}, "width 90 does not divide by its heads"),
        ({"size": 250}, "an image of 250 does not divide"),
        ({"crop_frames": 0}, "crop_frames is 0"),
    ],
)
def test_bad_settings_are_refused(settings: Mapping[str, Any], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        read(Config, settings, where="test")


def test_mel_bins_must_divide_the_image() -> None:
    with pytest.raises(SettingError, match="does not divide into 60 mel bins"):
        Config().build(mels=60)


@pytest.mark.parametrize("total", range(10, 25))
def test_thirds_are_numpys(total: int) -> None:
    import numpy as np

    parts = np.array_split(np.arange(total - 10 + 1), 3)
    assert [list(part) for part in thirds(total, 10)] == [list(part) if part.size else [0] for part in parts]


def test_a_long_wave_is_an_overview_and_three_stretches() -> None:
    features = FusionLogMel(n_fft=256, hop=80, mels=16, f_max_hz=4000.0, samples=8000).build(rate_hz=8000)
    wave = torch.randn(2, 16000)
    whole = LogMel(n_fft=256, hop=80, mels=16, f_max_hz=4000.0, scale="htk", norm="none").build(rate_hz=8000)(wave)
    image = features(wave)
    assert image.shape == (2, 4, 101, 16)
    for channel, start in zip((1, 2, 3), (17, 51, 84), strict=True):  # 101 starts: 34, 34 and 33
        torch.testing.assert_close(image[:, channel], whole[:, 0, start : start + 101])
    given = features(wave, starts=(0, 30, 100))
    torch.testing.assert_close(given[:, 3], whole[:, 0, 100:])
    torch.testing.assert_close(given[:, 0], image[:, 0])
    assert features(wave[:, :8079]).shape == (2, 1, 101, 16)  # longer, but not by a frame
    assert features(wave[:, :8080]).shape == (2, 4, 101, 16)
    assert features(wave[:, :4000]).shape == (2, 1, 51, 16)


def test_a_bank_for_another_rate_lies_higher() -> None:
    settings: dict[str, Any] = {"n_fft": 1024, "hop": 320, "mels": 64, "f_max_hz": 14000.0}
    other = LogMel(**settings, bank_rate_hz=32000).build(rate_hz=44100)
    assert torch.equal(other.bank, LogMel(**settings).build(rate_hz=32000).bank)
    assert other.frames_per_s == 44100 / 320


def test_double_makes_the_front_end_work_in_64_bits() -> None:
    features, wave = LogMel().build(rate_hz=16000), torch.randn(1, 16000)
    found = features.double()(wave)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found.float(), LogMel().build(rate_hz=16000)(wave), atol=1e-3, rtol=0)


def clap(folder: Path, *, fusion: bool) -> Any:
    """A random ClapModel with fitting settings, saved."""
    from transformers import ClapConfig, ClapModel

    torch.manual_seed(1)
    config = ClapConfig(
        text_config={
            "vocab_size": 50,
            "hidden_size": 24,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 48,
            "max_position_embeddings": 80,
        },
        audio_config={
            "patch_embeds_hidden_size": 8,
            "depths": [2, 2, 2, 2],
            "num_attention_heads": [1, 2, 4, 8],
            "hidden_size": 64,
            "enable_fusion": fusion,
            "fusion_type": "aff_2d" if fusion else None,
        },
        projection_dim=20,
    )
    model = ClapModel(config).eval()
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(tensor.uniform_(0.5, 1.5) if name.endswith("running_var") else torch.randn_like(tensor) * 0.1)
    model.save_pretrained(folder)
    return model


@pytest.mark.parametrize("fusion", [False, True])
def test_transformers_clap_is_ours(tmp_path: Path, fusion: bool) -> None:
    with torch.inference_mode(False), torch.no_grad():
        theirs = clap(tmp_path, fusion=fusion)
    toml = hf_clap.recipe(json.loads((tmp_path / "config.json").read_text()))
    ours = recipes.parse(toml, name="test").build()
    table = component.config("models.renames", {"name": "hf_clap"}, where="test").build()
    weights.fill(ours, table.apply(load_file(tmp_path / "model.safetensors"), where="test"), where="test")
    ours.eval()

    ids = torch.randint(3, 50, (3, 9))
    mask = torch.ones_like(ids)
    ids[1, 5:], mask[1, 5:] = 1, 0
    sentences = theirs.get_text_features(input_ids=ids, attention_mask=mask).pooler_output
    torch.testing.assert_close(ours.text(ids, mask), F.normalize(sentences, dim=-1), atol=1e-4, rtol=0)

    image = torch.randn(2, 4 if fusion else 1, 1001, 64) * 10.0
    for longer in (False, True) if fusion else (False,):
        seen = image if longer or not fusion else image[:, :1]
        sounds = theirs.get_audio_features(input_features=image, is_longer=torch.tensor([[longer]] * 2)).pooler_output
        found = F.normalize(ours.audio_head(ours.audio_encoder(seen)), dim=-1)
        torch.testing.assert_close(found, F.normalize(sounds, dim=-1), atol=1e-4, rtol=0)
    torch.testing.assert_close(ours.log_scale, theirs.logit_scale_a)


@pytest.mark.parametrize("fusion", [False, True])
def test_transformers_preprocessor_is_our_front_end(fusion: bool) -> None:
    from transformers import ClapFeatureExtractor

    preprocessor = ClapFeatureExtractor(
        frequency_min=50, frequency_max=14000, truncation="fusion" if fusion else "rand_trunc"
    )
    config = {"model_type": "clap", "audio_config": {"enable_fusion": fusion}}
    spec = recipes.parse(hf_clap.recipe(config, preprocessor.to_dict()), name="test").audio
    assert spec.samples == 480_000
    assert spec.short == "repeat-whole"
    features = component.config("audio.features", spec.features, where="test").build(rate_hz=spec.rate_hz)
    wave = torch.randn(spec.samples)
    theirs = preprocessor(wave.numpy(), sampling_rate=spec.rate_hz, return_tensors="pt")["input_features"]
    torch.testing.assert_close(features(wave[None])[0, 0], theirs[0, 0].float(), atol=0.02, rtol=0)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"model_type": "clip"}, "a CLAP"),
        ({"model_type": "clap", "audio_config": {"patch_stride": [2, 2]}}, "patch_stride is"),
        ({"model_type": "clap", "audio_config": {"fusion_type": "channel_map"}}, "fusion_type is 'channel_map'"),
        ({"model_type": "clap", "projection_hidden_act": "gelu"}, "projection_hidden_act is 'gelu'"),
    ],
)
def test_another_network_is_refused(config: Mapping[str, Any], said: str) -> None:
    with pytest.raises(WeightsError, match=said):
        hf_clap.recipe(config)


@pytest.mark.parametrize("name", ["laion/htsat-tiny", "laion/htsat-tiny-fusion"])
def test_the_bank_in_a_file_with_fusion_is_not_heard_with(name: str) -> None:
    """LAION-CLAP makes torchlibrosa's bank in every network; with fusion the image comes from torchaudio's."""
    recipe = recipes.load(name)
    with torch.device("meta"):
        towers = recipe.build()
    towers.features = component.config("audio.features", recipe.audio.features, where=name).build(rate_hz=48000)
    bank = LogMel(n_fft=1024, hop=480, mels=64, f_max_hz=14000.0).build(rate_hz=48000).bank.T
    check_bank({"state_dict": {"module.audio_branch.logmel_extractor.melW": bank}}, towers, where="test")


def test_wavcaps_names_become_ours() -> None:
    theirs = {
        "audio_encoder.audio_enc.audio_feats_extractor.mel_trans.stft.conv_real.weight": torch.zeros(1),
        "audio_encoder.audio_enc.bn0.weight": torch.zeros(64),
        "audio_encoder.audio_enc.layers.0.blocks.1.attn_mask": torch.zeros(1),
        "audio_encoder.audio_enc.head.weight": torch.zeros(1),
        "text_encoder.text_encoder.embeddings.position_ids": torch.zeros(1),
        "text_encoder.text_encoder.embeddings.word_embeddings.weight": torch.zeros(10, 4),
        "audio_proj.2.weight": torch.zeros(1),
        "text_proj.0.bias": torch.zeros(1),
        "temp": torch.tensor(0.05),
    }
    made = WavCaps().build().apply({"model": theirs, "epoch": 3}, where="test")
    assert set(made) == {
        "audio_encoder.bn0.weight",
        "text_encoder.network.embeddings.word_embeddings.weight",
        "audio_head.3.weight",
        "text_head.0.bias",
        "log_scale",
    }
    torch.testing.assert_close(made["log_scale"].exp(), torch.tensor(20.0))
