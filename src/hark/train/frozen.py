"""Frozen encoders, heard and read once: what they make is kept on disk, and training runs only what learns.

A clip is heard whole then: what stands for it is the mean over the recipe's windows of what the encoder makes of each.
Where no clip is longer than a window and nothing changes the sound, that is what training hears anyway, and it is done
unasked; a stage asks for it with `precompute = true`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hark.core.types import Vectors, Wave
from hark.data.also import Also
from hark.data.mixture import Mixture
from hark.data.records import Clip
from hark.data.sentences import sentences
from hark.data.sources import Decoded, Heard, InFiles, group
from hark.models import compared
from hark.models.towers import Towers
from hark.recipe import Recipe, Stage
from hark.runtime.model import Model
from hark.train.data import ByStep
from hark.train.heads import Heads, Told
from hark.train.heard import encodings
from hark.train.inside import clips_of, texts_of
from hark.train.loop import Step
from hark.train.state import State
from hark.train.stored import Stored, clip_key

Progress = Callable[[str, int, int], None]
"""Hears (what is being made, done, in all)."""

WHOLE = 1 << 40  # samples; longer than any clip
SAVED_S = 30.0  # how much work is lost, at most, where making is cut off


@dataclass(frozen=True)
class Encoded:
    """The clips of a corpus as the mean encodings of their windows, (clips, dim)."""

    source: Decoded | InFiles
    vectors: NDArray[np.float32]

    @property
    def name(self) -> str:
        """The corpus."""
        return self.source.name

    @property
    def seconds(self) -> NDArray[np.float64]:
        """(clips,) how long each is."""
        return self.source.seconds

    def __len__(self) -> int:
        return len(self.source)

    def hear(self, number: int, *, rate_hz: int, samples: int, rng: np.random.Generator) -> Heard:  # noqa: ARG002
        """The encoding, where other sources have a stretch of sound."""
        assert samples == self.vectors.shape[1], (samples, self.vectors.shape)
        clip = self.source.clips[number]
        rng.integers(1)  # where a clip that is no longer than a window begins
        return Heard(clip.id, self.vectors[number], sentences(clip, self.source.say), group(clip, self.name))


class Frozen:
    """What a stage's whole frozen encoders make: of sounds where `hears`, of sentences where `reads`."""

    def __init__(self, recipe: Recipe, batches: ByStep, *, hears: bool, reads: bool, progress: Progress) -> None:
        self.recipe = recipe
        self.batches = batches
        self.hears = hears
        self.reads = reads
        self.progress = progress
        self.sounds: Stored | None = None
        self.told: Told | None = None

    def begin(self, towers: Towers) -> ByStep:
        """Makes what is missing, and gives the batches that training takes instead of sound."""
        recipe = self.recipe
        if self.reads and recipe.text is not None:
            made_by = _made_by(towers.text_encoder, dict(recipe.text.encoder), towers.tokenizer.json)
            self.told = Told(towers.text_encoder, Stored(made_by))
            self.told.learn(_said(self.batches), lambda done, total: self.progress("sentences read", done, total))
        if not self.hears:
            return self.batches
        spec = dataclasses.asdict(recipe.audio) | {"head": None}
        self.sounds = Stored(_made_by(towers.audio_encoder, spec))
        assert isinstance(self.batches, Mixture)
        encoded = []
        for source in self.batches.sources:
            inner = clips_of(source)
            assert inner is not None, source.name
            vectors = Encoded(inner, self._means(towers, inner))
            encoded.append(dataclasses.replace(source, source=vectors) if isinstance(source, Also) else vectors)
            dim = vectors.vectors.shape[1]
        return dataclasses.replace(self.batches, sources=encoded, samples=dim, short="repeat")

    def steps(self, state: State, take: Callable[[State, ByStep], Iterator[Step]]) -> Iterator[Step]:
        """The steps that `take` makes of a state whose encoders are left out, and of batches of encodings."""
        batches = self.begin(state.towers)
        average = None if state.average is None else self.heads(state.average)
        inner = dataclasses.replace(state, towers=self.heads(state.towers), average=average)
        for step in take(inner, batches):
            for field in dataclasses.fields(State):
                if field.name not in ("towers", "average"):
                    setattr(state, field.name, getattr(inner, field.name))
            yield step

    def stage(self, stage: Stage) -> Stage:
        """The stage without the frozen parts that are left out."""
        gone = [*(["audio_encoder", "features"] if self.hears else []), *(["text_encoder"] if self.reads else [])]
        left = [part for part in stage.freeze if not any(part == name or part.startswith(f"{name}.") for name in gone)]
        return dataclasses.replace(stage, freeze=tuple(left), precompute=False)

    def heads(self, towers: Towers) -> Heads:
        """What learns, behind what is known already."""
        return Heads(towers, hears=not self.hears, told=self.told)

    def model(self, towers: Towers, clips: Sequence[Clip]) -> Once | Model:
        """A model for the sounds of `clips` and for sentences; after `begin` it has no use for frozen encoders."""
        begun = self.sounds is not None or self.told is not None
        return Once(self, towers, clips) if begun else self.whole(towers)

    def whole(self, towers: Towers) -> Model:
        """The model with everything in it."""
        return Model(self.recipe, towers, stamp="", device=str(next(towers.parameters()).device))

    def heard(self, towers: Towers, clips: Sequence[Clip], wave_of: Callable[[int], Wave]) -> list[str]:
        """The clips' keys in `sounds`, after what is missing has been made."""
        stored = self.sounds
        assert stored is not None, "begin first"
        keys = [clip_key(clip) for clip in clips]
        missing = {key: i for i, key in enumerate(keys) if key not in stored}
        fresh: dict[str, NDArray[np.float32]] = {}
        saved_at = time.monotonic()
        waves = ((key, wave_of(i)) for key, i in missing.items())
        for done, (key, rows) in enumerate(encodings(towers, self.recipe.audio, waves), start=1):
            fresh[key] = rows
            if time.monotonic() - saved_at > SAVED_S:
                stored.add(fresh)
                fresh, saved_at = {}, time.monotonic()
            self.progress("sounds heard", done, len(missing))
        stored.add(fresh)
        return keys

    def _means(self, towers: Towers, source: Decoded | InFiles) -> NDArray[np.float32]:
        def whole(i: int) -> Wave:
            rate_hz = self.recipe.audio.rate_hz
            return source.hear(i, rate_hz=rate_hz, samples=WHOLE, rng=np.random.default_rng(0)).wave

        keys = self.heard(towers, source.clips, whole)
        assert self.sounds is not None
        return np.stack([self.sounds[key].mean(axis=0, dtype=np.float64) for key in keys]).astype(np.float32)


