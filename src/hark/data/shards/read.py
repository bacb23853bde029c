"""Reads shards: any sample by its number, or all of them in an order, decoded by worker processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from hark.core.errors import DataError
from hark.core.types import Wave
from hark.data.ahead import ahead
from hark.data.records import Clip
from hark.data.shards import index
from hark.data.shards.order import Order, Place
from hark.data.shards.sample import Sample, from_json


@dataclass(frozen=True, eq=False)
class Shards:
    """The samples of a folder of shards, by number; open it with `Shards.open`."""

    folder: Path
    shards: tuple[index.Shard, ...]
    rows: index.Rows

    @classmethod
    def open(cls, folder: Path, *, jobs: int = 1, progress: Callable[[int, int], None] | None = None) -> Shards:
        """The shards of a folder. Those that others packed are scanned the first time, by `jobs` processes.

        Raises DataError.
        """
        return cls(folder, *index.load(folder, jobs=jobs, progress=progress))

    def __reduce__(self) -> tuple[Any, ...]:
        return Shards.open, (self.folder,)  # the rows are mapped, not sent

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The samples of each shard."""
        return tuple(shard.samples for shard in self.shards)

    @property
    def seconds(self) -> NDArray[np.float64]:
        """The length of each sound; 0 where its header cannot be read."""
        return np.asarray(self.rows["frames"] / np.maximum(self.rows["rate_hz"], 1), dtype=np.float64)

    def frames(self, number: int) -> tuple[int, int]:
        """A sound's samples, and how many of them a second has, by its header (1 Hz where that cannot be read)."""
        row = self.rows[number]
        return int(row["frames"]), max(1, int(row["rate_hz"]))

    def place(self, number: int) -> tuple[str, str]:
        """The name of the shard that a sample lies in, and its key there."""
        row = self.rows[number]
        return self.shards[row["shard"]].name, row["key"].decode("utf-8", "surrogateescape")

    def __getitem__(self, number: int) -> Sample:
        """A sample, from two reads of its tar.

        Raises DataError, naming it.
        """
        row = self.rows[number]
        (sound, text), path = self._parts(number, ("sound", "text"))
        clip, texts = self._clip(number, text, path)
        return Sample(clip, texts, sound, row["suffix"].decode("utf-8", "surrogateescape"))

    def told(self, number: int) -> tuple[Clip, tuple[str, ...]]:
        """What is said of a sample, and its texts, without its sound.

        Raises DataError, naming it.
        """
        (text,), path = self._parts(number, ("text",))
        return self._clip(number, text, path)

    def _parts(self, number: int, parts: Sequence[str]) -> tuple[list[bytes], Path]:
        """The bytes of some of a sample's members, and where it lies."""
        row = self.rows[number]
        shard, key = self.place(number)
        path = self.folder / shard / f"{key}{row['suffix'].decode('utf-8', 'surrogateescape')}"
        try:
            with (self.folder / shard).open("rb", buffering=0) as file:
                return [_part(file, row[f"{part}_at"], row[f"{part}_size"]) for part in parts], path
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error})") from None

    def _clip(self, number: int, text: bytes, path: Path) -> tuple[Clip, tuple[str, ...]]:
        key = self.place(number)[1]
        if self.rows[number]["text_kind"] == b"json":
            return from_json(text, key=key, path=path)
        texts = tuple(line for line in [text.decode("utf-8", "replace").strip()] if line)
        return Clip(key, path, texts), texts

    def read(
        self,
        order: Order,
        place: Place | None = None,
        *,
        rate_hz: int | None = None,
        workers: int = 0,
        epochs: int | None = 1,
    ) -> Iterator[tuple[Place, Sample, Wave]]:
        """Samples in order from `place` on (the beginning), decoded whole by worker processes, or here if 0.

        With each comes the place behind it: give it back later, and the very next sample comes first. `epochs` counts
        the one that `place` is in; None goes on for ever. The samples' own bytes are left out.

        Raises DataError, naming the sample, at its turn.
        """
        yield from ahead(_Decoder(self, rate_hz), _visits(order, place or Place(), epochs), workers=workers, depth=8)


@dataclass(frozen=True)
class _Decoder:
    shards: Shards
    rate_hz: int | None

    def __call__(self, visit: tuple[Place, int]) -> tuple[Place, Sample, Wave]:
        place, number = visit
        sample = self.shards[number]
        return place, replace(sample, sound=b""), sample.wave(self.rate_hz)


def _visits(order: Order, place: Place, epochs: int | None) -> Iterator[tuple[Place, int]]:
    """The numbers from `place` on, each with the place behind it."""
    for epoch in count(place.epoch) if epochs is None else range(place.epoch, place.epoch + epochs):
        numbers = order.epoch(epoch)
        if not len(numbers):
            return
        for position in range(place.position if epoch == place.epoch else 0, len(numbers)):
            behind = Place(epoch, position + 1) if position + 1 < len(numbers) else Place(epoch + 1, 0)
            yield behind, int(numbers[position])


def _part(file: IO[bytes], at: int, size: int) -> bytes:
    if not size:
        return b""
    file.seek(int(at))
    read = file.read(int(size))
    if len(read) < size:
        raise OSError("it ends too early")
    return read
