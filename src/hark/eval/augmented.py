"""Query augmentation: a text's vector is the mean of its own and of those of its paraphrases (LY 2024, section 4.3)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from hark.audio.decode import Source
from hark.core.types import Vectors
from hark.eval.embed import Embedder, Progress
from hark.text.rewrites.rewriter import Rewriter, require_count


class Augmented:
    """A model whose texts are helped by up to `n` paraphrases each; its sounds are the model's own.

    The report averages the embeddings of the query and of its five paraphrases, each with the same weight, and does
    not say whether the mean is made a unit vector again. Here it is. That leaves text to audio as it was, since the
    length of a query's vector changes no order among the sounds; audio to text it puts on the scale of all texts.

    `progress` is told of the texts that are reworded.
    """

    def __init__(self, model: Embedder, rewriter: Rewriter, n: int = 5, *, progress: Progress | None = None) -> None:
        require_count(n)
        self.model = model
        self.rewriter = rewriter
        self.n = n
        self.progress = progress

    @property
    def name(self) -> str:
        """The model, the rewriter and the number of paraphrases: "mini + 5 by offline"."""
        return f"{self.model.name} + {self.n} by {self.rewriter.name}"

    @property
    def stamp(self) -> str:
        """The hash of the model's stamp, the rewriter's and the number."""
        told = f"augmented {self.model.stamp} {self.rewriter.stamp} {self.n}"
        return hashlib.sha256(told.encode()).hexdigest()

    @property
    def rate_hz(self) -> int:
        """The model's sample rate."""
        return self.model.rate_hz

    def embed_audio(self, sources: Iterable[Source]) -> Vectors:
        """The model's own vectors of sounds."""
        return self.model.embed_audio(sources)

    def embed_text(self, texts: Sequence[str]) -> Vectors:
        """(texts, dim) the unit vectors of the means.

        Raises what the rewriter and the model raise.
        """
        if not texts:
            return self.model.embed_text(texts)
        reworded = self.rewriter.rewrite(texts, self.n, progress=self.progress)
        groups = [(text, *more) for text, more in zip(texts, reworded, strict=True)]
        place = {said: at for at, said in enumerate(dict.fromkeys(said for group in groups for said in group))}
        vectors = self.model.embed_text(list(place)).astype(np.float64)
        means = np.stack([vectors[[place[said] for said in group]].mean(axis=0) for group in groups])
        lengths = np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
        return np.asarray(means / lengths, dtype=np.float32)
