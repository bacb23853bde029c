"""The learning rate falls in a line, to a share of it at the end (ClipCap's schedule; Devlin et al. 2019)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    """The line; `last` is the share that is left at the end."""

    last: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.last <= 1.0:
            raise ValueError(f"last is {self.last}; it is a share, between 0 and 1")

    def build(self) -> Callable[[float, Sequence[float]], float]:
        """(how much is over, validations so far) -> share of the learning rate."""
        return lambda done, _: 1.0 - (1.0 - self.last) * min(1.0, done)
