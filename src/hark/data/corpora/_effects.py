"""What the libraries of sound effects share: folders of files whose names are all that is said of them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from hark.core.errors import DataError
from hark.data import rows
from hark.data.card import Card
from hark.data.corpora import _published
from hark.data.corpora.folder import sounds
from hark.data.records import Clip
from hark.data.split import ninety_ten
from hark.data.whole import known_splits, whole
from hark.text import filenames

SPLITS = ("train", "test")
FILE = ("filename", "file name", "file", "name")
SAID = ("description", "fxname", "fx name", "caption", "title")


@dataclass(frozen=True)
class Library:
    """Every sound below `path`, split into `train` and `test` (90/10) by recording: takes of one stay together.

    Its caption comes from its file's name: "clean" makes words of it ("DOORWood_Old Barn Door_FTUS_Barn.wav" is "old
    barn door"), "laion" takes the name as it is, less ".wav", which is what LAION-CLAP trained on. `table` (.csv or
    .tsv below `path`, saved from a vendor's spreadsheet, with a file name and a description in each row) puts the
    description before it. `complete = false` accepts other counts than the published ones, where there are such.
    `seed` draws another 90/10.
    """

    path: str
    splits: tuple[str, ...] = ()
    captions: Literal["clean", "laion"] = "clean"
    table: str = ""
    complete: bool = True
    seed: int = 0

    card: ClassVar[Card]
    vendor: ClassVar[tuple[str, ...]] = ()
    """Words in file names that name the vendor, not the sound."""

    def __post_init__(self) -> None:
        known_splits(self.splits, SPLITS, self.card.title)

    def build(self) -> list[Clip]:
        """The clips.

        Raises DataError where the folder is not there, or the table does not fit.
        """
        where = Path(self.path).expanduser()
        return whole(self.listed(), card=self.card, splits=self.splits, complete=self.complete, where=where)

    def listed(self) -> list[Clip]:
        """Every sound that lies there, by its path, which is also its id; its folder is its group, an extra.

        Raises DataError.
        """
        folder = _published.root(self.path)
        described = self._described(folder) if self.table else {}
        clips = [self._clip(file, folder, described) for file in sorted(sounds(folder))]
        return [clip for clip in clips if clip.extra["split"] in (self.splits or SPLITS)]

    def _clip(self, file: Path, folder: Path, described: dict[str, str]) -> Clip:
        below = file.relative_to(folder)
        clean = filenames.caption(file.stem, drop=self.vendor)
        named = clean if self.captions == "clean" else filenames.as_laion(file.name).strip()
        key = f"{below.parent.as_posix()}/{clean or file.stem}"  # the take's number is not in it
        group = {"group": below.parent.as_posix()} if below.parent.name else {}
        said = (described.get(_key(file.name), described.get(_key(file.stem), "")), named)
        return Clip(
            id=below.as_posix(),
            path=file,
            captions=tuple(dict.fromkeys(text for text in said if text)),
            extra={"split": ninety_ten(key, seed=self.seed), **group},
        )

    def _described(self, folder: Path) -> dict[str, str]:
        """The table's descriptions by file name."""
        found = {}
        for row in rows.read(folder / self.table):
            cells = {name.strip().lower(): value for name, value in row.values.items() if isinstance(value, str)}
            file = next((cells[name] for name in FILE if name in cells), None)
            if file is None:
                raise DataError(f"{row.place}: no file name; name a column {' or '.join(FILE)}")
            said = next((cells[name] for name in SAID if name in cells), None)
            if said:
                found[_key(file.replace("\\", "/").rsplit("/", 1)[-1])] = said.strip()
        return found


def _key(name: str) -> str:
    """File names as they are compared: case and the ways to write an umlaut do not count."""
    return unicodedata.normalize("NFC", name).casefold()
