"""GPT-2 (Radford et al. 2019) with a sound's prefix in front of its words; it does not learn (Mokady et al. 2021, 3.2).

What stands in front of the words is the memory itself, so its places must be as wide as GPT-2's embeddings, and as
many for every sound (the encoder `mapper`). The first word has nothing but the prefix before it: no start is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hark.core.errors import SettingError, WeightsError
from hark.core.fetch import offline
from hark.models.captioning.memory import Memory
from hark.text.speller import Speller

SMALL: Mapping[str, Any] = {"vocab_size": 50257, "n_positions": 1024, "n_embd": 768, "n_layer": 12, "n_head": 12}


@dataclass(frozen=True)
class Config:
    """`network` are its sizes, as in config.json; `model` is what training begins with (`Decoder.begin`).

    `model` is a name on the hub or a folder that `save_pretrained` wrote, or None: random weights. With `learns` GPT-2
    is trained as well (section 3.1 of ClipCap's paper).
    """

    model: str | None = "openai-community/gpt2"
    network: Mapping[str, Any] = field(default_factory=lambda: dict(SMALL))
    learns: bool = False

    def build(self, *, memory: int, speller: Speller) -> Decoder:
        """The decoder, with random weights.

        Raises SettingError for sizes that do not fit each other.
        """
        from transformers import GPT2Config, GPT2Model

        ends = {"bos_token_id": speller.stop, "eos_token_id": speller.stop}
        try:
            network = GPT2Model(GPT2Config(**{**ends, **self.network}))
        except (TypeError, ValueError, AttributeError) as error:
            raise SettingError(f"decoder gpt2: its network cannot be built ({_reason(error)})") from None
        width, words = network.config.n_embd, network.config.vocab_size
        if memory != width:
            raise SettingError(
                f"decoder gpt2: its words have {width} numbers, the encoder's places {memory}; make both equal"
            )
        if speller.size > words:
            raise SettingError(
                f"decoder gpt2: knows {words} words, its speller {speller.size}; take the tokenizer of '{self.model}'"
            )
        return Decoder(self, network)


class Decoder(nn.Module):
    """Memory and words (batch, t) -> logits (batch, t, size). It is always in eval mode unless it learns."""

    def __init__(self, config: Config, network: Any) -> None:
        super().__init__()
        self.settings = config
        self.config = network.config
        self.transformer = network
        self.requires_grad_(config.learns)
        self.train(self.training)

    def train(self, mode: bool = True) -> Decoder:
        """What is frozen has no dropout."""
        super().train(mode and self.settings.learns)
        return self

    def begin(self) -> None:
        """Takes the published weights of `model`.

        Raises WeightsError where they cannot be found or do not fit.
        """
        from transformers import GPT2Model
        from transformers.utils import logging

        model = self.settings.model
        if model is None:
            return
        logging.disable_progress_bar()  # its bar would break into ours
        folder = Path(model).expanduser()
        try:
            pretrained = GPT2Model.from_pretrained(
                str(folder) if folder.is_dir() else model, use_safetensors=True, dtype=torch.float32,
                trust_remote_code=False, local_files_only=offline(),
            )  # fmt: skip
            self.transformer.load_state_dict(pretrained.state_dict(), strict=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise WeightsError(
                f"decoder gpt2: '{model}' cannot be loaded ({_reason(error)}); give a folder with config.json and "
                "model.safetensors, or a name on the hub, and its sizes as network"
            ) from None

    def lm_head(self, hidden: Tensor) -> Tensor:
        """(..., width) -> logits (..., size), by the table that the words are read with."""
        return F.linear(hidden, self.transformer.wte.weight)

    def forward(self, memory: Memory, words: Tensor) -> Tensor:
        """The logits of the word behind each of `words`, of which the first, the start, is not read."""
        prefix = memory.places
        must_fit(self, prefix.shape[1], prefix.shape[1] + words.shape[1] - 1)
        embedded = torch.cat([prefix, self.transformer.wte(words[:, 1:])], dim=1)
        hidden = self.transformer(inputs_embeds=embedded, use_cache=False).last_hidden_state
        return self.lm_head(hidden[:, prefix.shape[1] - 1 :])

    def stepper(self, memory: Memory) -> Cached:
        """Says the same word by word."""
        return Cached(self, memory.places)


class Speaks(Protocol):
    """`Decoder`, and transformers' GPT2LMHeadModel."""

    config: Any
    transformer: Any
    lm_head: Callable[[Tensor], Tensor]


class Cached:
    """A stepper that keeps every layer's keys and values: a step computes the one word that is new.

    `prefix` (clips, places, width) stands in front of the words. The model must be in eval mode to say the same twice.
    A step raises SettingError where prefix and words are more than the model has places for.
    """

    def __init__(self, model: Any, prefix: Tensor) -> None:
        from transformers import DynamicCache

        self.model = cast(Speaks, model)
        self.prefix = prefix
        self.cache = DynamicCache(config=self.model.config)

    def first(self) -> Tensor:
        """See `hark.caption.stepper.Stepper`."""
        return self._next(self.prefix)

    def step(self, words: Tensor, rows: Tensor) -> Tensor:
        """See `hark.caption.stepper.Stepper`."""
        held = len(self.cache.layers[0].keys)
        if not torch.equal(rows, torch.arange(held, device=rows.device)):  # selecting copies all of it
            self.cache.batch_select_indices(rows)
        return self._next(self.model.transformer.wte(words)[:, None])

    def _next(self, embedded: Tensor) -> Tensor:
        must_fit(self.model, self.prefix.shape[1], self.cache.get_seq_length() + embedded.shape[1])
        said = self.model.transformer(inputs_embeds=embedded, past_key_values=self.cache, use_cache=True)
        return log_probabilities(self.model.lm_head(said.last_hidden_state[:, -1]))


def log_probabilities(logits: Tensor) -> Tensor:
    """(rows, words) -> the same shape; in 32 bits at least, as scores are sums of them."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(dim=-1)


def must_fit(model: Any, prefix: int, places: int) -> None:
    """Raises SettingError where a prefix and the words behind it need more places than the model has."""
    most = int(model.config.n_positions)
    if places > most:
        left = most - prefix + 1  # the last word is said, not read
        raise SettingError(
            f"the language model has {most} places, {prefix} for the sound; ask for at most {left} words"
        )


def _reason(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
