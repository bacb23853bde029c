"""Folders that transformers' `save_pretrained` wrote load by their path, and agree with transformers to 1e-4."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    ASTConfig,
    ASTFeatureExtractor,
    ASTForAudioClassification,
    ASTModel,
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
)

import hark
from hark.core.errors import WeightsError

WORDS = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 4, "dog": 5, "rain": 6, "barks": 7}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARK_CACHE", str(tmp_path / "cache"))


def drawn(model: torch.nn.Module) -> None:
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(torch.rand_like(tensor) + 0.5 if name.endswith("_var") else torch.randn_like(tensor) * 0.1)


def clap(folder: Path, *, fusion: bool) -> tuple[ClapModel, ClapFeatureExtractor]:
    """A random ClapModel and its extractor, saved as the published ones are."""
    torch.manual_seed(0)
    text = {
        "vocab_size": 8,
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "max_position_embeddings": 90,
    }
    audio = {
        "patch_embeds_hidden_size": 8,
        "depths": [1, 1, 1, 1],
        "num_attention_heads": [1, 2, 2, 4],
        "hidden_size": 64,
        "enable_fusion": fusion,
        "fusion_type": "aff_2d" if fusion else None,
    }
    theirs = ClapModel(ClapConfig(text_config=text, audio_config=audio, projection_dim=12)).eval()
    drawn(theirs)
    theirs.save_pretrained(folder)
    truncation = "fusion" if fusion else "rand_trunc"
    extractor = ClapFeatureExtractor(frequency_min=50, truncation=truncation, padding="repeatpad")
    extractor.save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel(WORDS, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    tokenizer.save(str(folder / "tokenizer.json"))
    return theirs, extractor


def noise(samples: int) -> NDArray[np.float32]:
    """Noise that changes as it goes on, so that it matters which stretch is heard."""
    shape = np.linspace(0.0, 1.0, samples) * np.sin(np.arange(samples) / 9000.0)
    return (np.random.default_rng(samples).standard_normal(samples) * 0.2 * shape).astype(np.float32)


def heard(theirs: ClapModel, extractor: ClapFeatureExtractor, waves: list[NDArray[np.float32]]) -> torch.Tensor:
    """What transformers makes of sounds, at unit length."""
    with torch.inference_mode():
        seen = extractor(waves, sampling_rate=48000, return_tensors="pt")
        return F.normalize(theirs.get_audio_features(**seen).pooler_output, dim=-1)


def test_clap(tmp_path: Path) -> None:
    folder = tmp_path / "clap"
    theirs, extractor = clap(folder, fusion=False)
    ours = hark.load(str(folder))
    assert (ours.name, ours.dim, ours.rate_hz) == ("clap", 12, 48000)
    waves = [noise(n) for n in (480_000, 130_000)]
    with torch.inference_mode():
        ids = torch.tensor([[0, 4, 5, 7, 2], [0, 6, 2, 1, 1]])
        sentences = theirs.get_text_features(input_ids=ids, attention_mask=(ids != 1).long()).pooler_output
    made = ours.embed_audio([(wave, 48000) for wave in waves])
    np.testing.assert_allclose(made, heard(theirs, extractor, waves), atol=1e-4)
    np.testing.assert_allclose(ours.embed_text(["a dog barks", "rain"]), F.normalize(sentences, dim=-1), atol=1e-4)


@pytest.mark.parametrize("seconds", [17, 31])
def test_a_long_sound_is_fused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """transformers draws where the three stretches begin; with lots that fall on the middles it hears what we hear."""
    theirs, extractor = clap(tmp_path / "clap", fusion=True)
    wave = noise(seconds * 48000)
    monkeypatch.setattr(np.random, "choice", lambda starts: starts[len(starts) // 2])
    found = hark.load(str(tmp_path / "clap")).embed_audio([(wave, 48000)])
    np.testing.assert_allclose(found, heard(theirs, extractor, [wave]), atol=1e-4)


@pytest.mark.parametrize("fusion", [False, True])
@pytest.mark.parametrize("samples", [100_000, 480_000, 480_200, 17 * 48000])
def test_the_originals_way_is_transformers(tmp_path: Path, fusion: bool, samples: int) -> None:
    """One sound at a time, with the same lots; with fusion a short sound that comes alone counts as a long one."""
    theirs, extractor = clap(tmp_path / "clap", fusion=fusion)
    wave = noise(samples)
    found = hark.load(str(tmp_path / "clap"), compat="published", seed=5).embed_audio([(wave, 48000)])
    np.random.seed(5)  # noqa: NPY002 - transformers' own
    np.testing.assert_allclose(found, heard(theirs, extractor, [wave]), atol=1e-4)


def test_ast(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = ASTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, max_length=128, num_labels=5
    )
    theirs = ASTForAudioClassification(config).eval()
    drawn(theirs)
    folder = tmp_path / "ast"
    theirs.save_pretrained(folder)
    ours = hark.load(str(folder))
    wave = (np.random.default_rng(1).standard_normal(16000).astype(np.float32) * 0.1, 16000)
    with torch.inference_mode():
        image = ours.towers.image(torch.from_numpy(wave[0])[None])  # front ends are compared elsewhere
        out = theirs(input_values=image[:, 0])
    found = ours.hear(wave)
    assert found.logits is not None
    np.testing.assert_allclose(found.logits, out.logits, atol=1e-4)


@pytest.mark.filterwarnings("ignore:At least one mel filter has all zero values")  # the extractor's, at its defaults
def test_the_originals_way_with_ast_is_transformers(tmp_path: Path) -> None:
    """Of a sound past the longest image the extractor keeps the beginning."""
    theirs = ASTModel(
        ASTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, max_length=128)
    ).eval()
    drawn(theirs)
    theirs.save_pretrained(tmp_path / "ast")
    extractor = ASTFeatureExtractor(max_length=128)
    extractor.save_pretrained(tmp_path / "ast")
    wave = noise(48000)
    with torch.inference_mode():
        seen = extractor(wave, sampling_rate=16000, return_tensors="pt")
        wanted = F.normalize(theirs(**seen).pooler_output, dim=-1)
    found = hark.load(str(tmp_path / "ast"), compat="published").embed_audio([(wave, 16000)])
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    assert np.abs(hark.load(str(tmp_path / "ast")).embed_audio([(wave, 16000)]) - found).max() > 1e-3


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "wav2vec2"}')
    with pytest.raises(WeightsError, match="a folder of 'wav2vec2'; hark reads audio-spectrogram-transformer, clap"):
        hark.load(str(tmp_path))
    (tmp_path / "config.json").write_text('{"model_type": "clap"}')
    with pytest.raises(WeightsError, match="no weights in it"):
        hark.load(str(tmp_path))
