"""A captioner's encoder and decoder together."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from hark.models.captioning.memory import Memory


class Network(nn.Module):
    """Frames (batch, steps, heard) of sounds, of which `lengths` (batch,) are real, into words."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def memory(self, frames: Tensor, lengths: Tensor) -> Memory:
        """What the decoder looks at."""
        memory: Memory = self.encoder(frames, lengths)
        return memory

    def forward(self, frames: Tensor, lengths: Tensor, words: Tensor) -> Tensor:
        """Words (batch, t), the first one the start -> logits (batch, t, size) of the word behind each."""
        logits: Tensor = self.decoder(self.memory(frames, lengths), words)
        return logits

    def stepper(self, memory: Memory) -> Any:
        """Says the same word by word: a `hark.caption.stepper.Stepper`; in eval mode the same every time."""
        return self.decoder.stepper(memory)  # type: ignore[operator]
