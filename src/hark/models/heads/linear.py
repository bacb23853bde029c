"""One linear layer into the joint space."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Config:
    """A linear head."""

    bias: bool = True

    def build(self, *, before: int, after: int) -> nn.Module:
        """(batch, before) -> (batch, after)."""
        return nn.Linear(before, after, bias=self.bias)
