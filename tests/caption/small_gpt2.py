"""A GPT-2 in miniature with its tokenizer, as `save_pretrained` writes it; and a captioner that is trained on it."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2Model

SIZES = {"vocab_size": 300, "n_positions": 64, "n_embd": 16, "n_layer": 2, "n_head": 2}
SAID = ["a siren wails", "rain falls on a roof", "a siren in the rain", "the sound of a siren"]

RECIPE = """
about = "CLAPCAP in miniature."
ears = { model = "tiny", take = "vector", weights = "none" }
words = { name = "gpt2", model = "GPT2" }
encoder = { name = "mapper", width = 16, tokens = 3, prefix = 4, layers = 2, heads = 2 }
decoder = { name = "gpt2", model = "GPT2", network = { SIZES } }
decoding = { beams = 2, steps = 8, finished = "stay" }
[[stages]]
name = "words"
epochs = 8
lr = 1e-2
batch = 4
valid_epochs = 4
corpora = [ { corpus = CORPUS, say = ["{caption}"] } ]
valid = [ { corpus = VALID, say = ["{caption}"] } ]
"""


def tokenizer() -> str:
    """A byte-level tokenizer as GPT-2's, its merges learnt from a few sentences."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=SIZES["vocab_size"],
        show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    made.train_from_iterator(SAID, trainer)
    made.add_special_tokens(["<|endoftext|>"])
    return made.to_str()


def save(folder: Path) -> Path:
    """Writes both into a folder."""
    torch.manual_seed(0)
    config = GPT2Config(**SIZES, bos_token_id=0, eos_token_id=0, initializer_range=0.5)
    GPT2Model(config).save_pretrained(folder)
    (folder / "tokenizer.json").write_text(tokenizer())
    return folder
