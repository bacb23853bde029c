"""The originals that hear one stretch of a sound: LAION-CLAP, MS-CLAP, AST, CAV-MAE, and those that hear all of it.

What differs from ours, and is faithfully repeated here, is in `Config`; docs/published.md lists the families.
"""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from hark.audio.decode import Source
from hark.audio.window import Short, fit
from hark.core.types import Wave
from hark.models.text.transformer import pool
from hark.models.towers import Towers
from hark.recipe import AudioSpec
from hark.runtime.compat._sound import Channels, Resampler, batch_of, quantised, wave_of


@dataclass(frozen=True)
class Config:
    """`channels`: their "mean", the "first", or "joined" one after the other in time (MS-CLAP, a fault).

    `resampler`: "soxr" (librosa), torchaudio's "sinc" or "kaiser", or "none": samples are taken as if they had the
    tower's rate (AST, CAV-MAE). `quantise` rounds samples to 16 bits on the way (LAION-CLAP). `crop`: a sound longer
    than the window loses all but a stretch drawn with "numpy", Python's `randrange` ("python") or `randint`, or all but
    its beginning ("first"), or is heard whole ("none"). `window_s` and `short` are the original's where they are not
    the recipe's.
    `pooling` is another rule than the text tower's own (MS-CLAP's end of text is the last token whose number is not 0).
    """

    channels: Channels = "mean"
    resampler: Resampler = "soxr"
    quantise: bool = False
    crop: Literal["numpy", "python", "randint", "first", "none"] = "none"
    window_s: float | None = None
    short: Short | None = None
    pooling: Literal["last-nonzero"] | None = None

    def build(self, *, audio: AudioSpec) -> Crop:
        """The way for towers that are described by `audio`."""
        own = {name: value for name in ("window_s", "short") if (value := getattr(self, name)) is not None}
        return Crop(self, dataclasses.replace(audio, **own))


class Crop:
    """A sound, or a stretch of it, heard in one piece."""

    def __init__(self, config: Config, audio: AudioSpec) -> None:
        self.config = config
        self.audio = audio

    def wave(self, source: Source, *, seed: int) -> Wave:
        """What the original's towers are given of a sound: (samples,) at the tower's rate.

        Raises SoundError.
        """
        config, samples = self.config, self.audio.samples
        wave = wave_of(source, self.audio.rate_hz, channels=config.channels, resampler=config.resampler)
        if config.quantise:
            wave = quantised(wave)
        if len(wave) > samples and config.crop != "none":
            wave = wave[self._start(len(wave) - samples, seed) :][:samples]
        wave = fit(wave, max(samples, len(wave)), short=self.audio.short)
        least = round(self.audio.least_s * self.audio.rate_hz)
        return wave if len(wave) >= least else fit(wave, least, short="repeat")

    def vector(self, towers: Towers, source: Source, *, seed: int) -> Tensor:
        """The sound's unit vector, (dim,).

        Raises SoundError.
        """
        return towers.audio(batch_of(self.wave(source, seed=seed), towers))[0]

    def sentences(self, towers: Towers, ids: Tensor, mask: Tensor) -> Tensor:
        """The sentences' unit vectors, (n, dim)."""
        if self.config.pooling is None:
            return towers.text(ids, mask)
        hidden = towers.text_encoder.network(input_ids=ids, attention_mask=mask.long()).last_hidden_state  # type: ignore[operator]
        assert towers.text_head is not None
        return F.normalize(towers.text_head(pool(hidden, ids, mask, rule=self.config.pooling)), dim=-1)

    def _start(self, room: int, seed: int) -> int:
        if self.config.crop == "first":
            return 0
        if self.config.crop == "python":
            return random.Random(seed).randrange(room)  # noqa: S311
        if self.config.crop == "randint":
            return random.Random(seed).randint(0, room)  # noqa: S311
        return int(np.random.RandomState(seed).randint(0, room + 1))
