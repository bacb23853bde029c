"""A model in use: sound and sentences in, unit vectors out, the same every time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from hark.audio.decode import Source, blocks, decode
from hark.audio.window import Window, fit, slide
from hark.core import component
from hark.core.errors import SettingError
from hark.core.types import Vectors
from hark.models import compared
from hark.models.towers import Towers
from hark.recipe import Recipe
from hark.runtime.fuse import fused


class Sounded(NamedTuple):
    """Where each window lies, (n, 2) seconds; its embedding, (n, encoder dim); its labels' logits, (n, classes)."""

    spans: NDArray[np.float64]
    embeddings: NDArray[np.float32]
    logits: NDArray[np.float32] | None


BATCH = 16  # windows; bounds the memory that one sound takes, however long it is


class Model:
    """Trained towers with their recipe.

    Sound is cut into windows that cover it (never a random crop), so the same sound gives the same vectors whether it
    comes alone, in a batch, today or tomorrow. `stamp` tells which recipe and weights made a vector. The towers are
    copied, so training them on does not change the model.

    With `compat="published"`, `embed_audio` and `embed_text` go the way of the original's own code, random crops (drawn
    with `seed`) and faults included; with `compat="if-published"` too, but a model of which no such way is known goes
    ours.

    Raises SettingError for another word, or "published" where the recipe knows no way of an original's.
    """

    def __init__(
        self,
        recipe: Recipe,
        towers: Towers,
        *,
        stamp: str,
        device: str = "cpu",
        compat: str | None = None,
        seed: int = 0,
    ) -> None:
        if compat not in (None, "published", "if-published"):
            raise SettingError(f"compat '{compat}': unknown; 'published' is the only other way than ours")
        if compat == "published" and recipe.compat is None:
            raise SettingError(
                f"{recipe.name}: compat 'published': hark knows no way of an original that differs from its own; leave "
                "it out"
            )
        self.recipe = recipe
        self.name = recipe.name
        self.stamp = stamp
        self.dim = recipe.size
        self.rate_hz = recipe.audio.rate_hz
        self.device = torch.device(device)
        self.reads = towers.reads
        self.seed = seed
        self.original: Any = None
        if compat is not None and recipe.compat is not None:
            where = f"{recipe.name}.toml: compat"
            self.original = component.config("runtime.compat", recipe.compat, where=where).build(audio=recipe.audio)
        self.towers = fused(towers).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def embed_text(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (len(texts), dim).

        Raises SettingError where the model has no text tower, WeightsError where its tokenizer is not here.
        """
        if not self.reads:
            raise SettingError(f"'{self.name}' only hears: it has no text tower, so it cannot embed sentences")
        rows = []
        for i in range(0, len(texts), 256):
            with torch.inference_mode():
                tokens = self.towers.tokens(texts[i : i + 256])
                vectors = self.original.sentences(self.towers, *tokens) if self.original else self.towers.text(*tokens)
                if self.recipe.compare == "branches":
                    vectors = compared.sentences(self.towers, vectors)
            rows.append(vectors.float().cpu().numpy())
        return np.concatenate(rows) if rows else np.zeros((0, self.dim), dtype=np.float32)

    def windows(self, source: Source) -> Iterator[Window]:
        """The windows that cover a sound, one after the other, without holding the whole sound in memory.

        Raises SoundError.
        """
        audio = self.recipe.audio
        return slide(
            blocks(source, audio.rate_hz),
            audio.rate_hz,
            window_s=audio.window_s,
            hop_s=audio.hop_s or audio.window_s / 2,
            short=audio.short,
            least_s=audio.least_s,
        )

    def embed_waves(self, waves: NDArray[np.float32]) -> Vectors:
        """Unit vectors (n, dim) of n windows, all of one length, at the recipe's rate.

        That length is the recipe's window; only a tower that hears any length takes others.
        """
        assert waves.ndim == 2, waves.shape
        with torch.inference_mode():
            vectors = self.towers.audio(torch.from_numpy(waves).to(self.device))
            if self.recipe.compare == "branches":
                vectors = compared.sounds(self.towers, vectors)
        made: Vectors = vectors.float().cpu().numpy()
        return made

    def embed_windows(self, source: Source) -> tuple[NDArray[np.float64], Vectors]:
        """Where each window of a sound lies, (n, 2) seconds, and its unit vector, (n, dim).

        Raises SoundError.
        """
        spans: list[tuple[float, float]] = []
        rows: list[Vectors] = []
        batch: list[NDArray[np.float32]] = []
        for window in self.windows(source):
            spans.append((window.start_s, window.end_s))
            batch.append(window.wave)
            if len(batch) == BATCH:
                rows.append(self.embed_waves(np.stack(batch)))
                batch.clear()
        if batch:
            rows.append(self.embed_waves(np.stack(batch)))
        return np.array(spans, dtype=np.float64), np.concatenate(rows)

    def embed_audio(self, sources: Iterable[Source]) -> Vectors:
        """One unit vector for each sound, (n, dim): the normalised mean of its windows' vectors.

        A recipe with `clip = "whole"` (feature fusion) hears all of a sound at once instead.

        Raises SoundError.
        """
        rows = [self._embed_one(source) for source in sources]
        return np.stack(rows) if rows else np.zeros((0, self.dim), dtype=np.float32)

    def hear(self, source: Source) -> Sounded:
        """What the audio tower makes of a sound before its head, window by window: embeddings, and labels' logits.

        Raises SoundError.
        """
        spans, embeddings, logits = [], [], []
        for window in self.windows(source):
            with torch.inference_mode():
                heard = self.towers.hear(torch.from_numpy(window.wave)[None].to(self.device))
            spans.append((window.start_s, window.end_s))
            embeddings.append(heard.embedding.float().cpu().numpy())
            if heard.logits is not None:
                logits.append(heard.logits.float().cpu().numpy())
        made = np.concatenate(logits) if logits else None
        return Sounded(np.array(spans, dtype=np.float64), np.concatenate(embeddings), made)

    def _embed_one(self, source: Source) -> NDArray[np.float32]:
        audio = self.recipe.audio
        with torch.inference_mode():
            if self.original is not None:
                vector: NDArray[np.float32] = self.original.vector(self.towers, source, seed=self.seed).cpu().numpy()
                return vector
            if audio.clip == "whole":
                wave = decode(source, audio.rate_hz)
                filled = fit(wave, max(len(wave), audio.samples), short=audio.short)
                row: NDArray[np.float32] = self.embed_waves(filled[None])[0]
                return row
        return _mean(self.embed_windows(source)[1])


def _mean(vectors: Vectors) -> NDArray[np.float32]:
    mean = vectors.mean(axis=0, dtype=np.float64)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)
