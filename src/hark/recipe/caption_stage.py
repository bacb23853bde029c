"""One stage of a captioner's training, as its recipe writes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hark.recipe.stage import CorpusSpec, Stage

Table = Mapping[str, Any]


@dataclass(frozen=True)
class CaptionStage:
    """A stage that learns to say the next word ("words"), or to say what is worth more ("reward").

    "words" is cross entropy, with `smoothing` of every target spread over all words; of the words that the decoder is
    given, a share that falls in a line from 1 to `true_words` is the caption's own, the others are what it said itself
    (scheduled sampling, Bengio et al. 2015). "reward" is self-critical sequence training on CIDEr-D (Rennie et al.
    2017), with `samples` captions drawn for each visit, with dropout or without; what they are compared with is the
    greedy caption's worth, or the mean of the other samples' (Luo 2020, "A better variant of self-critical sequence
    training"), whose gradients are less noisy.

    An epoch visits every caption, or every clip once. Where `epochs` or `valid_epochs` are given they stand instead of
    `steps` and `valid_every`.

    What a stage leaves is its best weights by `metric` on `valid`, its last, or the mean of those at the end of each of
    the last `averaged` epochs.
    """

    name: str
    task: Literal["words", "reward"] = "words"
    seed: int = 0

    corpora: tuple[CorpusSpec, ...] = ()
    valid: tuple[CorpusSpec, ...] = ()
    hold_out: tuple[CorpusSpec, ...] = ()  # no recording that these or `valid` hold is trained on
    exclude: tuple[str, ...] = ()  # files that `hark data check` wrote: clips that must not be trained on
    batch: int = 64
    visit: Literal["captions", "clips"] = "captions"

    smoothing: float = 0.0
    true_words: float = 1.0
    samples: int = 1
    baseline: Literal["greedy", "others"] = "greedy"
    dropout: bool = True  # while captions are drawn

    steps: int = 1000
    epochs: float | None = None
    lr: float = 5e-4
    warmup: int = 0
    optimiser: Table = field(default_factory=lambda: {"name": "adam"})
    schedule: Table = field(default_factory=lambda: {"name": "constant"})
    weight_decay: float = 0.0
    clip: float | None = None  # the longest gradient

    valid_every: int = 500
    valid_epochs: float | None = None
    metric: Literal["cider_d", "spider"] = "cider_d"
    keep: Literal["best", "last", "average"] = "best"
    averaged: int = 5

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "samples", "valid_every", "averaged"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; give 1 or more")
        for name in ("lr", "epochs", "valid_epochs", "clip"):
            if getattr(self, name) is not None and not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")
        if self.baseline == "others" and self.samples == 1:
            raise ValueError("baseline: there are no others; raise samples")
        if not 0.0 <= self.true_words <= 1.0:
            raise ValueError(f"true_words is {self.true_words}; it is a share, between 0 and 1")
        if not 0.0 <= self.smoothing < 1.0:
            raise ValueError(f"smoothing is {self.smoothing}; it is a share, from 0 to below 1")
        if self.keep == "best" and not self.valid:
            raise ValueError('keep: nothing to choose the best by; give valid as well, or keep = "last"')

    def resolved(self, steps_per_epoch: int) -> CaptionStage:
        """The stage with everything in steps, where an epoch has so many."""
        changed: dict[str, Any] = {"epochs": None, "valid_epochs": None}
        if self.epochs is not None:
            changed["steps"] = max(1, round(self.epochs * steps_per_epoch))
        if self.valid_epochs is not None:
            changed["valid_every"] = max(1, round(self.valid_epochs * steps_per_epoch))
        return dataclasses.replace(self, **changed)

    def learning(self) -> Stage:
        """What an optimiser and its learning rate ask of a stage."""
        return Stage(
            name=self.name, seed=self.seed, steps=self.steps, lr=self.lr, warmup=self.warmup, optimiser=self.optimiser,
            schedule=self.schedule, weight_decay=self.weight_decay, clip=self.clip,
        )  # fmt: skip
