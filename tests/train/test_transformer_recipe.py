"""A recipe whose words come from a Hugging Face folder: trained, saved, and loaded where that folder is gone."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizerFast

from hark import recipe as recipes
from hark.runtime.load import load
from hark.train.run import run

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "siren", "rain", "sound", "the", "of"]

RECIPE = """
about = "For tests."
dim = 12
[audio]
rate_hz = 16000
window_s = 0.5
features = {{ name = "logmel", n_fft = 256, hop = 256, mels = 16 }}
encoder = {{ name = "mobilenet", width = 0.25 }}
head = {{ name = "linear" }}
[text]
encoder = {{ name = "transformer", model = "{folder}", pooling = "cls" }}
head = {{ name = "mlp", hidden = 8 }}
[[stages]]
name = "only"
steps = 3
batch = 6
warmup = 1
[[stages.corpora]]
corpus = {{ name = "synth", clips = 8, duration_s = 0.6, kinds = ["siren", "rain"] }}
"""


def test_a_model_needs_its_folder_only_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARK_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "bert"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    torch.manual_seed(0)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(WORDS), **size)).save_pretrained(folder)
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)

    steps = list(run(recipes.parse(RECIPE.format(folder=folder), name="small"), data=Path(), out=tmp_path / "run"))
    assert len(steps) == 3
    with_folder = load(str(tmp_path / "run")).embed_text(["the sound of rain", "siren"])
    shutil.rmtree(folder)
    without = load(str(tmp_path / "run")).embed_text(["the sound of rain", "siren"])
    assert without.shape == (2, 12)
    np.testing.assert_array_equal(without, with_folder)
