"""LAION-CLAP with HTS-AT, without and with feature fusion, against the original implementation."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from golden_files import named
from plain_kernels import images

from hark import recipe as recipes
from hark.audio.features.fusion_logmel import FusionLogMel, thirds
from hark.audio.window import fit
from hark.core.types import Wave
from hark.models.towers import Towers

pytestmark = pytest.mark.golden

NAMES = named("laion_htsat", "mel_(.+)")
FUSED = named("laion_htsat_fusion", "mel_stack_(.+)")


def front_end(about: dict[str, Any]) -> dict[str, Any]:
    audio, fusion = about["constructor"]["audio_cfg"], about["constructor"]["enable_fusion"]
    return {
        "name": "fusion_logmel" if fusion else "logmel",
        "n_fft": audio["window_size"],
        "hop": audio["hop_size"],
        "mels": audio["mel_bins"],
        "f_min_hz": float(audio["fmin"]),
        "f_max_hz": float(audio["fmax"]),
        **({"samples": audio["clip_samples"]} if fusion else {}),
    }


def recipe(about: dict[str, Any], toml: Callable[[Any], str], *, antialias: bool = False) -> str:
    audio, sizes, fusion = about["constructor"]["audio_cfg"], about["htsat"], about["constructor"]["enable_fusion"]
    features = front_end(about) | ({"antialias": antialias} if fusion else {})
    encoder = {
        "name": "htsat",
        "width": sizes["embed_dim"],
        "depths": sizes["depths"],
        "heads": sizes["num_heads"],
        "window": sizes["window_size"],
        "size": sizes["spec_size"],
        "patch": sizes["patch_size"],
        "classes": sizes["num_classes"],
        "fusion": fusion,
    }
    text = about["constructor"]["text_cfg"]
    reader = {
        "name": "transformer",
        "model": "no/tokenizer",
        "network": {"model_type": text["model_type"], **about["roberta_config"]},
        "pooling": "pooler",
        "max_tokens": text["context_length"],
    }
    return f"""
        about = "golden"
        dim = {about["constructor"]["joint_embed_shape"]}
        branches = {{ name = "mlp", dropout = 0.1 }}
        [audio]
        rate_hz = {audio["sample_rate"]}
        window_s = {audio["clip_samples"] / audio["sample_rate"]}
        short = "repeat-whole"
        features = {toml(features)}
        encoder = {toml(encoder)}
        head = {{ name = "mlp" }}
        [text]
        encoder = {toml(reader)}
        head = {{ name = "mlp" }}
    """


@pytest.fixture(scope="module")
def plain(golden: Any, toml: Any) -> tuple[Any, Towers]:
    g = golden("laion_htsat")
    return g, g.towers(recipe(g.about, toml), family="laion")


@pytest.fixture(scope="module")
def fused(golden: Any, toml: Any) -> tuple[Any, Towers]:
    g = golden("laion_htsat_fusion")
    return g, g.towers(recipe(g.about, toml), family="laion")


def quantised(wave: Wave) -> Wave:
    """As the original stores every wave: 16 bits, cut towards zero."""
    return (np.clip(wave, -1.0, 1.0) * 32767.0).astype(np.int16).astype(np.float32) / np.float32(32767.0)


def steps(g: Any, name: str) -> slice:
    """Which rows an array holds, as its description says: "frames 0::5", or all."""
    found = re.search(r"(?:frames|rows) (\d+)::(\d+)", g.about["arrays"][name]["what"])
    return slice(int(found[1]), None, int(found[2])) if found else slice(None)


def window(g: Any, name: str, *, quantise: bool = True) -> torch.Tensor:
    """What the original hears of a wave without fusion: quantised, then repeated or cropped at the recorded start."""
    samples = g.about["constructor"]["audio_cfg"]["clip_samples"]
    wave = g.waves[name]
    wave = quantised(wave) if quantise else wave
    start = int(g["crop_start_long"]) if len(wave) > samples else 0
    return torch.from_numpy(fit(wave[start : start + samples], samples, short="repeat-whole"))[None]


def test_crops_start_where_numpys_seed_says(plain: tuple[Any, Towers]) -> None:
    g, _ = plain
    np.random.seed(g.about["rng_seed_for_crops"])  # noqa: NPY002 - the original's own
    left = len(g.waves["long"]) - g.about["constructor"]["audio_cfg"]["clip_samples"]
    assert np.random.randint(0, left + 1) == g["crop_start_long"]  # noqa: NPY002


@pytest.mark.parametrize("name", NAMES)
def test_mel(plain: tuple[Any, Towers], name: str) -> None:
    g, towers = plain
    # The original makes its FFT with a convolution. Where a band is nearly silent beside a loud one, its rounding and
    # that of a 32-bit FFT are more apart than either is from a 64-bit one.
    mel = copy.deepcopy(towers.features).double()(window(g, name))[0, 0, steps(g, f"mel_{name}")]
    np.testing.assert_allclose(mel, g[f"mel_{name}"], atol=0.02, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_heard(plain: tuple[Any, Towers], near: Any, name: str) -> None:
    g, towers = plain
    heard = towers.hear(window(g, name))
    near(heard.embedding, g[f"branch_embedding_{name}"])
    near(heard.logits.sigmoid(), g[f"clipwise_{name}"])
    encoder: Any = towers.audio_encoder
    frames = heard.frames.repeat_interleave(encoder.longest // heard.frames.shape[1], dim=1)
    near(frames[:, steps(g, f"fine_grained_{name}")], g[f"fine_grained_{name}"])
    near(towers.audio_head(heard.embedding), g[f"projected_{name}"])


@pytest.mark.parametrize("name", NAMES)
def test_audio_embedding(plain: tuple[Any, Towers], near: Any, name: str) -> None:
    g, towers = plain
    near(towers.audio(window(g, name)), g[f"audio_embedding_{name}"])


@pytest.mark.parametrize("name", named("laion_htsat", "audio_embedding_noquant_(.+)"))
def test_audio_embedding_without_the_step_to_16_bits(plain: tuple[Any, Towers], near: Any, name: str) -> None:
    g, towers = plain
    near(towers.audio(window(g, name, quantise=False)), g[f"audio_embedding_noquant_{name}"])
    with pytest.raises(AssertionError, match="off by"):  # the step is no detail: the tolerance tells
        near(towers.audio(window(g, name)), g[f"audio_embedding_noquant_{name}"])


def test_text(plain: tuple[Any, Towers], near: Any) -> None:
    g, towers = plain
    ids, mask = g.tensor("text_input_ids"), g.tensor("text_attention_mask")
    pooled = towers.text_encoder(ids, mask)
    near(pooled, g["text_pooler_output"])
    assert towers.text_head is not None
    near(towers.text_head(pooled), g["text_projected"])
    near(towers.text(ids, mask), g["text_embedding"])


def test_branches_and_scales(plain: tuple[Any, Towers], near: Any) -> None:
    g, towers = plain
    given = re.search(r"audio_transform\((\w+)\)", g.what("audio_transform_out"))
    near(towers.audio_branch(g.tensor(given[1])), g["audio_transform_out"])
    near(towers.text_branch(g.tensor("text_embedding")), g["text_transform_out"])
    near(towers.log_scale.exp(), g["logit_scale_a_exp"])
    near(towers.branch_log_scale.exp(), g["logit_scale_t_exp"])


# loss_*: tests/golden of the losses.


def test_starts_are_where_numpys_seed_says(fused: tuple[Any, Towers]) -> None:
    g, towers = fused
    frames = len(g.waves["long"]) // g.about["constructor"]["audio_cfg"]["hop_size"] + 1
    assert frames == g["total_frames_long"]
    features: Any = towers.features
    np.random.seed(g.about["rng_seed_for_crops"])  # noqa: NPY002 - the original's own
    starts = [np.random.choice(list(third)) for third in thirds(frames, features.frames)]  # noqa: NPY002
    assert starts == list(g["chunk_starts_long"])


def whole(g: Any, name: str) -> Wave:
    """What the original makes the mel of with fusion: a wave up to the window repeated, a longer one as it is."""
    wave, samples = quantised(g.waves[name]), g.about["constructor"]["audio_cfg"]["clip_samples"]
    return wave if len(wave) > samples else fit(wave, samples, short="repeat-whole")


def starts_of(g: Any) -> tuple[int, int, int]:
    front, middle, back = (int(start) for start in g["chunk_starts_long"])
    return front, middle, back


def image(g: Any, towers: Towers, name: str) -> torch.Tensor:
    """What the network sees of a wave: (1, 1 or 4, frames, mels)."""
    assert isinstance(towers.features, FusionLogMel)
    return towers.features(torch.from_numpy(whole(g, name))[None], starts=starts_of(g))


def embedded(towers: Towers, seen: torch.Tensor) -> torch.Tensor:
    return F.normalize(towers.audio_head(towers.audio_encoder(seen)), dim=-1)


def test_fusion_mel(toml: Any, fused: tuple[Any, Towers], tmp_path: Path) -> None:
    g, towers = fused
    rate_hz = g.about["constructor"]["audio_cfg"]["sample_rate"]
    waves = {name: whole(g, name) for name in FUSED}
    unfused = front_end(g.about) | {"samples": 2 * max(map(len, waves.values()))}
    # Here the original's FFT is the one we have, so that with the same kernels the numbers are the same.
    made = images(unfused, waves, rate_hz=rate_hz, folder=tmp_path)
    assert isinstance(towers.features, FusionLogMel)
    smooth = recipes.parse(recipe(g.about, toml, antialias=True), name="antialias").build().features
    assert isinstance(smooth, FusionLogMel)
    for name in FUSED:
        mel = torch.from_numpy(made[name])[None, None]
        stack = towers.features.fuse(mel, starts_of(g))[0]
        assert (len(stack) == 4) == g[f"longer_{name}"].item()
        stack = stack[:, steps(g, f"mel_stack_{name}")].squeeze(0)
        np.testing.assert_allclose(stack, g[f"mel_stack_{name}"], atol=0.02, rtol=0)
    overview = smooth.fuse(torch.from_numpy(made["long"])[None, None])[0, 0]
    overview = overview[steps(g, "mel_shrink_antialias_long")]
    np.testing.assert_allclose(overview, g["mel_shrink_antialias_long"], atol=0.02, rtol=0)


@pytest.mark.parametrize("name", FUSED)
def test_fusion(fused: tuple[Any, Towers], near: Any, name: str) -> None:
    g, towers = fused
    seen = image(g, towers, name)
    near(towers.audio_encoder(seen), g[f"branch_embedding_{name}"])
    near(embedded(towers, seen), g[f"audio_embedding_{name}"])
    if seen.shape[1] == 1:  # the whole way, as a window goes it
        near(towers.audio(torch.from_numpy(whole(g, name))[None]), g[f"audio_embedding_{name}"])


def test_fusion_of_a_batch_is_that_of_its_rows(fused: tuple[Any, Towers], near: Any) -> None:
    g, towers = fused
    batch = next(name for name in g.arrays if name.startswith("audio_embedding_batch_"))
    names = batch.removeprefix("audio_embedding_batch_").split("_")
    rows = [embedded(towers, image(g, towers, name)) for name in names]  # one kind in a batch
    near(torch.cat(rows), g[batch])


def test_fusion_antialiased(golden: Any, toml: Any, near: Any) -> None:
    g = golden("laion_htsat_fusion")
    towers = g.towers(recipe(g.about, toml, antialias=True), family="laion")
    near(embedded(towers, image(g, towers, "long")), g["audio_embedding_antialias_long"])


def test_fusion_of_a_wave_that_is_longer_by_less_than_a_frame(fused: tuple[Any, Towers], near: Any) -> None:
    g, towers = fused
    name = next(name for name in g.arrays if name.startswith("longer_corner"))
    samples = name.removeprefix("longer_corner")
    wave = quantised(g.waves["long"][: int(samples)])
    seen = towers.image(torch.from_numpy(wave)[None])
    assert (seen.shape[1] == 4) == g[name].item()
    near(embedded(towers, seen), g[f"audio_embedding_corner{samples}"])


def test_every_array_is_compared(golden: Any) -> None:
    """Of the kinds that are compared here, no array is of a sound that is not."""
    for family, names in (("laion_htsat", NAMES), ("laion_htsat_fusion", FUSED)):
        kinds = "mel|mel_stack|branch_embedding|clipwise|fine_grained|projected|longer"
        found = {match[1] for name in golden(family).arrays if (match := re.fullmatch(f"(?:{kinds})_(.+)", name))}
        assert {name for name in found if not name.startswith(("corner", "stack_", "shrink_"))} == set(names)
