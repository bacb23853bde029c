"""Embeds the clips of a manifest for an evaluation, in which no clip may be missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hark.audio.decode import Source, decode
from hark.core.errors import DataError, SoundError, WeightsError
from hark.core.types import Scores, Vectors
from hark.data.records import Clip

BLOCK = 1 << 22  # float64 products at a time, 32 MB

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
    refuse_missing(clips)
    vectors = []
    for done, clip in enumerate(clips, start=1):
        vectors.append(embed_clip(model, clip))
        if progress is not None:
            progress(done, len(clips))
    return np.concatenate(vectors)


def embed_clip(model: Embedder, clip: Clip) -> Vectors:
    """(1, dim) the clip's vector. Raises as `embed_clips`."""
    try:
        vector = model.embed_audio([_source(clip, model.rate_hz)])
    except SoundError as error:
        remedy = "repair the file, or leave the clip out of the manifest"
        raise DataError(f"clip '{clip.id}' ({clip.path}): {error}; {remedy}") from error
    _refuse_infinite(vector, model, f"clip '{clip.id}' ({clip.path})")
    return vector


def embed_texts(model: Embedder, texts: Sequence[str]) -> Vectors:
    """(texts, dim) one unit vector for each text.

    Raises WeightsError where the model's vector is not finite.
    """
    vectors = model.embed_text(texts)
    for text, vector in zip(texts, vectors, strict=True):
        _refuse_infinite(vector, model, f'text "{text}"')
    return vectors


def refuse_missing(clips: Sequence[Clip]) -> None:
    """Raises DataError where a clip's file is not there."""
    missing = [clip for clip in clips if not clip.path.is_file()]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        first = missing[0]
        raise DataError(f"clip '{first.id}': no file {first.path}{more}; mend the path, or leave the clip out")


def similarities(queries: Vectors, items: Vectors) -> Scores:
    """(queries, items) float32 cosines; the same to the last bit for any block of them, in any order, on any machine.

    A float product may give two equal items scores that differ in the last bit, according to where they lie in the
    matrix, and so hide a tie. Here no sum is ever rounded: vectors are taken to 26 binary places (`exactly`), so that
    products have 52 and their sums, below 2, fit a float64. Only the result is rounded.
    """
    found = np.empty((len(queries), len(items)), dtype=np.float32)
    (left, up), (right, down) = exactly(queries), exactly(items)
    rows = max(1, BLOCK // max(1, len(items)))
    for start in range(0, len(queries), rows):
        block = left[start : start + rows] @ right.T
        power = up[start : start + rows, np.newaxis] + down
        found[start : start + rows] = np.ldexp(block, power) if power.any() else block
    return found


def paired_similarities(queries: Vectors, items: Vectors) -> Scores:
    """(n,) the similarity of query i with item i, to the last bit the one that `similarities` gives."""
    (left, up), (right, down) = exactly(queries), exactly(items)
    found: Scores = np.ldexp(np.einsum("ij,ij->i", left, right), up + down).astype(np.float32)
    return found


def exactly(vectors: Vectors) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Vectors whose products sum without rounding, and (n,) powers of two by which they were divided.

    Each row's length is brought to about 1 (2/3 to 4/3; unit vectors stay as they are) and its numbers to multiples of
    2^-26. This moves the cosine of unit vectors by some 10^-8, where a step of float32 near 1 is 6 10^-8.
    """
    wide = np.ascontiguousarray(vectors, dtype=np.float64)
    _, power = np.frexp(np.sqrt(np.square(wide).sum(axis=1)) * 0.75)
    return np.rint(np.ldexp(wide, 26 - power[:, np.newaxis])) * 2.0**-26, power


def _source(clip: Clip, rate_hz: int) -> Source:
    if clip.start_s == 0 and clip.duration_s is None:
        return clip.path  # a whole file is streamed
    return decode(clip.path, rate_hz, start_s=clip.start_s, duration_s=clip.duration_s), rate_hz


def _refuse_infinite(vector: Vectors, model: Embedder, what: str) -> None:
    if not np.isfinite(vector).all():
        raise WeightsError(f"{model.name}: its vector for {what} is not finite; the weights are damaged or diverged")
