"""The two loaders that `benchmarks.data` compares, and the shards that they read."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

RATE_HZ = 48_000
DEPTH = 2  # batches that each worker makes ahead

Batches: TypeAlias = Generator[tuple[Any, Sequence[str]], None, None]
"""Waves (size, samples) and texts, for ever."""


def hark_batches(folder: Path, workers: int, *, window_s: float, size: int) -> Batches:
    """Those of hark."""
    from hark.data.loader import load
    from hark.data.mixture import Mixture
    from hark.data.shards.read import Shards
    from hark.data.sources import InShards

    mixture = Mixture(
        [InShards("noise", Shards.open(folder))],
        rate_hz=RATE_HZ,
        samples=round(window_s * RATE_HZ),
        size=size,
        seed=0,
        short="zeros",
    )
    for batch in load(mixture, workers=workers, depth=DEPTH):
        yield batch.waves, batch.texts


def plain_batches(folder: Path, workers: int, *, window_s: float, size: int) -> Batches:
    """Those of webdataset with soundfile; the waves are a tensor, which DataLoader hands over in shared memory."""
    import io
    import random

    import soundfile
    import torch
    import torch.nn.functional as F
    import webdataset

    samples = round(window_s * RATE_HZ)

    def decoded(sample: dict[str, Any]) -> tuple[torch.Tensor, str]:
        wave, _ = soundfile.read(io.BytesIO(sample["flac"]), dtype="float32")
        start = random.randint(0, max(0, len(wave) - samples))
        cut = torch.from_numpy(wave[start : start + samples])
        return F.pad(cut, (0, samples - len(cut))), random.choice(json.loads(sample["json"])["text"])

    shards = sorted(str(path) for path in folder.glob("*.tar"))
    dataset = webdataset.WebDataset(shards, shardshuffle=len(shards), seed=0).shuffle(1000).map(decoded)
    dataset = dataset.repeat().batched(size, partial=False)
    loader = webdataset.WebLoader(  # fork is its usual way here; only within a spawned process it would spawn, too
        dataset, batch_size=None, num_workers=workers, prefetch_factor=DEPTH, multiprocessing_context="fork"
    )
    yield from loader


def write_shards(folder: Path, clips: int, per_shard: int, lengths_s: tuple[float, float]) -> None:
    """Packs so many clips of noise, as many of each length between the two."""
    import numpy as np

    from benchmarks.sounds import write_noise
    from hark.data.records import Clip
    from hark.data.shards.pack import pack

    lengths = np.linspace(*lengths_s, clips)
    starts = np.concatenate([[0.0], np.cumsum(lengths)])
    noise = folder.with_suffix(".flac")
    write_noise(noise, float(starts[-1]) + 1.0, rng=np.random.default_rng(0))
    listed = [
        Clip(
            f"{i:05}",
            noise,
            (f"noise number {i}", f"the noise of {i}"),
            start_s=float(starts[i]),
            duration_s=lengths[i],
        )
        for i in range(clips)
    ]
    packed = pack(listed, folder, per_shard=per_shard, rate_hz=RATE_HZ)
    assert not packed.left_out, packed.left_out
