"""Teachers' opinions of a batch: how well every sound and every sentence fit, for the loss `soft`.

The estimate is the mean of the cosines of several models (Primus et al. 2024, "Estimated audio-caption
correspondences", section 2). Each hears every clip whole and reads every sentence once; their vectors are kept on disk.

A teacher "stage:NAME" is what an earlier stage of the same recipe ended with: its best by validation, or its last.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hark.audio.decode import decode
from hark.core.errors import DataError, SettingError, SoundError
from hark.core.settings import suggest
from hark.data.batches import Batch
from hark.data.mixture import Mixture
from hark.data.records import Clip
from hark.recipe import Recipe, Stage
from hark.runtime.load import load
from hark.runtime.model import Model
from hark.train import folder
from hark.train.data import ByStep
from hark.train.inside import clips_of, texts_of
from hark.train.stored import Stored, clip_key, key

Progress = Callable[[str, int, int], None]
"""Hears (what is being made, done, in all)."""

STAGE = "stage:"
SAVED_S = 30.0
SENTENCES = 256


@dataclass(frozen=True)
class Opinion:
    """A teacher's unit vectors: of the clips of each corpus by (corpus, clip), and of sentences."""

    sounds: NDArray[np.float32]  # (clips, dim)
    texts: NDArray[np.float32]  # (sentences, dim)


@dataclass(frozen=True)
class Taught:
    """Batches in which what is right for what (`Batch.same`) is what the teachers think, from -1 to 1."""

    batches: ByStep
    clips: dict[tuple[str, str], int]
    sentences: dict[str, int]
    opinions: Sequence[Opinion]

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        return self.batches.steps_per_epoch

    def __getitem__(self, step: int) -> Batch:
        batch = self.batches[step]
        return dataclasses.replace(
            batch, same=self.answers(list(zip(batch.corpora, batch.ids, strict=True)), batch.texts)
        )

    def answers(self, clips: Sequence[tuple[str, str]], texts: Sequence[str]) -> NDArray[np.float32]:
        """What the teachers think of clips (their corpus and id) and sentences, (clips, sentences)."""
        rows, columns = [self.clips[one] for one in clips], [self.sentences[text] for text in texts]
        each = [opinion.sounds[rows] @ opinion.texts[columns].T for opinion in self.opinions]
        mean: NDArray[np.float32] = np.mean(each, axis=0, dtype=np.float32)
        return mean


class Teachers:
    """The teachers of a stage, with all that they think of its clips and sentences."""

    def __init__(self, recipe: Recipe, stage: Stage, batches: ByStep, *, data: Path, progress: Progress) -> None:
        """Raises SettingError, WeightsError, DataError."""
        where = f"{recipe.name}.toml: stage '{stage.name}': teachers"
        if stage.loss.get("name") != "soft":
            raise SettingError(f"{where}: they teach the loss 'soft' alone; give loss = {{ name = \"soft\" }}")
        if stage.alike is not None or "loss" in (stage.metric, stage.watch):
            other = "alike" if stage.alike is not None else "the validation loss"
            raise SettingError(f"{where}: {other} asks for right answers, which teachers do not give; take it out")
        assert isinstance(batches, Mixture)
        self.clips: dict[tuple[str, str], int] = {}
        self.texts = {text: row for row, text in enumerate(texts_of(batches))}
        every: list[Clip] = []
        for source in batches.sources:
            inner = clips_of(source)
            assert inner is not None, source.name
            for clip in inner.clips:
                self.clips[source.name, clip.id] = len(every)
                every.append(clip)
        self.opinions = []
        for name in stage.teachers:
            model = load(str(data / name) if (data / name).exists() else name)
            if not model.reads:
                raise SettingError(f"{where}: '{name}' only hears; a teacher reads as well")
            self.opinions.append(Opinion(_heard(model, every, progress), _read(model, list(self.texts), progress)))

    def over(self, batches: ByStep) -> Taught:
        """The batches with the teachers' opinions in them."""
        return Taught(batches, self.clips, self.texts, self.opinions)


def taught_stage(stage: Stage) -> Stage:
    """The stage as the loop takes it: its loss looks for the teachers' opinions in the batch."""
    return dataclasses.replace(stage, loss={**stage.loss, "name": "estimated"}, teachers=())


def check_stages(recipe: Recipe) -> None:
    """Sees that teachers "stage:NAME" are stages that come before.

    Raises SettingError.
    """
    for number, stage in enumerate(recipe.stages):
        before = [one.name for one in recipe.stages[:number]]
        for name in _stages_of(stage):
            if name not in before:
                raise SettingError(
                    f"{recipe.name}.toml: stage '{stage.name}': teachers: no stage '{name}' before it; "
                    f"{suggest(name, before) if before else 'it is the first'}"
                )


def teaches(recipe: Recipe, stage: Stage) -> bool:
    """Whether a stage of the recipe has this one as a teacher."""
    return any(stage.name in _stages_of(one) for one in recipe.stages)


def with_files(stage: Stage, out: Path) -> Stage:
    """The stage with files instead of its teachers "stage:NAME", as they are kept in the run's folder."""
    named = [
        str(folder.result(out, name.removeprefix(STAGE))) if name.startswith(STAGE) else name for name in stage.teachers
    ]
    return dataclasses.replace(stage, teachers=tuple(named))


def _stages_of(stage: Stage) -> list[str]:
    return [name.removeprefix(STAGE) for name in stage.teachers if name.startswith(STAGE)]


def _heard(model: Model, clips: Sequence[Clip], progress: Progress) -> NDArray[np.float32]:
    stored = Stored(f"heard by the model {model.stamp}")
    keys = [clip_key(clip) for clip in clips]
    missing = {one: clip for one, clip in zip(keys, clips, strict=True) if one not in stored}
    fresh: dict[str, NDArray[np.float32]] = {}
    saved_at = time.monotonic()
    for done, (one, clip) in enumerate(missing.items(), start=1):
        try:
            wave = decode(clip.path, model.rate_hz, start_s=clip.start_s, duration_s=clip.duration_s)
        except SoundError as error:
            raise DataError(f"clip '{clip.id}': {error}") from None
        fresh[one] = model.embed_audio([(wave, model.rate_hz)])
        if time.monotonic() - saved_at > SAVED_S:
            stored.add(fresh)
            fresh, saved_at = {}, time.monotonic()
        progress(f"heard by {model.name}", done, len(missing))
    stored.add(fresh)
    return np.concatenate([stored[one] for one in keys])


def _read(model: Model, texts: Sequence[str], progress: Progress) -> NDArray[np.float32]:
    stored = Stored(f"read by the model {model.stamp}")
    missing = [text for text in texts if key(text) not in stored]
    for at in range(0, len(missing), SENTENCES):
        batch = missing[at : at + SENTENCES]
        vectors = model.embed_text(batch)
        stored.add({key(text): row[None] for text, row in zip(batch, vectors, strict=True)})
        progress(f"read by {model.name}", at + len(batch), len(missing))
    return np.concatenate([stored[key(text)] for text in texts])
