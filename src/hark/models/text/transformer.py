"""Any Hugging Face text model as a text tower, pooled by its first token, its mean or its last token."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from hark.core.errors import WeightsError
from hark.text.tokens import Tokens


@dataclass(frozen=True)
class Config:
    """`model` is a name on the hub ("FacebookAI/roberta-base") or a folder that `save_pretrained` wrote.

    `pooling`: "cls" takes the first token (BERT, RoBERTa), "mean" the average of the real tokens (MPNet, MiniLM),
    "last" the last real token (GPT-2).
    """

    model: str
    pooling: Literal["cls", "mean", "last"] = "mean"
    max_tokens: int = 77

    def build(self, *, assets: Mapping[str, str] | None) -> Transformer:
        """The tower: from `assets`, with its weights still to be loaded, or pretrained from `model`.

        Raises WeightsError where the model can be neither found nor read.
        """
        from transformers import AutoConfig, AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()  # its bar would break into ours
        if assets is not None:
            try:
                settings = json.loads(assets["config"])
                network = AutoModel.from_config(AutoConfig.for_model(settings.pop("model_type"), **settings))
                return Transformer(self, network, Tokens(assets["tokenizer"], max_tokens=self.max_tokens))
            except (KeyError, ValueError) as error:
                raise WeightsError(
                    f"text model '{self.model}': what travels with its weights is damaged ({error})"
                ) from None
        source = str(Path(self.model).expanduser()) if Path(self.model).expanduser().is_dir() else self.model
        try:
            # No remote code and no pickle: only safetensors, only architectures that transformers ships.
            network = AutoModel.from_pretrained(source, trust_remote_code=False, use_safetensors=True)
            tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False, use_fast=True)
            tokens = Tokens(tokenizer.backend_tokenizer.to_str(), max_tokens=self.max_tokens)
        except (OSError, ValueError, AttributeError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise WeightsError(
                f"text model '{self.model}' cannot be loaded ({reason}); give a folder with config.json, "
                "tokenizer.json and model.safetensors, or a name on the hub and a network"
            ) from None
        return Transformer(self, network, tokens)


class Transformer(nn.Module):
    """Token numbers (batch, tokens) and their mask -> pooled hidden state (batch, dim)."""

    def __init__(self, config: Config, network: Any, tokens: Tokens) -> None:
        super().__init__()
        self.config = config
        self.network = network
        self.tokens = tokens
        self.dim: int = network.config.hidden_size

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """(batch, tokens) and (batch, tokens) -> (batch, dim)."""
        hidden: Tensor = self.network(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        if self.config.pooling == "cls":
            return hidden[:, 0]
        if self.config.pooling == "last":
            last = mask.long().sum(dim=1) - 1  # rows are padded at their end
            return hidden[torch.arange(len(hidden), device=hidden.device), last]
        share = mask.to(hidden.dtype).unsqueeze(-1)  # (batch, tokens, 1)
        return (hidden * share).sum(dim=1) / share.sum(dim=1)

    def assets(self) -> dict[str, str]:
        """What must travel with the weights."""
        return {"tokenizer": self.tokens.json, "config": self.network.config.to_json_string(use_diff=False)}
