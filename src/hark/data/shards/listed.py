"""Samples of shards as clips of a corpus, named as if they were unpacked; nothing is unpacked for that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from hark.data import manifest
from hark.data.records import Clip
from hark.data.shards.read import Shards
from hark.data.shards.sample import key

LISTED = "listed.jsonl"


@dataclass(frozen=True)
class Listed:
    """A folder of shards and its samples, in order, as clips whose paths are where `unpack` would write them."""

    shards: Shards
    clips: list[Clip]


def listed(folder: Path, out: Path) -> Listed:
    """The samples of the shards in `folder` as `unpack` to `out` would name them; what is found is kept in `out`.

    Raises DataError: no shards, damaged ones.
    """
    shards = Shards.open(folder)
    if not (out / LISTED).is_file():
        manifest.write(out / LISTED, named(shards, out))
    return Listed(shards, manifest.read(out / LISTED))


def named(shards: Shards, out: Path) -> Iterator[Clip]:
    """Every sample as a clip with a file of its own below `out`, in order.

    No file is named by what a tar says: names are made safe, so none lies outside `out`. Where two samples have one id,
    the later is called SHARD/KEY, or SHARD/KEY/NUMBER where that is taken.
    """
    seen: set[str] = set()
    used: set[str] = set()  # some file systems take "A" for "a"
    for number in range(len(shards)):
        shard, name = shards.place(number)
        clip, _ = shards.told(number)
        suffix = clip.path.suffix
        for other in (f"{shard}/{name}", f"{shard}/{name}/{number}"):
            if clip.id in seen:
                clip = replace(clip, id=other)
        seen.add(clip.id)
        into = out / Path(shard).stem
        path = into / f"{name}{suffix}"
        if not _safe(name) or str(path).casefold() in used:
            path = into / f"{key(f'{number}/{name}')}{suffix}"
        used.add(str(path).casefold())
        yield replace(clip, path=path)


def _safe(name: str) -> bool:
    return name.replace("-", "").replace("_", "").isalnum() and name.isascii() and len(name) < 100
