"""A folder of sounds of your own, described by their names or by a table of captions and labels."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hark.audio.suffixes import known_suffixes
from hark.core.errors import DataError
from hark.data import manifest
from hark.data.records import Clip
from hark.text.filenames import words as words


@dataclass(frozen=True)
class Config:
    """All sounds below `path`, whose own licence holds.

    With `table` (.csv, .tsv, .json, .jsonl; see `hark.data.manifest.read`; relative to `path`) these are the sounds
    that it lists, and `where` keeps those whose columns have the values given. Without it the caption is the file's
    name in words ("dog_bark-02.wav" is "dog bark"), the label the name of the sub-folder it lies in, if it lies in one,
    and the id the path below `path`. It has no split: `resplit` makes LAION-CLAP's 90/10 of it.
    """

    path: str
    table: str = ""
    where: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.where and not self.table:
            raise ValueError("where: only a table has columns; give table as well")

    def build(self) -> list[Clip]:
        """The clips, all there, in the order of the table or of their names.

        Raises DataError where the folder, the table or a sound that it lists is not there.
        """
        clips = self.listed()
        if self.table:
            manifest.require_files(clips, self._table())
        return clips

    def listed(self) -> list[Clip]:
        """What the table lists, whether its sounds are there or not; without a table, the sounds that lie there.

        Raises DataError where the folder or the table is not there, or there is no sound.
        """
        folder = Path(self.path).expanduser()
        if not folder.is_dir():
            raise DataError(f"{folder}: no such folder; check 'path'")
        if self.table:
            return manifest.read(self._table(), where=self.where, folder=folder)
        clips = [_clip(file, folder) for file in sorted(sounds(folder))]
        if not clips:
            raise DataError(f"{folder}: no sound in it; known endings: {' '.join(sorted(known_suffixes()))}")
        return clips

    def _table(self) -> Path:
        return Path(self.path).expanduser() / Path(self.table).expanduser()


def sounds(folder: Path) -> Iterator[Path]:
    """The sound files below a folder, in no order; hidden files and folders are left out."""
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in known_suffixes():  # noqa: PTH122 - fast
                yield Path(place, name)


def _clip(file: Path, folder: Path) -> Clip:
    below = file.relative_to(folder)
    caption, group = words(file.stem), below.parent.name
    return Clip(
        id=below.as_posix(),
        path=file,
        captions=(caption,) if caption else (),
        labels=(words(group) or group,) if group else (),
    )
