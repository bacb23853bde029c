"""AST as Hugging Face keeps it: a folder with `config.json` and `model.safetensors`, and the recipe it asks for.

`MIT/ast-finetuned-audioset-10-10-0.4593` is the original's `audioset_0.4593.pth`, with three matrices for queries, keys
and values where there was one, and smaller layer norms' eps.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hark.core.errors import WeightsError
from hark.models.rename import Table

_PARTS = re.compile(r"\.(query|key|value)\.")

MODEL_TYPE = "audio-spectrogram-transformer"  # what config.json calls it


@dataclass(frozen=True)
class Config:
    """Files of `ASTModel` and `ASTForAudioClassification`."""

    def build(self) -> Table:
        """The table."""
        return Table(
            rules=(
                (r"^audio_spectrogram_transformer\.", ""),
                (r"^embeddings\.patch_embeddings\.projection\.", "patches."),
                (r"^embeddings\.position_embeddings$", "positions"),
                (r"^embeddings\.cls_token$", "cls_token"),
                (r"^embeddings\.distillation_token$", "dist_token"),
                (r"^encoder\.layer\.", "blocks."),
                (r"\.attention\.attention\.", "."),
                (r"\.attention\.output\.dense\.", ".proj."),
                (r"\.intermediate\.dense\.", ".fc1."),
                (r"\.output\.dense\.", ".fc2."),
                (r"\.layernorm_before\.", ".norm1."),
                (r"\.layernorm_after\.", ".norm2."),
                (r"^layernorm\.", "norm."),
                (r"^classifier\.layernorm\.", "tagger.0."),
                (r"^classifier\.dense\.", "tagger.1."),
                (r"^", "audio_encoder."),
            ),
            after=_join,
        )


def _join(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """One matrix for queries, keys and values; where one of the three is missing, none, so that loading says so."""
    whole = {name: tensor for name, tensor in tensors.items() if not _PARTS.search(name)}
    for name in tensors:
        parts = [name.replace(".query.", f".{part}.") for part in ("query", "key", "value")]
        if ".query." in name and all(part in tensors for part in parts):
            whole[name.replace(".query.", ".qkv.")] = torch.cat([tensors[part] for part in parts])
    return whole


def recipe(config: Mapping[str, Any], preprocessor: Mapping[str, Any] | None = None) -> str:
    """A recipe's TOML for the network that `config` describes (config.json, read).

    `preprocessor` is preprocessor_config.json, read: the front end's mean, deviation, rate; without it AudioSet's.
    What either leaves out has Hugging Face's default.

    Raises WeightsError where it is no AST, or one that hark has no tower for.
    """
    kind = config.get("model_type")
    if kind != "audio-spectrogram-transformer":
        raise WeightsError(f"config.json: model_type is {kind!r}; 'audio-spectrogram-transformer' is wanted")
    for name, wanted in {"hidden_act": "gelu", "qkv_bias": True}.items():
        if config.get(name, wanted) != wanted:
            raise WeightsError(f"config.json: {name} is {config[name]!r}; hark's AST knows {wanted!r} only")
    sound = {"sampling_rate": 16000, "mean": -4.2677393, "std": 4.5689974, "do_normalize": True, **(preprocessor or {})}
    tags = "ASTForAudioClassification" in (config.get("architectures") or ())
    labels = config.get("id2label") or range(config.get("num_labels", 2))
    width, frames, eps = (
        config.get("hidden_size", 768),
        config.get("max_length", 1024),
        config.get("layer_norm_eps", 1e-12),
    )
    rate_hz = sound["sampling_rate"]
    size, hop = int(rate_hz * 0.025), int(rate_hz * 0.01)  # of Kaldi's frames
    tables = {
        "audio": {
            "rate_hz": rate_hz,
            "window_s": (size + (frames - 1) * hop) / rate_hz,
            "short": "keep",
            "least_s": size / rate_hz,
        },
        "audio.features": {
            "name": "kaldi_fbank",
            "mels": config.get("num_mel_bins", 128),
            "window": "hanning",
            "mean": float(sound["mean"]) if sound["do_normalize"] else 0.0,
            "scale": 2.0 * sound["std"] if sound["do_normalize"] else 1.0,
            "frames": frames,
        },
        "audio.encoder": {
            "name": "ast",
            "patch": config.get("patch_size", 16),
            "frame_stride": config.get("time_stride", 10),
            "mel_stride": config.get("frequency_stride", 10),
            "frames": frames,
            "width": width,
            "depth": config.get("num_hidden_layers", 12),
            "heads": config.get("num_attention_heads", 12),
            "hidden": config.get("intermediate_size", 3072),
            "classes": len(labels) if tags else 0,
            "eps": float(eps),
            "tagger_eps": float(eps),
        },
        "audio.head": {"name": "identity"},
    }
    lines = ['about = "AST from a Hugging Face folder: tags of sounds, and their embeddings."', f"dim = {width}"]
    lines.append('compat = { name = "crop", crop = "first" }')  # of a longer sound the extractor keeps the first frames
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"
