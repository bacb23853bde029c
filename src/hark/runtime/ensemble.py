"""Several models as one: their vectors joined, so that one cosine is the weighted mean of theirs."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hark.audio.decode import Source
from hark.core.errors import SettingError
from hark.core.types import Vectors
from hark.recipe import ensemble as ensembles
from hark.runtime import load as loading
from hark.runtime.model import Model


class Joined:
    """Models whose unit vectors are put end to end, each scaled by the square root of its share of the weights.

    The cosine of two joined vectors is the weighted mean of the models' cosines: an ensemble by mean similarity is one
    model with longer vectors. `embed_windows` is there only where all hear windows of one rate, length and hop.

    Raises SettingError for no model, weights that are no weights, or a model that only hears.
    """

    def __init__(
        self, models: Sequence[Model], weights: Sequence[float] | None = None, *, name: str = "joined"
    ) -> None:
        counts = [1.0] * len(models) if weights is None else [float(weight) for weight in weights]
        if not models or len(counts) != len(models):
            raise SettingError(f"{name}: {len(models)} models and {len(counts)} weights; give one weight to each")
        if not all(math.isfinite(count) and count > 0 for count in counts):
            raise SettingError(f"{name}: weights {counts}; a model that is joined weighs more than 0")
        for model in models:
            if not model.reads:
                raise SettingError(f"{name}: '{model.name}' only hears: it has no text tower")
        self.models = tuple(models)
        self.weights = tuple(counts)
        self.scales = tuple(math.sqrt(count / sum(counts)) for count in counts)
        self.name = name
        told = [[model.stamp, count] for model, count in zip(models, counts, strict=True)]  # the order is the vector's
        self.stamp = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]
        self.dim = sum(model.dim for model in models)
        self.rate_hz = max(model.rate_hz for model in models)

    def embed_text(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (len(texts), dim)."""
        return self._join([model.embed_text(texts) for model in self.models])

    def embed_audio(self, sources: Iterable[Source]) -> Vectors:
        """One unit vector for each sound, (n, dim). Raises SoundError."""
        rows = [self._join([model.embed_audio([source]) for model in self.models]) for source in sources]
        return np.concatenate(rows) if rows else np.zeros((0, self.dim), dtype=np.float32)

    def embed_windows(self, source: Source) -> tuple[NDArray[np.float64], Vectors]:
        """Where each window of a sound lies, (n, 2) seconds, and its unit vector, (n, dim).

        Raises SettingError where the models' windows differ, SoundError.
        """
        audio = [model.recipe.audio for model in self.models]
        if len({(one.rate_hz, one.window_s, one.hop_s or one.window_s / 2) for one in audio}) > 1:
            told = ", ".join(f"{model.name} {model.recipe.audio.window_s} s" for model in self.models)
            raise SettingError(f"{self.name}: its models hear windows of other lengths, hops or rates ({told})")
        found = [model.embed_windows(source) for model in self.models]
        return found[0][0], self._join([vectors for _, vectors in found])

    def _join(self, parts: Sequence[Vectors]) -> Vectors:
        scaled = [part * np.float32(scale) for part, scale in zip(parts, self.scales, strict=True)]
        return np.concatenate(scaled, axis=1)


def as_embedder(name: str) -> Joined:
    """The models of an ensemble as one, where it is one: combined by mean similarity, without rewritten queries.

    Raises SettingError for another combination, WeightsError where a member's weights are not there.
    """
    ensemble = ensembles.load(name)
    if ensemble.combine != {"name": "mean"}:
        raise SettingError(f"{name}: combined by '{ensemble.combine['name']}'; only by 'mean' is it one model")
    models, weights = [], []
    for spec in ensemble.members:
        if spec.rewrite is not None:
            raise SettingError(f"{name}: has rewritten queries, so it is not one model; `hark ensemble` runs it")
        files = spec.files()
        models += [loading.load(file) for file in files]
        weights += [spec.weight / len(files)] * len(files)
    return Joined(models, weights, name=ensemble.name)


AnyModel: TypeAlias = Model | Joined
"""What sounds can be indexed and searched with."""


def load_any(name: str) -> AnyModel:
    """The model of that name, file or folder (`hark.runtime.load.load`), or the ensemble of that name or .toml file.

    Raises SettingError, WeightsError.
    """
    return as_embedder(name) if ensembles.is_one(name) else loading.load(name)