class Once:
    """Embeds as `hark.runtime.model.Model` does, taking what frozen encoders make from where it is kept."""

    def __init__(self, frozen: Frozen, towers: Towers, clips: Sequence[Clip]) -> None:
        self.frozen = frozen
        self.towers = towers
        self.clips = clips
        self.heads = frozen.heads(towers).eval()
        both = frozen.hears and frozen.reads
        self.whole = None if both else frozen.whole(towers)

    def embed_audio(self, sources: Iterable[tuple[Wave, int]]) -> Vectors:
        """One unit vector (n, dim) for each of the clips, whose sounds are `sources`: the mean of its windows'."""
        if not self.frozen.hears:
            assert self.whole is not None
            return self.whole.embed_audio(sources)
        waves = [wave for wave, _ in sources]
        keys = self.frozen.heard(self.towers, self.clips, waves.__getitem__)
        self.heads.eval()
        made = []
        for key in keys:
            assert self.frozen.sounds is not None
            rows = torch.from_numpy(self.frozen.sounds[key].copy()).to(self.heads.log_scale.device)
            with torch.inference_mode():
                vectors = self.heads.audio(rows)
                if self.frozen.recipe.compare == "branches":
                    vectors = compared.sounds(self.heads, vectors)
                mean = vectors.double().mean(dim=0)
            made.append((mean / mean.norm().clamp(min=1e-12)).float().cpu().numpy())
        return np.stack(made)

    def embed_text(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (len(texts), dim)."""
        if not self.frozen.reads:
            assert self.whole is not None
            return self.whole.embed_text(texts)
        with torch.inference_mode():
            made = [self.heads.text(*self.heads.tokens(texts[i : i + 256])) for i in range(0, len(texts), 256)]
            if self.frozen.recipe.compare == "branches":
                made = [compared.sentences(self.heads.eval(), vectors) for vectors in made]
        vectors: Vectors = torch.cat(made).float().cpu().numpy()
        return vectors


def _said(batches: ByStep) -> list[str]:
    """All that the batches can say."""
    if isinstance(batches, Mixture):
        return texts_of(batches)
    return list(dict.fromkeys(text for said in getattr(batches, "said", ()) for text in said))


def _made_by(encoder: nn.Module, settings: Mapping[str, Any], *more: str) -> str:
    """What an encoder's output depends on: settings and weights, to the last bit."""
    digest = hashlib.sha256()
    for name, tensor in encoder.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return json.dumps([digest.hexdigest(), settings, *more], sort_keys=True, default=dict)
