"""A text tower without a transformer: a table of subwords, their weighted mean, and a small MLP.

A query costs a few table rows and two small matrix products. The order of words is not seen. The table is made by
distilling a sentence encoder over sentences about sound (`hark.train.distil`), so words that no training sound was
ever labelled with still land near their synonyms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hark.core.errors import WeightsError
from hark.text.tokens import Tokens


@dataclass(frozen=True)
class Config:
    """A static tower of at most `vocabulary` subwords, each a row of `width` numbers."""

    vocabulary: int = 24000
    width: int = 128
    hidden: int = 512
    dim: int = 384
    max_tokens: int = 77

    def build(self, *, assets: Mapping[str, str] | None) -> Static:
        """The tower; `assets` brings its tokenizer, as `hark.text.vocabulary` makes one.

        Raises WeightsError where there is none.
        """
        if assets is None or "tokenizer" not in assets:
            raise WeightsError("text tower 'static' has no vocabulary of its own; train it, or start from its weights")
        return Static(self, Tokens(assets["tokenizer"], max_tokens=self.max_tokens))


class Static(nn.Module):
    """Token numbers (batch, tokens) and their mask -> embedding (batch, dim)."""

    def __init__(self, config: Config, tokens: Tokens) -> None:
        super().__init__()
        self.tokens = tokens
        self.dim = config.dim
        self.table = nn.Embedding(tokens.vocabulary, config.width)
        self.weight = nn.Embedding(tokens.vocabulary, 1)
        nn.init.zeros_(self.weight.weight)
        self.widen = nn.Linear(config.width, config.hidden)
        self.narrow = nn.Linear(config.hidden, config.dim)
        self.direct = nn.Linear(config.width, config.dim, bias=False)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """(batch, tokens) and (batch, tokens) -> (batch, dim)."""
        share = self.weight(ids).squeeze(-1).masked_fill(~mask, -1e4).softmax(dim=-1)  # (batch, tokens)
        mean = torch.einsum("bt,btw->bw", share, self.table(ids))  # (batch, width)
        return self.direct(mean) + self.narrow(torch.nn.functional.gelu(self.widen(mean)))  # type: ignore[no-any-return]

    def assets(self) -> dict[str, str]:
        """What must travel with the weights."""
        return {"tokenizer": self.tokens.json}
