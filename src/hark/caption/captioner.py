"""A captioner in use: sounds in, sentences out, the same every time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn.utils.rnn import pad_sequence

from hark.audio.decode import Source
from hark.caption.average import Averaged
from hark.caption.beam import beam
from hark.caption.captions import Captions
from hark.caption.ears import Ears, Frames
from hark.caption.sample import sample
from hark.caption.stepper import Stepper
from hark.models.captioning.network import Network
from hark.recipe.captioner import CaptionRecipe
from hark.text.speller import Speller

BATCH = 16  # sounds that are captioned together


class Said(NamedTuple):
    """A caption, and what it is compared with others by; higher is better.

    `cosine` is that with the sound, where a retrieval model was asked.
    """

    text: str
    score: float
    cosine: float | None = None


class Captioner:
    """Ears, one network or several whose next words are averaged, and how they spell.

    `stamp` tells which recipe and weights say a caption.
    """

    def __init__(
        self,
        recipe: CaptionRecipe,
        ears: Ears,
        networks: Sequence[Network],
        speller: Speller,
        *,
        stamp: str,
        device: str = "cpu",
    ) -> None:
        self.recipe = recipe
        self.name = recipe.name
        self.stamp = stamp
        self.ears = ears
        self.rate_hz = ears.rate_hz
        self.speller = speller
        self.device = torch.device(device)
        self.networks = [network.to(self.device).eval() for network in networks]

    @property
    def stop(self) -> int:
        """The word that ends a caption."""
        return self.speller.stop

    @property
    def pad(self) -> int:
        """What stands behind the last word."""
        return self.speller.pad

    def hear(self, source: Source) -> Frames:
        """What its networks are given of a sound.

        Raises SoundError.
        """
        return self.ears.hear(source)

    def stepper(self, frames: Sequence[Frames]) -> Stepper:
        """One decoding of several sounds, each as long as it is."""
        return stepper(self.networks, *padded(frames, self.device), how=self.recipe.average)

    def decode(
        self,
        frames: Sequence[Frames],
        *,
        beams: int | None = None,
        steps: int | None = None,
        power: float | None = None,
    ) -> Captions:
        """For every sound the `beams` best captions that are found, best first; the recipe's way unless given."""
        way = self.recipe.decoding
        with torch.inference_mode():
            return beam(
                self.stepper(frames), stop=self.stop, beams=beams or way.beams, steps=steps or way.steps,
                power=way.power if power is None else power, finished=way.finished, pad=self.pad,
            )  # fmt: skip

    def draw(
        self,
        frames: Sequence[Frames],
        *,
        generator: Generator | Sequence[Generator],
        each: int = 1,
        top_p: float = 0.9,
        temperature: float = 1.0,
        steps: int | None = None,
    ) -> Captions:
        """For every sound `each` captions drawn from the nucleus of likely words; see `hark.caption.sample`."""
        with torch.inference_mode():
            return sample(
                self.stepper(frames), stop=self.stop, generator=generator, each=each, top_p=top_p,
                temperature=temperature, steps=steps or self.recipe.decoding.steps, pad=self.pad,
            )  # fmt: skip

    def say(self, ids: Sequence[int]) -> str:
        """Words by number as a sentence."""
        return self.speller.decode(ids)

    def said(self, captions: Captions, *, each: int | None = None) -> list[list[Said]]:
        """The sentences of each sound with their scores; the first `each` of them."""
        found = []
        for rows, scores in zip(captions.lists(), captions.scores.tolist(), strict=True):
            found.append([Said(self.say(ids), score) for ids, score in zip(rows, scores, strict=False)][:each])
        return found

    def describe(self, sources: Iterable[Source], *, beams: int | None = None, each: int = 1) -> list[list[Said]]:
        """The `each` best captions of each sound, best first; fewer where the search found fewer.

        Raises SoundError.
        """
        wide = max(each, beams or self.recipe.decoding.beams)
        found: list[list[Said]] = []
        heard: list[Frames] = []
        for source in sources:
            heard.append(self.hear(source))
            if len(heard) == BATCH:
                found += self.said(self.decode(heard, beams=wide), each=each)
                heard = []
        return found + (self.said(self.decode(heard, beams=wide), each=each) if heard else [])


def padded(frames: Sequence[Frames], device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Frames of several sounds as one tensor (batch, steps, dim), and how many of each are real, (batch,)."""
    rows = [torch.tensor(one) for one in frames]  # copied: what is mapped from a file cannot be written
    lengths = torch.tensor([len(row) for row in rows])
    return pad_sequence(rows, batch_first=True).to(device), lengths.to(device)


def stepper(networks: Sequence[Network], frames: Tensor, lengths: Tensor, *, how: str = "probabilities") -> Stepper:
    """Of several networks over the same sounds."""
    each = [network.stepper(network.memory(frames, lengths)) for network in networks]
    return each[0] if len(each) == 1 else Averaged(each, how="logs" if how == "logs" else "probabilities")
