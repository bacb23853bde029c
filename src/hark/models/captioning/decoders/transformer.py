"""A Transformer decoder (Vaswani et al. 2017, section 3) as SJTU's captioner has it.

The memory goes through a layer, ReLU and a norm first; norms stand behind each part of a layer; the words' vectors and
the last layer are two tables (Xu et al. 2022, table 1; sizes it does not give are those of `wsntxxn/AudioCaption`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hark.models.captioning.memory import Memory
from hark.text.speller import Speller

Kept = tuple[Tensor, Tensor]
"""Keys and values, (rows, heads, places, width / heads)."""


@dataclass(frozen=True)
class Config:
    """The defaults are the two-layer decoder; `heads` None is one for every 64 numbers."""

    width: int = 256
    layers: int = 2
    heads: int | None = None
    mlp_ratio: float = 4.0
    dropout: float = 0.2

    def __post_init__(self) -> None:
        if self.width % 2 or self.width % self.each:
            raise ValueError(f"width is {self.width}, which {self.each} heads cannot share; give an even multiple")

    @property
    def each(self) -> int:
        """How many heads there are."""
        return max(1, self.width // 64) if self.heads is None else self.heads

    def build(self, *, memory: int, speller: Speller) -> Decoder:
        """The decoder of a memory of `memory` numbers a place."""
        return Decoder(self, memory=memory, words=speller.size, start=speller.start)


class Decoder(nn.Module):
    """Memory and words (batch, t) -> logits (batch, t, size)."""

    def __init__(self, config: Config, *, memory: int, words: int, start: int) -> None:
        super().__init__()
        self.config = config
        self.start = start
        self.embed = nn.Embedding(words, config.width)
        self.heard = nn.Sequential(
            nn.Linear(memory, config.width), nn.ReLU(), nn.Dropout(config.dropout), nn.LayerNorm(config.width)
        )
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.classify = nn.Linear(config.width, words, bias=False)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(self, memory: Memory, words: Tensor) -> Tensor:
        """The logits of the word behind each of `words`; none sees what stands behind it."""
        x = self.read(words, first=0)
        heard = self.look(memory)
        real = memory.real()[:, None, None]
        for layer, keys in zip(self.layers, heard, strict=True):
            x, _ = layer(x, keys, real)
        logits: Tensor = self.classify(x)
        return logits

    def stepper(self, memory: Memory) -> Cached:
        """Says the same word by word."""
        return Cached(self, memory)

    def read(self, words: Tensor, *, first: int) -> Tensor:
        """The words' vectors (batch, t, width) with their places, counted from `first`, added."""
        width, share = self.config.width, self.config.dropout
        vectors = F.dropout(self.embed(words), share, self.training) * math.sqrt(width)
        made = vectors + positions(first, words.shape[1], width).to(vectors)
        return F.dropout(made, share, self.training)

    def look(self, memory: Memory) -> list[Kept]:
        """What each layer looks at."""
        heard = self.heard(memory.places)
        return [layer.look(heard) for layer in self.layers]  # type: ignore[operator]


class Layer(nn.Module):
    """The words look at those before them, then at the memory, then each goes through two layers with ReLU."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        width, inner = config.width, int(config.width * config.mlp_ratio)
        self.heads, self.share = config.each, config.dropout
        self.words = nn.Linear(width, 3 * width)  # queries, keys, values
        self.words_out = nn.Linear(width, width)
        self.asks = nn.Linear(width, width)
        self.answers = nn.Linear(width, 2 * width)  # keys, values
        self.answers_out = nn.Linear(width, width)
        self.wide = nn.Linear(width, inner)
        self.narrow = nn.Linear(inner, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))

    def forward(self, x: Tensor, heard: Kept, real: Tensor, before: Kept | None = None) -> tuple[Tensor, Kept]:
        """(batch, t, width) -> the same shape, and the words' keys and values; `before` are those of words before."""
        queries, keys, values = (self._split(y) for y in self.words(x).chunk(3, dim=-1))
        if before is not None:
            keys, values = torch.cat([before[0], keys], dim=2), torch.cat([before[1], values], dim=2)
        mixed = self._attend(queries, keys, values, causal=before is None)
        x = self.norms[0](x + self._drop(self.words_out(mixed)))
        mixed = self._attend(self._split(self.asks(x)), *heard, real=real)
        x = self.norms[1](x + self._drop(self.answers_out(mixed)))
        inner = self.narrow(self._drop(F.relu(self.wide(x))))
        return self.norms[2](x + self._drop(inner)), (keys, values)

    def look(self, heard: Tensor) -> Kept:
        """The memory's keys and values."""
        keys, values = self.answers(heard).chunk(2, dim=-1)
        return self._split(keys), self._split(values)

    def _attend(
        self, queries: Tensor, keys: Tensor, values: Tensor, *, causal: bool = False, real: Tensor | None = None
    ) -> Tensor:
        share = self.share if self.training else 0.0
        made = F.scaled_dot_product_attention(
            queries, keys, values, attn_mask=real, dropout_p=share, is_causal=causal and queries.shape[2] > 1
        )
        return made.transpose(1, 2).flatten(2)

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:-1], self.heads, -1).transpose(1, 2)

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.share, self.training)


class Cached:
    """Keeps every layer's keys and values: a step computes the one word that is new."""

    def __init__(self, decoder: Decoder, memory: Memory) -> None:
        self.decoder = decoder
        self.heard = decoder.look(memory)
        self.real = memory.real()[:, None, None]
        self.kept: list[Kept] | None = None
        self.said = 0

    def first(self) -> Tensor:
        """See `hark.caption.stepper.Stepper`."""
        return self._next(torch.full((len(self.real),), self.decoder.start, device=self.real.device))

    def step(self, words: Tensor, rows: Tensor) -> Tensor:
        """See `hark.caption.stepper.Stepper`."""
        assert self.kept is not None
        if not torch.equal(rows, torch.arange(len(self.real), device=rows.device)):  # selecting copies all of it
            self.heard = [(keys[rows], values[rows]) for keys, values in self.heard]
            self.kept = [(keys[rows], values[rows]) for keys, values in self.kept]
            self.real = self.real[rows]
        return self._next(words)

    def _next(self, words: Tensor) -> Tensor:
        x = self.decoder.read(words[:, None], first=self.said)
        kept = []
        for number, (layer, heard) in enumerate(zip(self.decoder.layers, self.heard, strict=True)):
            x, mine = layer(x, heard, self.real, None if self.kept is None else self.kept[number])
            kept.append(mine)
        self.kept = kept
        self.said += 1
        logits: Tensor = self.decoder.classify(x[:, 0])
        return logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(dim=-1)


def positions(first: int, count: int, width: int) -> Tensor:
    """(count, width): sines and cosines of the places `first`, `first` + 1, ... (Vaswani et al. 2017, section 3.5)."""
    places = torch.arange(first, first + count, dtype=torch.float32)[:, None]
    rates = torch.exp(torch.arange(0, width, 2, dtype=torch.float32) * (-math.log(10000.0) / width))
    return torch.stack([(places * rates).sin(), (places * rates).cos()], dim=-1).flatten(1)
