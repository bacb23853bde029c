"""A model in use: sound and sentences in, unit vectors out, the same every time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from hark.audio.decode import Source, blocks
from hark.audio.window import Window, slide
from hark.core.types import Vectors
from hark.models.towers import Towers
from hark.recipe import Recipe
from hark.runtime.fuse import fused

BATCH = 16  # windows; bounds the memory that one sound takes, however long it is


class Model:
    """Trained towers with their recipe.

    Sound is cut into windows that cover it (never a random crop), so the same sound gives the same vectors whether it
    comes alone, in a batch, today or tomorrow. `stamp` tells which recipe and weights made a vector. The towers are
    copied, so training them on does not change the model.
    """

    def __init__(self, recipe: Recipe, towers: Towers, *, stamp: str, device: str = "cpu") -> None:
        self.recipe = recipe
        self.name = recipe.name
        self.stamp = stamp
        self.dim = recipe.dim
        self.rate_hz = recipe.audio.rate_hz
        self.device = torch.device(device)
        self.towers = fused(towers).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def embed_text(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (len(texts), dim)."""
        rows = []
        for i in range(0, len(texts), 256):
            with torch.inference_mode():
                vectors = self.towers.text(*self.towers.tokens(texts[i : i + 256]))
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
        )

    def embed_waves(self, waves: NDArray[np.float32]) -> Vectors:
        """Unit vectors (n, dim) of n windows, each exactly as long as the recipe's window, at its rate."""
        assert waves.ndim == 2, waves.shape
        with torch.inference_mode():
            vectors = self.towers.audio(torch.from_numpy(waves).to(self.device))
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

        Raises SoundError.
        """
        rows = [_mean(self.embed_windows(source)[1]) for source in sources]
        return np.stack(rows) if rows else np.zeros((0, self.dim), dtype=np.float32)


def _mean(vectors: Vectors) -> NDArray[np.float32]:
    mean = vectors.mean(axis=0, dtype=np.float64)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)
