"""What a captioner's encoder made of sounds, for its decoder to look at."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Memory(NamedTuple):
    """`places` (batch, steps, dim), of which the first `lengths` (batch,) of each row are real."""

    places: Tensor
    lengths: Tensor

    def real(self) -> Tensor:
        """(batch, steps) true where a place is real."""
        steps = torch.arange(self.places.shape[1], device=self.places.device)
        return steps < self.lengths.to(self.places.device)[:, None]

    def mean(self) -> Tensor:
        """(batch, dim) the mean of the real places."""
        real = self.real().to(self.places.dtype)[..., None]
        return (self.places * real).sum(dim=1) / real.sum(dim=1)
