"""ClipCap's mapper (Mokady et al. 2021, section 3.2), as MS-CLAP's captioner has it: one vector becomes a prefix.

It hears the sound's vector (`take = "vector"`); where there are several, their mean. See `hark.models.mapper`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hark.models import mapper
from hark.models.captioning.memory import Memory


@dataclass(frozen=True)
class Config:
    """MS-CLAP's sizes; `tokens` is what the sound's vector becomes, `prefix` how many places stand before the words.

    `width` is that of the language model's embeddings. `normalise` brings the vector to length 1 first.
    """

    width: int = 768
    tokens: int = 40
    prefix: int = 40
    layers: int = 8
    heads: int = 8
    mlp_ratio: float = 2.0
    normalise: bool = True

    def __post_init__(self) -> None:
        self.sized(dim=1)  # says what is wrong

    def sized(self, *, dim: int) -> mapper.Config:
        """The mapper from a space of `dim`."""
        return mapper.Config(
            dim=dim, width=self.width, heard=self.tokens, prefix=self.prefix, layers=self.layers, heads=self.heads,
            mlp_ratio=self.mlp_ratio, normalise=self.normalise,
        )  # fmt: skip

    def build(self, *, heard: int) -> Prefix:
        """The encoder of vectors of `heard` numbers."""
        return Prefix(self, heard=heard)


class Prefix(nn.Module):
    """Vectors (batch, steps, heard) -> a memory of `prefix` places, as many for every sound."""

    def __init__(self, config: Config, *, heard: int) -> None:
        super().__init__()
        self.dim = config.width
        self.mapper = config.sized(dim=heard).build()

    def forward(self, frames: Tensor, lengths: Tensor) -> Memory:
        """(batch, steps, heard), (batch,) -> the memory."""
        places = self.mapper(Memory(frames, lengths).mean())
        return Memory(places, torch.full_like(lengths, places.shape[1]))
