"""Numbers of two originals that the golden folders lack, made from their own sources: MS-CLAP 2022 and WavCaps.

    python tests/golden/own.py --msclap CHECKOUT --wavcaps CHECKOUT

CHECKOUT are those of microsoft/CLAP and XinhaoMei/WavCaps; torchlibrosa has to be there. The originals are built at the
size that they are published with (BERT is a small one), all their weights are drawn by a rule from their names, and
`own.json` keeps the names, the shapes and some of the numbers that come out. So no weights need to be kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import types
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

FILE = Path(__file__).with_suffix(".json")
BERT = {
    "vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
    "max_position_embeddings": 40, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
}  # fmt: skip
IDS = [[2, 17, 5, 33, 41, 3], [2, 8, 3, 0, 0, 0]]
EVERY = 16  # of the numbers, so many apart


def drawn(name: str, shape: Sequence[int]) -> Tensor:
    """The weights of that name: seeded by it, of a size that keeps what goes through the layers near 1."""
    numbers = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(tuple(shape), dtype=np.float32)
    kind = name.rsplit(".", 1)[-1]
    if len(shape) > 1:
        spread = numbers / np.sqrt(np.prod(shape[1:]), dtype=np.float32)
        return torch.from_numpy(spread if "embeddings" in name or "bias_table" in name else 1.4 * spread)
    if kind == "running_var":
        return torch.from_numpy(1.0 + 0.2 * np.abs(numbers))
    if kind == "weight":
        return torch.from_numpy(1.0 + 0.1 * numbers)
    return torch.from_numpy(0.1 * numbers)


def sounds(rate_hz: int, seconds: Sequence[float]) -> list[NDArray[np.float32]]:
    """Sweeps in noise."""
    made = []
    for number, long in enumerate(seconds):
        t = np.arange(round(rate_hz * long)) / rate_hz
        noise = np.random.default_rng(number).standard_normal(len(t))
        made.append((0.3 * np.sin(2 * np.pi * (200 + 150 * t) * t * (1 + number)) + 0.05 * noise).astype(np.float32))
    return made


def is_drawn(name: str, tensor: Tensor, learnt: set[str]) -> bool:
    """Whether the rule gives it: what is learned, and statistics; a temperature stays as published."""
    return (name in learnt and tensor.ndim > 0) or name.endswith(("running_mean", "running_var"))


def _filled(model: torch.nn.Module) -> dict[str, Any]:
    learnt = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    own = model.state_dict()
    told = {name: list(tensor.shape) for name, tensor in own.items() if is_drawn(name, tensor, learnt)}
    kept = {name: list(tensor.shape) for name, tensor in own.items() if name not in told}
    model.load_state_dict({name: drawn(name, shape) for name, shape in told.items()}, strict=False)
    model.eval()
    return {"drawn": told, "others": kept}


def _some(vectors: Tensor) -> list[list[float]]:
    return [[round(float(x), 7) for x in row[::EVERY]] for row in vectors]


def _bert(folder: str) -> None:
    from transformers import BertConfig, BertModel

    BertModel(BertConfig(**BERT), add_pooling_layer=True).save_pretrained(folder)


def msclap(checkout: Path) -> dict[str, Any]:
    """MS-CLAP 2022: the vectors of sounds of 5 s, and of sentences."""
    package = types.ModuleType("msclap")  # its wrapper, which it begins with, wants more than its models
    package.__path__ = [str(checkout / "msclap")]
    sys.modules["msclap"] = package
    from msclap.models.clap import CLAP

    with tempfile.TemporaryDirectory(prefix="bert") as folder:
        _bert(folder)
        model = CLAP("Cnn14", 44100, 1024, 320, 64, 50, 14000, 527, 2048, folder, BERT["hidden_size"], 1024)
    told = _filled(model)
    waves = torch.from_numpy(np.stack(sounds(44100, [5.0, 5.0])))
    ids = torch.tensor(IDS)
    with torch.inference_mode():
        audio = model.audio_encoder(waves)[0]
        text = model.caption_encoder({"input_ids": ids, "attention_mask": (ids != 0).long()})
    return told | {"audio": _some(_unit(audio)), "text": _some(_unit(text))}


def wavcaps(checkout: Path, audio_encoder: str) -> dict[str, Any]:
    """WavCaps with HTS-AT or Cnn14: the vectors of sounds of 10 s, and of sentences."""
    for name in ("wandb", "loguru", "ruamel", "ruamel.yaml", "sentence_transformers"):  # of its tools, not its models
        sys.modules.setdefault(name, types.ModuleType(name))
    sys.modules["loguru"].logger = sys.modules["sentence_transformers"].util = None  # type: ignore[attr-defined]
    sys.modules["ruamel"].yaml = sys.modules["ruamel.yaml"]  # type: ignore[attr-defined]
    sys.path.insert(0, str(checkout / "retrieval"))
    from models.ase_model import ASE

    from models import text_encoder

    with tempfile.TemporaryDirectory(prefix="bert") as folder:
        _bert(folder)
        loaded = text_encoder.BertModel, types.SimpleNamespace(from_pretrained=lambda _: None), BERT["hidden_size"]
        text_encoder.MODELS[folder] = loaded
        kind = "cnn" if audio_encoder == "Cnn14" else "transformer"
        config = {
            "audio_args": {"sr": 32000, "n_fft": 1024, "hop_length": 320, "f_min": 50, "f_max": 14000, "n_mels": 64},
            "audio_encoder_args": {"type": kind, "model": audio_encoder, "pretrained": False, "freeze": False},
            "text_encoder_args": {"type": folder, "freeze": False},
            "training": {"spec_augmentation": True},
            "embed_size": 1024, "temp": 0.07, "embed_regularization": True,
        }  # fmt: skip
        model = ASE(config)
    told = _filled(model)
    waves = torch.from_numpy(np.stack(sounds(32000, [10.0, 10.0])))
    ids = torch.tensor(IDS)
    with torch.inference_mode():
        audio = model.encode_audio(waves)
        encoded = model.text_encoder.text_encoder(input_ids=ids, attention_mask=(ids != 0).long())[0]
        text = _unit(model.text_proj(encoded[:, 0, :]))  # as encode_text does behind its tokenizer
    return told | {"audio": _some(audio), "text": _some(text)}


def _unit(vectors: Tensor) -> Tensor:
    return torch.nn.functional.normalize(vectors, dim=-1)


def main() -> None:
    """Writes the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--msclap", type=Path, required=True)
    parser.add_argument("--wavcaps", type=Path, required=True)
    given = parser.parse_args()
    made: Mapping[str, Any] = {
        "msclap_2022": msclap(given.msclap),
        "wavcaps_htsat": wavcaps(given.wavcaps, "HTSAT"),
        "wavcaps_cnn14": wavcaps(given.wavcaps, "Cnn14"),
    }
    FILE.write_text(json.dumps(made, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
