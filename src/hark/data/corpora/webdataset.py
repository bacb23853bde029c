"""WebDataset shards, such as LAION's: tars of `KEY.flac` and `KEY.json`, unpacked once."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hark.core.errors import DataError
from hark.core.files import cache_folder
from hark.core.settings import suggest
from hark.data import manifest
from hark.data.corpora import _published
from hark.data.records import Clip
from hark.data.shards.listed import Listed, listed
from hark.data.shards.read import Shards
from hark.data.shards.unpack import MANIFEST, unpack


@dataclass(frozen=True)
class Config:
    """The samples of the tars in `path`, or in its sub-folders, which are then the splits (`train/`, `valid/`, ...).

    Samples are as LAION packs them: a sound of any kind, and a .json with `text` (captions), `tag` (labels) and
    `original_data` (extras `original_...`); or a .txt with one caption. Their order is that of the tars.

    The sounds are unpacked into `cache` (a folder in hark's cache unless given) the first time, and again when a tar
    changes or a sound is gone; names in a tar never lead out of it. With `complete` the tars must hold as many samples
    as LAION's `sizes.json` beside them says, if there is one.
    """

    path: str
    splits: tuple[str, ...] = ()
    cache: str = ""
    complete: bool = True

    def listed(self) -> list[Clip]:
        """As `build`, because only the tars know what is in them.

        Raises DataError as `build` does.
        """
        return self.build()

    def build(self) -> list[Clip]:
        """The samples, split after split; an id is "train/KEY" where there are splits.

        Raises DataError where a tar is missing or damaged, or a split is not there.
        """
        return [clip for prefix, folder in self._folders() for clip in _named(self._samples(folder), prefix)]

    def packed(self) -> list[Listed]:
        """The same clips, folder by folder of tars, without unpacking anything: their paths are where it would be.

        Raises DataError as `build` does.
        """
        found = [(prefix, listed(folder, self._out(folder))) for prefix, folder in self._folders()]
        return [Listed(one.shards, _named(one.clips, prefix)) for prefix, one in found]

    def _folders(self) -> list[tuple[str, Path]]:
        """The splits that are asked for, "" where there are none, and where their tars lie."""
        folder = _published.root(self.path)
        if any(folder.glob("*.tar")):
            if self.splits:
                raise DataError(f"{folder}: tars without splits; leave out 'splits' or give the folder above")
            found = [""]
        else:
            found = sorted({tar.parent.name for tar in folder.glob("*/*.tar")})
            for split in self.splits:
                if split not in found:
                    raise DataError(f"{folder}: no split '{split}' with tars in it; {suggest(split, found)}")
            if not found:
                raise DataError(f"{folder}: no .tar in it or in its folders; check 'path'")
        kept = [split for split in found if not self.splits or split in self.splits]
        if self.complete:
            for split in kept:
                _require_sizes(folder / split)
        return [(split, folder / split) for split in kept]

    def _samples(self, folder: Path) -> list[Clip]:
        out = self._out(folder)
        if (out / MANIFEST).is_file():  # it is written last
            clips = manifest.read(out / MANIFEST)
            if all(clip.path.is_file() for clip in clips):
                return clips
        return unpack(folder, out)

    def _out(self, folder: Path) -> Path:
        base = Path(self.cache).expanduser() if self.cache else cache_folder() / "webdataset"
        return base / f"{folder.name}-{_identity(folder)}"


def _named(clips: Iterable[Clip], split: str) -> list[Clip]:
    """The clips of a split."""
    if not split:
        return list(clips)
    return [dataclasses.replace(clip, id=f"{split}/{clip.id}", extra={**clip.extra, "split": split}) for clip in clips]


def _identity(folder: Path) -> str:
    """Changes with the place of the tars, their names, sizes and times."""
    digest = hashlib.sha256(str(folder.absolute()).encode("utf-8", "surrogateescape"))
    for tar in sorted(folder.glob("*.tar")):
        told = tar.stat()
        digest.update(repr((tar.name, told.st_size, told.st_mtime_ns)).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def _require_sizes(folder: Path) -> None:
    file = folder / "sizes.json"
    if not file.is_file():
        return
    try:
        told = json.loads(_published.text(file))
    except ValueError as error:
        raise DataError(f"{file}: not JSON ({error}); remove it or copy it again") from None
    if not isinstance(told, dict):
        raise DataError(f"{file}: no object of tars and how many samples each has; remove it or copy it again")
    shards = Shards.open(folder)
    found = {shard.name: shard.samples for shard in shards.shards}
    for name in [*told, *found]:
        if found.get(name) != told.get(name):
            raise DataError(
                f"{folder}: {name}: {found.get(name, 0)} samples, not {told.get(name, 0)} as sizes.json says; "
                "copy it again or set complete = false"
            )
