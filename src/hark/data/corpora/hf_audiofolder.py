"""An audio folder in Hugging Face's layout: sounds, with a `metadata.csv` or `metadata.jsonl` beside them or not."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from hark.audio.suffixes import known_suffixes
from hark.core.errors import DataError
from hark.data import rows
from hark.data.corpora import _columns, _published
from hark.data.corpora.folder import sounds
from hark.data.manifest import require_files
from hark.data.records import Clip

TABLES = ("metadata.csv", "metadata.jsonl")
NAMES = ("file_name", "audio_file_name")


@dataclass(frozen=True)
class Config:
    """All sounds that the metadata files below `path` list, whose own licence holds.

    A row's `file_name` is relative to its metadata file. The columns `captions` and `labels` hold a text or a list of
    texts; all others go to `extra`. Several rows of one sound are one clip. Without metadata the clips are the sounds
    themselves, and their label is the name of the folder they lie in. Splits ("train", "validation", "test") are the
    words in the folders' names, as Hugging Face reads them (https://huggingface.co/docs/datasets/audio_dataset); where
    there are none, `resplit` makes LAION-CLAP's 90/10.
    """

    path: str
    splits: tuple[str, ...] = ()
    captions: tuple[str, ...] = _columns.CAPTIONS
    labels: tuple[str, ...] = _columns.LABELS

    def build(self) -> list[Clip]:
        """The clips, all there.

        Raises DataError where the folder, a metadata file or a sound that it lists is not there.
        """
        clips = self.listed()
        require_files(clips, Path(self.path).expanduser())
        return clips

    def listed(self) -> list[Clip]:
        """Every clip in the order of the metadata files, or of the sounds' names; the id is the path below `path`.

        Raises DataError.
        """
        folder = _published.root(self.path)
        tables = sorted(table for name in TABLES for table in folder.rglob(name))
        clips: dict[str, Clip] = {}
        for clip in [clip for table in tables for clip in self._rows(table, folder)] or _bare(folder):
            first = clips.setdefault(clip.id, clip)
            if first is not clip:
                captions, labels = first.captions + clip.captions, dict.fromkeys(first.labels + clip.labels)
                clips[clip.id] = dataclasses.replace(first, captions=captions, labels=tuple(labels))
        if not clips:
            raise DataError(f"{folder}: no metadata file and no sound; known: {' '.join(sorted(known_suffixes()))}")
        return _columns.require_splits(list(clips.values()), self.splits, folder)

    def _rows(self, table: Path, folder: Path) -> list[Clip]:
        clips = []
        for row in rows.read(table):
            column = next((name for name in NAMES if name in row.values), NAMES[0])
            file = table.parent / row.text(column)
            if not file.is_relative_to(folder) or ".." in file.parts:
                raise DataError(f"{row.place}: '{row.text(column)}' lies outside {folder}")
            below = file.relative_to(folder)
            clips.append(
                Clip(
                    id=below.as_posix(),
                    path=file,
                    captions=_columns.texts(row.values, self.captions, row.place),
                    labels=_columns.texts(row.values, self.labels, row.place),
                    extra=_columns.others(
                        row.values, (column, *self.captions, *self.labels), _columns.split_of(below.parts[:-1])
                    ),
                )
            )
        return clips


def _bare(folder: Path) -> list[Clip]:
    """The sounds of a folder without metadata."""
    clips = []
    for file in sorted(sounds(folder)):
        below = file.relative_to(folder)
        group = below.parent.name
        is_split = any(group.lower() in names for names in _columns.SPLITS.values())
        clips.append(
            Clip(
                id=below.as_posix(),
                path=file,
                labels=(group.replace("_", " "),) if group and not is_split else (),
                extra={"split": _columns.split_of(below.parts[:-1])},
            )
        )
    return clips
