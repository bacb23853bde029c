"""LAION-CLAP's feature fusion: of a long sound all of it, shrunk, and three stretches, drawn from its thirds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from hark.audio.decode import Source
from hark.audio.features.fusion_logmel import FusionLogMel, thirds
from hark.audio.window import fit
from hark.models.towers import Towers
from hark.recipe import AudioSpec
from hark.runtime.compat._sound import batch_of, quantised, wave_of


@dataclass(frozen=True)
class Config:
    """`quantise` rounds samples to 16 bits on the way.

    `alone_is_long`: where no sound of a batch is longer than the window, one is taken for a long one, four times the
    same image; a sound that comes alone is that one (transformers).
    """

    quantise: bool = True
    alone_is_long: bool = False

    def build(self, *, audio: AudioSpec) -> Fusion:
        """The way for towers that are described by `audio`."""
        return Fusion(self, audio)


class Fusion:
    """A sound up to one window long is filled and heard as it is, a longer one as a stack of four images."""

    def __init__(self, config: Config, audio: AudioSpec) -> None:
        self.config = config
        self.audio = audio

    def vector(self, towers: Towers, source: Source, *, seed: int) -> Tensor:
        """The sound's unit vector, (dim,); `seed` chooses the three stretches as the original's numpy does.

        Raises SoundError.
        """
        wave = wave_of(source, self.audio.rate_hz, channels="mean", resampler="soxr")
        if self.config.quantise:
            wave = quantised(wave)
        samples = self.audio.samples
        wave = fit(wave, max(samples, len(wave)), short=self.audio.short)
        features = towers.features
        assert isinstance(features, FusionLogMel), "compat 'fusion' goes with the front end 'fusion_logmel'"
        starts = None
        if len(wave) > samples:
            frames = len(wave) // features.config.hop + 1
            generator = np.random.RandomState(seed)
            front, middle, back = (int(generator.choice(list(third))) for third in thirds(frames, features.frames))
            starts = (front, middle, back)
        image = features(batch_of(wave, towers), starts)
        if self.config.alone_is_long and image.shape[1] == 1:
            image = image.expand(-1, 4, -1, -1)
        return F.normalize(towers.audio_head(towers.audio_encoder(image)), dim=-1)[0]

    def sentences(self, towers: Towers, ids: Tensor, mask: Tensor) -> Tensor:
        """The sentences' unit vectors, (n, dim)."""
        return towers.text(ids, mask)
