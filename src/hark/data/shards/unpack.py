"""Unpacks WebDataset shards into files and a manifest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hark.core.files import write_aside
from hark.data import manifest
from hark.data.records import Clip
from hark.data.shards.listed import named
from hark.data.shards.read import Shards

MANIFEST = "manifest.jsonl"


def unpack(folder: Path, out: Path, *, progress: Callable[[int, int], None] | None = None) -> list[Clip]:
    """Writes every sound of the shards in `folder` to `out`/SHARD/ as it is, and `out`/manifest.jsonl last of all.

    The clips are called as `hark.data.shards.listed.named` says. Called again after a cut, it goes on. `progress` hears
    (sounds done, sounds in all). Returns the manifest's clips.

    Raises DataError: no shards, damaged ones.
    """
    shards = Shards.open(folder)
    clips: list[Clip] = []
    for number, clip in enumerate(named(shards, out)):
        sound = shards[number].sound
        if not (clip.path.is_file() and clip.path.read_bytes() == sound):
            with write_aside(clip.path) as aside:
                aside.write_bytes(sound)
        clips.append(clip)
        if progress is not None:
            progress(len(clips), len(shards))
    manifest.write(out / MANIFEST, clips)
    return clips
