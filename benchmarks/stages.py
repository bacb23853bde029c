"""What `hark index` does to files, on one thread, with a clock on each stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.watch import Watch
from hark.audio import decode
from hark.audio.resample import Resampler
from hark.audio.window import slide
from hark.core.types import Wave
from hark.index import matrix, sqlite
from hark.index.rows import FileRow, Owner
from hark.runtime.model import BATCH, Model

STAGES = ("decode", "resample", "windows", "features", "tower", "store")


def index_in_stages(model: Model, files: Sequence[Path], *, library: Path) -> dict[str, float]:
    """Makes the very library that `hark index` makes; returns the seconds that each of STAGES took.

    "store" is all that is none of the others.
    """
    watch = Watch()
    audio = model.recipe.audio
    front_end = model.towers.features
    hooks = [
        front_end.register_forward_pre_hook(lambda *_: _switch(watch, "features")),
        front_end.register_forward_hook(lambda *_: _switch(watch, "tower")),
    ]
    owner = Owner(model.name, model.stamp, model.dim)
    try:
        with watch.on("store"), sqlite.writing(library, owner) as database:
            for path in files:
                with watch.on("decode"):
                    said = decode.info(path)
                waves = watch.each("decode", decode.blocks(path))
                resampled = watch.each("resample", _resampled(waves, said.rate_hz, audio.rate_hz))
                hop_s = audio.hop_s or audio.window_s / 2
                cut = slide(resampled, audio.rate_hz, window_s=audio.window_s, hop_s=hop_s, short=audio.short)
                windows = watch.each("windows", cut)
                spans, vectors = [], []
                while batch := list(islice(windows, BATCH)):
                    spans += [(window.start_s, window.end_s) for window in batch]
                    with watch.on("tower"):
                        vectors.append(model.embed_waves(np.stack([window.wave for window in batch])))
                file = path.stat()
                row = FileRow(
                    path=str(path),
                    size=file.st_size,
                    mtime_ns=file.st_mtime_ns,
                    duration_s=said.duration_s,
                    rate_hz=said.rate_hz,
                    channels=said.channels,
                    format=said.format,
                )
                database.put(row, np.array(spans, np.float64), vectors=np.concatenate(vectors))
            matrix.load(database, library)
    finally:
        for hook in hooks:
            hook.remove()
    assert set(watch.seconds) == set(STAGES), watch.seconds
    return {stage: watch.seconds[stage] for stage in STAGES}


def _switch(watch: Watch, stage: str) -> None:
    """A hook that returns something would change the features."""
    watch.switch(stage)


def _resampled(waves: Iterator[Wave], from_hz: int, to_hz: int) -> Iterator[Wave]:
    resampler = Resampler(from_hz, to_hz)
    for wave in waves:
        yield resampler.push(wave)
    yield resampler.finish()
