"""Batches of sound and sentences for training: seeded, so that any step's batch can be made again by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hark.audio.window import fit
from hark.core.errors import DataError, SettingError
from hark.core.types import Wave
from hark.data.positives import Positives, says_same


@dataclass(frozen=True)
class Batch:
    """Waves (batch, samples), a sentence for each, and which rows say the same: `same` (batch, texts) in {0, 1}.

    Where all captions of a clip are taken, `texts` holds them one after the other and `owners` says of which row each
    is; empty, it is one for each row. `lengths` are the samples that are sound where shorter ones were kept and the
    rest is silence; empty: all. `ids`, `groups` and `corpora` tell of each row what it is, where a mixture made it.
    `positives` is by what rule `same` was made.
    """

    waves: NDArray[np.float32]
    texts: tuple[str, ...]
    same: NDArray[np.float32]
    owners: tuple[int, ...] = ()
    lengths: tuple[int, ...] = ()
    ids: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    corpora: tuple[str, ...] = ()
    positives: Positives = "labels"


class Sounds(Protocol):
    """Clips by number, at one rate: decoded before (`hark.data.pcm.Pcm`) or when asked for (`hark.data.live.Live`)."""

    def length(self, i: int, /) -> int:
        """How many samples clip i has."""

    def stretch(self, i: int, start: int, samples: int, /) -> Wave:
        """Clip i from sample `start` on: `samples` of them, or as many as are left."""


@dataclass(frozen=True)
class Batches:
    """Random access to the batches of an endless run of epochs.

    `said[i]` are the sentences of clip i and `groups[i]` its group: clips of one group (one label, say) say the same.
    `order` lists the clips of one epoch, some of them several times. A batch has no clip twice unless it has to.
    `size` is the batch of all `ranks` together, and this one keeps its part of every batch.
    """

    sounds: Sounds
    said: Sequence[tuple[str, ...]]
    groups: Sequence[str]
    order: Sequence[int]
    samples: int
    size: int
    seed: int
    rank: int = 0
    ranks: int = 1
    positives: Positives = "labels"

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.ranks or self.size % self.ranks:
            raise SettingError(f"rank {self.rank} of {self.ranks}, batch {self.size}: the batch must be parted evenly")
        if len(self.order) < self.size:
            raise DataError(f"{len(self.order)} clips for a batch of {self.size}; add clips or lower the stage's batch")

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in an epoch; what is left over is dropped, another part each time."""
        return len(self.order) // self.size

    def __getitem__(self, step: int) -> Batch:
        epoch, place = divmod(step, self.steps_per_epoch)
        shuffled = np.random.default_rng([self.seed, 1, epoch]).permutation(np.asarray(self.order))
        chosen = [int(i) for i in shuffled[place * self.size : (place + 1) * self.size]]
        rng = np.random.default_rng([self.seed, 2, step])
        each = self.size // self.ranks
        ours = slice(self.rank * each, (self.rank + 1) * each)
        # What a row draws comes after what the rows before it drew: all rows draw, and only ours are heard.
        drawn = [self._draw(i, rng) for i in chosen]
        waves = np.stack([self._wave(i, *draws) for i, draws in zip(chosen[ours], drawn[ours], strict=True)])
        texts = tuple(self.said[i][rng.integers(len(self.said[i]))] for i in chosen)[ours]
        groups = tuple(self.groups[i] for i in chosen)[ours]
        same = says_same(groups, [(text,) for text in texts], self.positives)
        return Batch(waves=waves, texts=texts, same=same, groups=groups, positives=self.positives)

    def _draw(self, i: int, rng: np.random.Generator) -> tuple[int, np.float32, int]:
        """How far a short sound is turned round, the gain, and where the stretch of a long one begins."""
        length = self.sounds.length(i)
        turn = int(rng.integers(self.samples)) if length < self.samples else 0
        gain = random_gain(6.0, rng)  # loudness says little of what it is
        return turn, gain, int(rng.integers(max(1, length - self.samples + 1)))

    def _wave(self, i: int, turn: int, gain: np.float32, start: int) -> NDArray[np.float32]:
        """A stretch, or the whole sound repeated from some point when it is shorter than the window."""
        wave = self.sounds.stretch(i, start, self.samples)
        if len(wave) < self.samples:
            wave = np.roll(fit(wave, self.samples, short="repeat"), turn)
        return np.asarray(wave * gain, dtype=np.float32)


def random_gain(most_db: float, rng: np.random.Generator) -> np.float32:
    """A factor for a wave, between -most_db and most_db."""
    return np.float32(10.0 ** (rng.uniform(-most_db, most_db) / 20.0))
