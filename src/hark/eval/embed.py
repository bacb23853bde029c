"""Embeds the clips of a manifest for an evaluation, in which no clip may be missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import numpy as np

from hark.audio.decode import Source, decode
from hark.core.errors import DataError, SoundError, WeightsError
from hark.core.types import Scores, Vectors
from hark.data.records import Clip

Progress = Callable[[int, int], None]
"""Told (clips done, clips in all) after each clip."""


class Embedder(Protocol):
    """What an evaluation asks of a model; `hark.runtime.model.Model` is one."""

    @property
    def name(self) -> str:
        """What the model is called."""

    @property
    def stamp(self) -> str:
        """What identifies its recipe and weights."""

    @property
    def rate_hz(self) -> int:
        """The sample rate that it hears."""

    def embed_text(self, texts: Sequence[str]) -> Vectors:
        """(texts, dim) one unit vector for each text."""

    def embed_audio(self, sources: Iterable[Source]) -> Vectors:
        """(sources, dim) one unit vector for each sound."""


def embed_clips(model: Embedder, clips: Sequence[Clip], *, progress: Progress | None = None) -> Vectors:
    """(clips, dim) one unit vector for each clip, of the stretch that the clip is.

    A file that is missing or cannot be read ends the evaluation, since leaving its clip out would change the score in
    silence; missing files are looked for before the first clip is embedded.

    Raises DataError, naming the clip and its file; WeightsError where the model's vector is not finite.
    """
    _refuse_missing(clips)
    vectors = []
    for done, clip in enumerate(clips, start=1):
        try:
            vector = model.embed_audio([_source(clip, model.rate_hz)])
        except SoundError as error:
            remedy = "repair the file, or leave the clip out of the manifest"
            raise DataError(f"clip '{clip.id}' ({clip.path}): {error}; {remedy}") from error
        _refuse_infinite(vector, model, f"clip '{clip.id}' ({clip.path})")
        vectors.append(vector)
        if progress is not None:
            progress(done, len(clips))
    return np.concatenate(vectors)


def embed_texts(model: Embedder, texts: Sequence[str]) -> Vectors:
    """(texts, dim) one unit vector for each text.

    Raises WeightsError where the model's vector is not finite.
    """
    vectors = model.embed_text(texts)
    for text, vector in zip(texts, vectors, strict=True):
        _refuse_infinite(vector, model, f'text "{text}"')
    return vectors


def similarities(queries: Vectors, items: Vectors) -> Scores:
    """(queries, items) float32 cosines.

    Computed in float64 and then rounded: a float32 product may give two equal items scores that differ in the last
    bit, according to where they lie in the matrix, and so hide a tie.
    """
    return (queries.astype(np.float64) @ items.astype(np.float64).T).astype(np.float32)


def _source(clip: Clip, rate_hz: int) -> Source:
    if clip.start_s == 0 and clip.duration_s is None:
        return clip.path  # a whole file is streamed
    return decode(clip.path, rate_hz, start_s=clip.start_s, duration_s=clip.duration_s), rate_hz


def _refuse_missing(clips: Sequence[Clip]) -> None:
    missing = [clip for clip in clips if not clip.path.is_file()]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        first = missing[0]
        raise DataError(f"clip '{first.id}': no file {first.path}{more}; mend the path, or leave the clip out")


def _refuse_infinite(vector: Vectors, model: Embedder, what: str) -> None:
    if not np.isfinite(vector).all():
        raise WeightsError(f"{model.name}: its vector for {what} is not finite; the weights are damaged or diverged")
