"""Measures a captioner while it trains: it captions the stage's validation clips, and they are compared with theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from hark.caption.beam import beam
from hark.metrics.captioning import caption_metrics
from hark.models.captioning.network import Network
from hark.recipe.captioner import Decoding
from hark.text.speller import Speller
from hark.train.caption_data import Described, tidy

BATCH = 64  # clips that are captioned together

Spice = Callable[[Sequence[str], Sequence[Sequence[str]]], float]
"""(captions, references of each) -> the mean SPICE."""


@dataclass(frozen=True)
class CaptionValidation:
    """CIDEr-D, BLEU-4 and ROUGE-L of all validation clips, and SPICE where there is a way to measure it."""

    cider_d: float
    bleu_4: float
    rouge_l: float
    spice: float | None = None
    different: int = 0  # how many different captions were said

    @property
    def spider(self) -> float | None:
        """The mean of CIDEr-D and SPICE."""
        return None if self.spice is None else (self.cider_d + self.spice) / 2

    def value(self, metric: str) -> float:
        """What the best weights are chosen by: SPIDEr where it is asked for and SPICE is here, else CIDEr-D."""
        return self.spider if metric == "spider" and self.spider is not None else self.cider_d

    def as_json(self) -> dict[str, float]:
        """The numbers by name."""
        known = {"cider_d": self.cider_d, "bleu_4": self.bleu_4, "rouge_l": self.rouge_l, "different": self.different}
        return known | ({} if self.spice is None else {"spice": self.spice, "spider": (self.cider_d + self.spice) / 2})

    def line(self) -> str:
        """The numbers in a line."""
        return ", ".join(f"{name.replace('_', '-')} {value:.3f}" for name, value in self.as_json().items())


@dataclass(frozen=True)
class Validator:
    """The validation clips of a stage, and how they are captioned."""

    described: Described
    speller: Speller
    decoding: Decoding
    spice: Spice | None = None

    def __call__(self, network: Network) -> CaptionValidation:
        """The network's numbers; it is left in eval mode."""
        said = self.captions(network)
        references = self.described.references()
        whole, _ = caption_metrics(said, references)
        return CaptionValidation(
            cider_d=whole["CIDEr-D"], bleu_4=whole["BLEU-4"], rouge_l=whole["ROUGE-L"],
            spice=None if self.spice is None else self.spice(said, references), different=len(set(said)),
        )  # fmt: skip

    def captions(self, network: Network) -> list[str]:
        """The best caption of each clip."""
        network.eval()
        way, speller = self.decoding, self.speller
        device = next(network.parameters()).device
        count = len(self.described.keys)
        lengths = [len(self.described.features[key]) for key in self.described.keys]
        order = np.argsort(lengths, kind="stable")  # such as are alike in length together
        said = [""] * count
        for at in range(0, count, BATCH):
            clips = [int(i) for i in order[at : at + BATCH]]
            with torch.inference_mode():
                frames, real = (x.to(device) for x in self.described.frames(clips))
                found = beam(
                    network.stepper(network.memory(frames, real)), stop=speller.stop, beams=way.beams,
                    steps=way.steps, power=way.power, finished=way.finished, pad=speller.pad,
                )  # fmt: skip
            for clip, rows in zip(clips, found.lists(), strict=True):
                said[clip] = tidy(speller.decode(rows[0]))
        return said
