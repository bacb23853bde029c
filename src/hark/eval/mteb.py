"""Any model of hark as an encoder of the package `mteb`, which holds MAEB, the Massive Audio Embedding Benchmark.

    import mteb
    from hark.eval.mteb import Encoder

    mteb.evaluate(Encoder("mini"), mteb.get_benchmark("MAEB"))

Sounds are decoded and resampled by hark, and heard whole, in windows: neither torchaudio nor torchcodec is needed.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hark.audio.decode import Source, decode
from hark.core.errors import DataError, SettingError, SilentSound, SoundError
from hark.core.types import Vectors
from hark.eval.embed import Embedder
from hark.runtime.load import load

Batches = Iterable[Mapping[str, Sequence[Any]]]
"""What mteb gives: a DataLoader over a data set, whose batches hold lists by column."""


class Encoder:
    """Speaks mteb's `EncoderProtocol` for a model, given by name or itself (so an ensemble or `Augmented` will do).

    A column `text` is embedded as text, `audio` as sound; rows that have both get the sum, made a unit vector, as the
    other encoders of mteb do it. A sound of digital silence has no vector of its own: it gets zeros, which are as near
    to everything as to nothing.
    """

    def __init__(self, model: str | Embedder, revision: str | None = None, *, device: str | None = None) -> None:
        self.model: Embedder
        if isinstance(model, str):
            self.model = load(model.removeprefix("hark/"), device=device or "cpu")
        else:
            self.model = model
        if revision is not None and revision != self.model.stamp:
            raise SettingError(f"{self.model.name}: its stamp is {self.model.stamp}, not the revision {revision}")

    def encode(self, inputs: Batches, **_: Any) -> Vectors:
        """(rows, dim) the rows' unit vectors; what else mteb tells (task, split, prompt) changes nothing.

        Raises DataError for a row with neither text nor audio, or a sound that cannot be read.
        """
        made: list[Vectors] = []
        rows = 0
        for batch in _batches(inputs):
            made.append(self._batch(batch, rows))
            rows += len(made[-1])
        if not made:
            return self.model.embed_text([])
        return np.concatenate(made)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> torch.Tensor:
        """(n, m) the cosines."""
        return _units(embeddings1) @ _units(embeddings2).T

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> torch.Tensor:
        """(n,) the cosines of each row with its fellow."""
        return (_units(embeddings1) * _units(embeddings2)).sum(dim=1)

    @functools.cached_property
    def mteb_model_meta(self) -> Any:
        """What mteb writes beside its scores: the model's name, and its stamp as the revision.

        Raises SettingError where mteb is not installed.
        """
        dim = getattr(self.model, "dim", None)
        towers = getattr(self.model, "towers", None)
        reads = getattr(self.model, "reads", True)
        return _mteb("mteb.models.model_meta").ModelMeta(
            loader=None,
            name=f"hark/{self.model.name.replace('/', '-').replace(' ', '_')}",
            revision=self.model.stamp,
            release_date=None,
            languages=["eng-Latn"],
            n_parameters=None if towers is None else sum(p.numel() for p in towers.parameters()),
            memory_usage_mb=None,
            max_tokens=None,
            embed_dim=dim,
            license=None,
            open_weights=None,
            public_training_code=None,
            public_training_data=None,
            framework=["PyTorch"],
            similarity_fn_name="cosine",
            use_instructions=False,
            training_datasets=None,
            modalities=["audio", "text"] if reads else ["audio"],
        )

    def _batch(self, batch: Mapping[str, Sequence[Any]], before: int) -> Vectors:
        parts = []
        if "audio" in batch:
            parts.append(np.stack([self._sound(item, before + at) for at, item in enumerate(batch["audio"])]))
        if "text" in batch:
            parts.append(self.model.embed_text([str(text) for text in batch["text"]]))
        if not parts:
            raise DataError(f"mteb: rows have {', '.join(sorted(batch))}; hark embeds 'audio' and 'text'")
        if len(parts) == 1:
            return parts[0]
        units: Vectors = _units(parts[0] + parts[1]).float().numpy()
        return units

    def _sound(self, item: Any, row: int) -> NDArray[np.float32]:
        try:
            vector: NDArray[np.float32] = self.model.embed_audio([_source(item)])[0]
        except SilentSound:
            dim = getattr(self.model, "dim", None) or self.model.embed_text([" "]).shape[1]
            vector = np.zeros(dim, dtype=np.float32)
        except SoundError as error:
            raise DataError(f"mteb: the sound of row {row}: {error}") from None
        return vector


def _batches(inputs: Batches) -> Iterator[Mapping[str, Sequence[Any]]]:
    """The batches; where a data set would decode its sounds (by torchcodec), its undecoded files instead."""
    dataset = getattr(inputs, "dataset", None)
    feature: Any = (getattr(dataset, "features", None) or {}).get("audio")
    if dataset is None or type(feature).__name__ != "Audio":
        yield from inputs
        return
    audio = _mteb("datasets").Audio
    rate_hz = feature.sampling_rate
    raw = dataset.cast_column("audio", audio(decode=False))
    size = getattr(inputs, "batch_size", None) or 32
    for start in range(0, len(raw), size):
        rows = raw[start : start + size]
        yield {**rows, "audio": [{**item, "at_hz": rate_hz} for item in rows["audio"]]}


def _source(item: Any) -> Source:
    """A row's sound as hark takes it, from {"array", "sampling_rate"} or a file's {"bytes", "path", "at_hz"}."""
    if isinstance(item, Mapping) and ("bytes" in item or "path" in item):
        source: Source = item["bytes"] if item.get("bytes") is not None else item["path"]
        if item.get("at_hz"):  # the task asks for a rate: what is above its half must not be heard
            return decode(source, item["at_hz"]), item["at_hz"]
        return source
    wave = np.asarray(item["array"], dtype=np.float32)
    return wave.mean(axis=0) if wave.ndim > 1 else wave, int(item["sampling_rate"])  # channels come first


def _units(vectors: Any) -> torch.Tensor:
    found = torch.as_tensor(vectors, dtype=torch.float64, device="cpu")
    return torch.nn.functional.normalize(found.reshape(-1, found.shape[-1]), dim=1)


def _mteb(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise SettingError(f"{name.split('.')[0]} cannot be imported ({error}); pip install 'hark[mteb]'") from None
