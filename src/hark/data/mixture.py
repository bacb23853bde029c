"""Batches from several corpora, decoded when they are visited: seeded, and any step's batch can be made by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hark.audio.window import Short, fit
from hark.core.errors import DataError, SettingError
from hark.core.types import Wave
from hark.data.batches import Batch, random_gain
from hark.data.handover import empty
from hark.data.plan import Plan
from hark.data.positives import Positives, says_same
from hark.data.sources import Heard, Source


@dataclass(frozen=True, eq=False)
class Mixture:
    """Random access to the batches of an endless run of epochs; `hark.data.loader.load` makes them ahead of time.

    Clips longer than `samples` are cut to a random stretch of it and shorter ones filled as `short` says ("keep": with
    silence, up to the longest of the batch). Each visit takes one of a clip's captions, or `captions` = "all" of them;
    `positives` says what else is true of it. `weights`, `one_corpus` and `bucket` (batches sorted by length together;
    0: none) are those of `hark.data.plan.Plan`. `gain_db` is the most that a wave is made louder or softer by;
    `change` may alter it further, keeps its length, and must pickle.

    `size` is the batch of all `ranks` together, and this one makes its part of every batch. What is in a row depends
    on the seed, step and row alone: not on ranks, workers, or where training was begun again.
    """

    sources: Sequence[Source]
    rate_hz: int
    samples: int
    size: int
    seed: int
    weights: Sequence[float] | None = None
    one_corpus: bool = False
    bucket: int = 0
    short: Short = "repeat"
    captions: Literal["one", "all"] = "one"
    positives: Positives = "labels"
    gain_db: float = 0.0
    change: Callable[[Wave, np.random.Generator], Wave] | None = None
    rank: int = 0
    ranks: int = 1
    _plan: Plan = field(init=False, repr=False)
    _epochs: dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]] = field(
        init=False, repr=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.ranks or self.size % self.ranks:
            raise SettingError(f"rank {self.rank} of {self.ranks}, batch {self.size}: the batch must be parted evenly")
        lengths = []
        if self.bucket:
            lengths = [np.minimum(source.seconds, self.samples / self.rate_hz) for source in self.sources]
        plan = Plan(
            [len(source) for source in self.sources], self.size, self.seed, self.weights, self.one_corpus, self.bucket,
            lengths,
        )  # fmt: skip
        object.__setattr__(self, "_plan", plan)

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        return self._plan.steps_per_epoch

    def __getitem__(self, step: int) -> Batch:
        """This rank's part of a step's batch.

        Raises DataError, naming the clip.
        """
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch not in self._epochs:
            self._epochs.clear()
            self._epochs[epoch] = self._plan.epoch(epoch)
        corpora, clips = (part[place] for part in self._epochs[epoch])
        each = self.size // self.ranks
        rows = range(self.rank * each, (self.rank + 1) * each)
        waves = None if self.short == "keep" else empty(each, self.samples)
        heard: list[Heard] = []
        said: list[tuple[str, ...]] = []
        kept: list[Wave] = []
        for row in rows:
            source = self.sources[corpora[row]]
            rng = np.random.default_rng([self.seed, 3, step, row])
            one = source.hear(int(clips[row]), rate_hz=self.rate_hz, samples=self.samples, rng=rng)
            if not one.said:
                raise DataError(f"{source.name}: nothing can be said of clip '{one.id}'; give a template that fits it")
            said.append(one.said if self.captions == "all" else (one.said[rng.integers(len(one.said))],))
            wave = self._changed(fit(one.wave, self.samples, short=self.short), rng)
            if waves is None:
                kept.append(wave)
            else:
                waves[len(heard)] = wave
            heard.append(one)
        lengths: tuple[int, ...] = ()
        if waves is None:
            lengths = tuple(len(wave) for wave in kept)
            waves = empty(each, max(lengths))
            for row, wave in enumerate(kept):
                waves[row, : len(wave)], waves[row, len(wave) :] = wave, 0.0
        groups = tuple(
            one.group if self.positives == "labels" else f"{self.sources[corpora[row]].name}:{one.id}"
            for row, one in zip(rows, heard, strict=True)
        )
        return Batch(
            waves=waves,
            texts=tuple(text for texts in said for text in texts),
            same=says_same(groups, said, self.positives),
            owners=tuple(row for row, texts in enumerate(said) for _ in texts) if self.captions == "all" else (),
            lengths=lengths,
            ids=tuple(one.id for one in heard),
            groups=groups,
            corpora=tuple(self.sources[corpora[row]].name for row in rows),
            positives=self.positives,
        )

    def _changed(self, wave: Wave, rng: np.random.Generator) -> Wave:
        if self.gain_db:
            wave = wave * random_gain(self.gain_db, rng)
        if self.change is not None:
            changed = self.change(wave, rng)
            assert changed.shape == wave.shape, f"the change made {changed.shape} of {wave.shape}"
            return changed
        return wave
