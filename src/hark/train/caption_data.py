"""What a captioner's stage learns from: clips with what is said of them, heard once, and batches of them by step."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hark.audio.decode import Source, decode
from hark.caption.captioner import padded
from hark.caption.ears import Ears, Frames
from hark.core.errors import DataError, SettingError, SoundError
from hark.data.records import Clip
from hark.recipe.caption_stage import CaptionStage
from hark.recipe.stage import CorpusSpec
from hark.text.ptb import tokenise
from hark.train.data import described, left_out
from hark.train.stored import Stored, clip_key

CHUNK = 64  # clips that are heard before what was made of them is kept on disk


class Features:
    """What the ears make of clips, kept in the cache: a clip is heard once, in whatever run."""

    def __init__(self, ears: Ears) -> None:
        self.ears = ears
        self.stored = Stored(json.dumps({"ears": ears.stamp, "recipe": ears.recipe.hash, "take": ears.take, "way": 1}))

    def hear(self, clips: Sequence[Clip], *, progress: Callable[[int, int], None] | None = None) -> list[str]:
        """Hears those that were not heard yet; the clips' keys.

        Raises DataError, naming the clip, for a sound that cannot be read.
        """
        keys = [clip_key(clip) for clip in clips]
        missing = {key: clip for key, clip in zip(keys, clips, strict=True) if key not in self.stored}
        made: dict[str, Frames] = {}
        for done, (key, clip) in enumerate(missing.items(), start=1):
            try:
                made[key] = self.ears.hear(_source(clip, self.ears.rate_hz))
            except SoundError as error:
                raise DataError(f"clip '{clip.id}': {error}; take it out of the corpus") from None
            if len(made) == CHUNK or done == len(missing):
                self.stored.add(made)
                made = {}
                if progress is not None:
                    progress(done, len(missing))
        return keys

    def __getitem__(self, key: str) -> Frames:
        return self.stored[key]


@dataclass(frozen=True)
class Described:
    """Clips by the keys of their features, with the sentences that are said of each."""

    features: Features
    keys: Sequence[str]
    said: Sequence[tuple[str, ...]]
    repeats: Sequence[int] = field(default=())  # how often an epoch visits each; empty: once
    ids: Sequence[str] = field(default=())

    def references(self) -> list[list[str]]:
        """The sentences of each clip, cut as metrics compare them."""
        return [[tidy(text) for text in texts] for texts in self.said]

    def frames(self, clips: Sequence[int]) -> tuple[Tensor, Tensor]:
        """(batch, steps, dim) and (batch,): what is heard of some clips."""
        return padded([self.features[self.keys[i]] for i in clips])

    def visits(self, stage: CaptionStage) -> list[tuple[int, int]]:
        """What an epoch goes through: (clip, sentence); the sentence is 0 where clips are visited."""
        repeats = self.repeats or [1] * len(self.keys)
        every = stage.visit == "captions"
        return [
            (clip, sentence)
            for clip, (texts, repeat) in enumerate(zip(self.said, repeats, strict=True))
            for sentence in range(len(texts) if every else 1)
            for _ in range(repeat)
        ]


@dataclass(frozen=True)
class Order:
    """The visits of every step: each epoch goes through all in an order of its own, and its last batch is smaller."""

    visits: Sequence[tuple[int, int]]
    batch: int
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.visits) // self.batch)

    def __getitem__(self, step: int) -> list[tuple[int, int]]:
        epoch, at = divmod(step, self.steps_per_epoch)
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.visits))
        return [self.visits[i] for i in order[at * self.batch : (at + 1) * self.batch]]


def open_described(
    specs: Sequence[CorpusSpec],
    features: Features,
    *,
    data: Path,
    where: str,
    apart: Sequence[CorpusSpec] = (),
    excluded: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Described:
    """The clips of corpora, heard; without the recordings of `apart` and what the files `excluded` name.

    Raises SettingError, DataError.
    """
    left = left_out(apart, excluded, data=data, where=where)
    clips, said, repeats = [], [], []
    for spec, clip, spoken in described(specs, data=data, where=where):
        if spec.weight is not None or spec.also is not None:
            raise SettingError(f"{where}: weight and also are not for captioners; give repeat")
        if left(clip, spec):
            continue
        clips.append(clip)
        said.append(spoken)
        repeats.append(spec.repeat)
    if not clips:
        raise DataError(f"{where}: no clip has anything said of it")
    keys = features.hear(clips, progress=progress)
    return Described(features, keys, said, repeats, [clip.id for clip in clips])


def rows(captions: Sequence[Sequence[int]], *, start: int, pad: int) -> tuple[Tensor, Tensor]:
    """What the decoder is given and what it shall say, (batch, t) each, padded."""
    longest = max(len(ids) for ids in captions)
    wanted = torch.tensor([[*ids, *[pad] * (longest - len(ids))] for ids in captions])
    given = torch.cat([torch.full((len(wanted), 1), start), wanted[:, :-1]], dim=1)
    return given, wanted


def tidy(text: str) -> str:
    """A sentence as metrics compare it: its words in lower case, a blank between them, no punctuation."""
    return " ".join(tokenise(text))


def sentences(described: Described) -> Iterator[str]:
    """Every sentence of every clip."""
    return (text for texts in described.said for text in texts)


def _source(clip: Clip, rate_hz: int) -> Source:
    if clip.start_s == 0 and clip.duration_s is None:
        return clip.path
    return decode(clip.path, rate_hz, start_s=clip.start_s, duration_s=clip.duration_s), rate_hz
