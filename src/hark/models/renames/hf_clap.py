"""CLAP in transformers' form: a folder with config.json, preprocessor_config.json and model.safetensors.

    recipe(config, preprocessor)   what config.json and preprocessor_config.json say, as a recipe
    Config().build()               the table for the tensors

transformers keeps queries, keys and values apart and has neither LAION-CLAP's loss branches nor HTS-AT's labels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hark.core.errors import WeightsError
from hark.models.rename import Table, Tensors

MODEL_TYPE = "clap"  # what config.json calls it


@dataclass(frozen=True)
class Config:
    """Reads a ClapModel: 'laion/clap-htsat-unfused', 'laion/clap-htsat-fused', 'laion/larger_clap_*' on the hub."""

    def build(self) -> Table:
        """The table."""
        return Table(rules=RULES, after=_join)


RULES: tuple[tuple[str, str | None], ...] = (
    # They follow from the sizes: 0, 1, 2, ..., zeros, and the windows' relative positions.
    (r"^text_model\.embeddings\.(position_ids|token_type_ids)$", None),
    (r"relative_position_index$", None),
    (r"^logit_scale_t$", None),  # LAION-CLAP's for the loss branches, which transformers leaves out
    (r"^logit_scale_a$", "log_scale"),
    (r"^text_model\.", "text_encoder.network."),
    (r"^(audio|text)_projection\.linear1\.", r"\1_head.0."),
    (r"^(audio|text)_projection\.linear2\.", r"\1_head.3."),
    (r"^audio_model\.audio_encoder\.", "audio_encoder."),
    (r"^audio_encoder\.batch_norm\.", "audio_encoder.bn0."),
    (r"^(audio_encoder\..*)\.layernorm_before\.", r"\1.norm1."),
    (r"^(audio_encoder\..*)\.layernorm_after\.", r"\1.norm2."),
    (r"^(audio_encoder\..*)\.attention\.self\.", r"\1.attn."),
    (r"^(audio_encoder\..*)\.attention\.output\.dense\.", r"\1.attn.proj."),
    (r"^(audio_encoder\..*)\.intermediate\.dense\.", r"\1.mlp.fc1."),
    (r"^(audio_encoder\..*)\.output\.dense\.", r"\1.mlp.fc2."),
)


def _join(tensors: Tensors) -> dict[str, Tensor]:
    """Queries, keys and values of the audio tower one below the other."""
    made: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name.startswith("audio_encoder.") and ".attn.query." in name:
            keys, values = (tensors.get(name.replace(".query.", f".{part}.")) for part in ("key", "value"))
            if keys is not None and values is not None:  # where one is missing, loading says that qkv is
                made[name.replace(".query.", ".qkv.")] = torch.cat([tensor, keys, values])
        elif not (name.startswith("audio_encoder.") and (".attn.key." in name or ".attn.value." in name)):
            made[name] = tensor
    return made


# What config.json leaves out is transformers' default (ClapAudioConfig, ClapTextConfig, ClapFeatureExtractor); where
# the published files differ from the class (50 Hz instead of 0), it is theirs.
_AUDIO = {
    "patch_embeds_hidden_size": 96,
    "depths": [2, 2, 6, 2],
    "num_attention_heads": [4, 8, 16, 32],
    "window_size": 8,
    "mlp_ratio": 4.0,
    "spec_size": 256,
    "patch_size": 4,
    "enable_fusion": False,
    "num_mel_bins": 64,
}
_TEXT = {
    "vocab_size": 50265,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "max_position_embeddings": 514,
    "type_vocab_size": 1,
    "layer_norm_eps": 1e-12,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
}
_SOUND = {
    "sampling_rate": 48000,
    "fft_window_size": 1024,
    "hop_length": 480,
    "frequency_min": 50,
    "frequency_max": 14000,
    "max_length_s": 10,
    "padding": "repeatpad",
}
_SHORT = {"repeatpad": "repeat-whole", "repeat": "repeat", "pad": "zeros"}
# Settings that no tensor's shape tells; the tower has them fixed.
_FIXED = {
    "hidden_act": ("gelu",),
    "projection_hidden_act": ("relu",),
    "patch_stride": (4, [4, 4]),
    "fusion_type": (None, "aff_2d", "None"),
    "layer_norm_eps": (1e-5,),
    "enable_patch_layer_norm": (True,),
}


def recipe(
    config: Mapping[str, Any],
    preprocessor: Mapping[str, Any] | None = None,
    *,
    tokenizer: str = "FacebookAI/roberta-base",
) -> str:
    """A recipe's TOML for what config.json and preprocessor_config.json say; `tokenizer` is a folder or hub name.

    Raises WeightsError where this is no CLAP, or one whose audio tower is none of ours.
    """
    if config.get("model_type") != "clap":
        raise WeightsError(f"config.json: model_type is {config.get('model_type')!r}; a CLAP ('clap') is wanted")
    said = config.get("audio_config") or {}
    for name, known in _FIXED.items():
        found = said.get(name, config.get(name, known[0]) if name.startswith("projection") else known[0])
        if (list(found) if isinstance(found, tuple) else found) not in known:
            raise WeightsError(f"config.json: audio_config.{name} is {found!r}; hark's HTS-AT has {known[0]!r} only")
    audio = {**_AUDIO, **{key: value for key, value in said.items() if key in _AUDIO}}
    text = {**_TEXT, **{key: value for key, value in (config.get("text_config") or {}).items() if key in _TEXT}}
    sound = {**_SOUND, **{key: value for key, value in (preprocessor or {}).items() if key in _SOUND}}
    fused = bool(audio["enable_fusion"])
    if sound["padding"] not in _SHORT:
        raise WeightsError(f"preprocessor_config.json: padding is {sound['padding']!r}; known: {', '.join(_SHORT)}")
    features = {
        "name": "fusion_logmel" if fused else "logmel",
        "n_fft": sound["fft_window_size"],
        "hop": sound["hop_length"],
        "mels": audio["num_mel_bins"],
        "f_min_hz": float(sound["frequency_min"]),
        "f_max_hz": float(sound["frequency_max"]),
    }
    if fused:
        features["samples"] = sound["max_length_s"] * sound["sampling_rate"]
    encoder = {
        "name": "htsat",
        "width": audio["patch_embeds_hidden_size"],
        "depths": audio["depths"],
        "heads": audio["num_attention_heads"],
        "window": audio["window_size"],
        "mlp_ratio": float(audio["mlp_ratio"]),
        "size": audio["spec_size"],
        "patch": audio["patch_size"],
        "classes": 0,
        "fusion": fused,
    }
    reader = {
        "name": "transformer",
        "model": tokenizer,
        "network": {"model_type": "roberta", **text},
        "pooling": "pooler",
        "max_tokens": 77,
    }
    about = f"CLAP from transformers' form{', with feature fusion' if fused else ''}."
    # transformers' extractor hears what LAION-CLAP's own code hears, without its step to 16 bits.
    compat: dict[str, Any] = {"name": "crop", "crop": "numpy"}
    if fused:
        compat = {"name": "fusion", "quantise": False, "alone_is_long": True}
    tables = {
        "": {"about": about, "dim": config.get("projection_dim", 512), "compat": compat},
        "[audio]": {
            "rate_hz": sound["sampling_rate"],
            "window_s": float(sound["max_length_s"]),
            "hop_s": float(sound["max_length_s"]),
            "short": _SHORT[sound["padding"]],
            "clip": "whole" if fused else "mean",
        },
        "[audio.features]": features,
        "[audio.encoder]": encoder,
        "[audio.head]": {"name": "mlp"},
        "[text.encoder]": reader,
        "[text.head]": {"name": "mlp"},
    }
    blocks = ("\n".join((head, *(f"{k} = {_toml(v)}" for k, v in table.items()))) for head, table in tables.items())
    return "\n\n".join(blocks).lstrip() + "\n"


def _toml(value: Any) -> str:
    """A number, string, list or table as TOML, in one line."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(v)}" for key, v in value.items() if v is not None) + " }"
    return json.dumps(value)
