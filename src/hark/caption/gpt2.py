"""GPT-2 of transformers as a stepper, with a sound's prefix in front of its words (`hark.models.mapper`).

`Cached` is how captioners decode; `afresh` is what it is compared with.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hark.caption.stepper import Afresh
from hark.models.captioning.decoders.gpt2 import Cached, log_probabilities, must_fit

__all__ = ["Cached", "afresh"]


def afresh(model: Any, prefix: Tensor) -> Afresh:
    """A stepper without a memory: every step computes the prefix and all words again."""

    def ask(clip: Tensor, words: Tensor) -> Tensor:
        embedded = torch.cat([prefix[clip], model.transformer.wte(words)], dim=1)
        must_fit(model, prefix.shape[1], embedded.shape[1])
        hidden = model.transformer(inputs_embeds=embedded, use_cache=False).last_hidden_state
        return log_probabilities(model.lm_head(hidden[:, -1]))

    return Afresh(ask, len(prefix), device=prefix.device)
