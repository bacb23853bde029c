"""Gated recurrent units in both directions over the frames (Xu et al. 2022, SJTU at DCASE 2022, table 1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from hark.models.captioning.memory import Memory


@dataclass(frozen=True)
class Config:
    """The report's sizes; the dropout, between layers, is that of its code (`wsntxxn/AudioCaption`)."""

    width: int = 256
    layers: int = 3
    dropout: float = 0.5

    def build(self, *, heard: int) -> BiGru:
        """The encoder of frames of `heard` numbers."""
        return BiGru(self, heard=heard)


class BiGru(nn.Module):
    """Frames (batch, steps, heard) -> a memory of as many places; what is behind a row's length does not count."""

    def __init__(self, config: Config, *, heard: int) -> None:
        super().__init__()
        self.dim = 2 * config.width
        between = config.dropout if config.layers > 1 else 0.0
        self.gru = nn.GRU(
            heard, config.width, num_layers=config.layers, dropout=between, batch_first=True, bidirectional=True
        )

    def forward(self, frames: Tensor, lengths: Tensor) -> Memory:
        """(batch, steps, heard), (batch,) -> the memory."""
        if bool((lengths == frames.shape[1]).all()):  # the same, without packing
            return Memory(self.gru(frames)[0], lengths)
        # The package wants the lengths where the arithmetic is not; rows need not be sorted.
        packed = pack_padded_sequence(frames, lengths.cpu(), batch_first=True, enforce_sorted=False)
        places, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True, total_length=frames.shape[1])
        return Memory(torch.as_tensor(places), lengths)
