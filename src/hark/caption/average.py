"""Several captioners that say one caption together: of each next word the mean of what they find likely."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from hark.caption.stepper import Stepper

How = Literal["probabilities", "logs"]


class Averaged:
    """A stepper of steppers that have the same words; all go on with the same one.

    "probabilities" is their mean; "logs" that of their logarithms, brought to the sum 1 again (as the code of SJTU's
    captioner has it), for which one that finds a word unlikely weighs more.
    """

    def __init__(self, steppers: Sequence[Stepper], *, how: How = "probabilities") -> None:
        assert steppers
        self.steppers = steppers
        self.how = how

    def first(self) -> Tensor:
        """See `hark.caption.stepper.Stepper`."""
        return self._mean([stepper.first() for stepper in self.steppers])

    def step(self, words: Tensor, rows: Tensor) -> Tensor:
        """See `hark.caption.stepper.Stepper`."""
        return self._mean([stepper.step(words, rows) for stepper in self.steppers])

    def _mean(self, likely: Sequence[Tensor]) -> Tensor:
        if len(likely) == 1:
            return likely[0]
        every = torch.stack(list(likely))
        if self.how == "logs":
            return every.mean(dim=0).log_softmax(dim=-1)
        return every.logsumexp(dim=0) - math.log(len(likely))
