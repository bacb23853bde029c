"""A gated recurrent unit with additive attention (Bahdanau et al. 2015), as SJTU's captioner has it.

Into each step go the word's vector, what its attention finds in the memory, and the memory's mean (Xu et al. 2022,
table 1; sizes it does not give are those of `wsntxxn/AudioCaption` that make the report's number of parameters).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hark.models.captioning.memory import Memory
from hark.text.speller import Speller


@dataclass(frozen=True)
class Config:
    """The report's width; `embed` is the size of a word's vector, `attend` that of what attention compares."""

    width: int = 512
    embed: int = 512
    attend: int = 512
    dropout: float = 0.2

    def build(self, *, memory: int, speller: Speller) -> Decoder:
        """The decoder of a memory of `memory` numbers a place."""
        return Decoder(self, memory=memory, words=speller.size, start=speller.start)


class Decoder(nn.Module):
    """Memory and words (batch, t) -> logits (batch, t, size)."""

    def __init__(self, config: Config, *, memory: int, words: int, start: int) -> None:
        super().__init__()
        self.config = config
        self.start = start
        self.embed = nn.Embedding(words, config.embed)
        self.attend_state = nn.Linear(config.width, config.attend, bias=False)
        self.attend_heard = nn.Linear(memory, config.attend)
        self.attend = nn.Parameter(torch.randn(config.attend))
        self.found = nn.Linear(memory, config.embed)
        self.whole = nn.Linear(memory, config.embed)
        self.cell = nn.GRUCell(3 * config.embed, config.width)
        self.classify = nn.Linear(config.width, words)
        nn.init.kaiming_uniform_(self.embed.weight)
        for part in (self.attend_state, self.attend_heard, self.found, self.whole, self.classify):
            nn.init.kaiming_uniform_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)

    def forward(self, memory: Memory, words: Tensor) -> Tensor:
        """The logits of the word behind each of `words`."""
        looked = Looked.of(self, memory)
        state = memory.places.new_zeros((len(words), self.config.width))
        vectors = self.read(words)
        states = []
        for place in range(words.shape[1]):
            state = self.move(looked, vectors[:, place], state)
            states.append(state)
        logits: Tensor = self.classify(torch.stack(states, dim=1))
        return logits

    def stepper(self, memory: Memory) -> Cached:
        """Says the same word by word."""
        return Cached(self, memory)

    def read(self, words: Tensor) -> Tensor:
        """The words' vectors (..., embed)."""
        return F.dropout(self.embed(words), self.config.dropout, self.training)

    def move(self, looked: Looked, vectors: Tensor, state: Tensor) -> Tensor:
        """The state (batch, width) behind one more word."""
        scores = torch.tanh(self.attend_state(state)[:, None] + looked.keys) @ self.attend
        weights = scores.masked_fill(~looked.real, -torch.inf).softmax(dim=1)
        found = self.found((weights[:, None] @ looked.places)[:, 0])
        moved: Tensor = self.cell(torch.cat([vectors, found, looked.whole], dim=1), state)
        return moved


@dataclass(frozen=True)
class Looked:
    """What the decoder looks at in every step: the memory, what attention compares of it, and its mean."""

    places: Tensor
    keys: Tensor
    real: Tensor
    whole: Tensor

    @classmethod
    def of(cls, decoder: Decoder, memory: Memory) -> Looked:
        """Made once for a batch."""
        keys, whole = decoder.attend_heard(memory.places), decoder.whole(memory.mean())
        return cls(memory.places, keys, memory.real(), whole)

    def take(self, rows: Tensor) -> Looked:
        """Some of the rows."""
        return Looked(self.places[rows], self.keys[rows], self.real[rows], self.whole[rows])


class Cached:
    """Keeps the state, which is all that a step needs of the words before."""

    def __init__(self, decoder: Decoder, memory: Memory) -> None:
        self.decoder = decoder
        self.looked = Looked.of(decoder, memory)
        self.state = memory.places.new_zeros((len(memory.places), decoder.config.width))

    def first(self) -> Tensor:
        """See `hark.caption.stepper.Stepper`."""
        return self._next(torch.full((len(self.state),), self.decoder.start, device=self.state.device))

    def step(self, words: Tensor, rows: Tensor) -> Tensor:
        """See `hark.caption.stepper.Stepper`."""
        if not torch.equal(rows, torch.arange(len(self.state), device=rows.device)):
            self.looked, self.state = self.looked.take(rows), self.state[rows]
        return self._next(words)

    def _next(self, words: Tensor) -> Tensor:
        self.state = self.decoder.move(self.looked, self.decoder.read(words), self.state)
        logits: Tensor = self.decoder.classify(self.state)
        return logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(dim=-1)
