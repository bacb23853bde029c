"""Two layers into the joint space, as LAION-CLAP's projections (Wu et al. 2023, section 3.1): linear, ReLU, linear."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Config:
    """An MLP head; `hidden` None makes the hidden layer as wide as the joint space."""

    hidden: int | None = None
    dropout: float = 0.0

    def build(self, *, before: int, after: int) -> nn.Module:
        """(batch, before) -> (batch, after)."""
        hidden = self.hidden or after
        return nn.Sequential(nn.Linear(before, hidden), nn.ReLU(), nn.Dropout(self.dropout), nn.Linear(hidden, after))
