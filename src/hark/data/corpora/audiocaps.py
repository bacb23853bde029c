"""AudioCaps: ten-second clips of AudioSet with sentences by people, one in training and five in validation and test."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hark.core.errors import DataError
from hark.data import rows
from hark.data.card import Archive, Card
from hark.data.corpora import _tables
from hark.data.records import Clip
from hark.data.rows import Row
from hark.data.stems import Stems
from hark.data.whole import known_splits

SPLITS = ("train", "val", "test")
TABLES = {"1": "dataset", "2": "dataset2.0"}
CLIPS = {"1": {"train": 49838, "val": 495, "test": 975}, "2": {"val": 495, "test": 975}}
CAPTIONS = {"1": {"train": 49838, "val": 2475, "test": 4875}, "2": {"train": 91256, "val": 2475, "test": 4875}}
LENGTH_S = 10.0

CARD = Card(
    title="AudioCaps",
    version="1",
    homepage="https://audiocaps.github.io/",
    licence="captions: free for academic purposes; sounds: their YouTube uploaders'",
    citation="C. D. Kim, B. Kim, H. Lee, G. Kim. AudioCaps: Generating Captions for Audios in The Wild. NAACL-HLT 2019",
    use="training and evaluation of retrieval by sentences; the sounds are a part of AudioSet",
    get="The tables are in its repository; ask its authors for the sounds with the form there, or take AudioSet's.",
    clips=CLIPS["1"],
    captions=CAPTIONS["1"],
    archives=tuple(
        Archive(
            f"https://raw.githubusercontent.com/cdjkim/audiocaps/master/{at}/{split}.csv", only={"version": version}
        )
        for version, at in TABLES.items()
        for split in SPLITS
    ),
    defects=(
        "Its first page counted 2,476 and 4,876 captions in val and test: the header lines too.",
        "Videos vanish from YouTube, so that most copies lack some of the sounds.",
        "Some clips of val and test have the same caption more than once.",
        "Its sounds are AudioSet's, and many are in WavCaps and Auto-ACD.",
        "Version 2 writes most captions of version 1 in small letters, and mends some.",
    ),
)


@dataclass(frozen=True)
class Config:
    """AudioCaps 1 or 2, from its tables and a folder of sounds that the user has.

    `path` is the repository (`dataset/train.csv`, or `dataset2.0/train.csv` in version 2), or a folder with
    `train.csv`, `val.csv`, `test.csv` themselves. The sounds lie anywhere below it, preferably in `train/`, `val/`,
    `test/`, already cut to their ten seconds; for the clip ID (11 characters) from 30 to 40 s these names are looked
    for, with any known ending: ID_30.000_40.000, ID_30_40, ID_30000_40000, ID_30.000, ID_30, ID_30000, ID_000030 and
    ID, each also with a "Y" before, and the `audiocap_id` of any of its captions ("103549"). `present = true` leaves
    out the clips whose sound is not there, as videos vanish; `complete = false` accepts other counts.
    """

    path: str
    splits: tuple[str, ...] = ()
    version: Literal["1", "2"] = "1"
    present: bool = False
    complete: bool = True

    def __post_init__(self) -> None:
        known_splits(self.splits, SPLITS, CARD.title)

    @property
    def card(self) -> Card:
        """The card of this version."""
        return dataclasses.replace(
            CARD, version=self.version, clips=CLIPS[self.version], captions=CAPTIONS[self.version]
        )

    def build(self) -> list[Clip]:
        """The clips, all there.

        Raises DataError where a table or a sound is missing, or the corpus is not whole.
        """
        where = Path(self.path).expanduser()
        return _tables.of_videos(
            self.listed(), self.card, self.splits, complete=self.complete, present=self.present, where=where
        )

    def listed(self) -> list[Clip]:
        """Every clip in the tables' order, with the captions of all its rows; the id is "train/ID_START".

        Raises DataError.
        """
        folder = Path(self.path).expanduser()
        stems = Stems(folder)
        return [
            clip for split in SPLITS if split in (self.splits or SPLITS) for clip in self._split(split, folder, stems)
        ]

    def _split(self, split: str, folder: Path, stems: Stems) -> list[Clip]:
        table = folder / TABLES[self.version] / f"{split}.csv"
        if not table.exists() and (folder / f"{split}.csv").exists():
            table = folder / f"{split}.csv"
        clips: dict[tuple[str, int], list[Row]] = {}
        numbers: dict[str, str] = {}
        for row in rows.read(table):
            number = row.text("audiocap_id")
            if number in numbers:
                raise DataError(f"{row.place}: audiocap_id {number} stands at {numbers[number]} already; remove one")
            numbers[number] = row.place
            clips.setdefault((_tables.video(row), _start_s(row)), []).append(row)
        found = []
        for (video, start_s), said in clips.items():
            name, taken = f"{video}_{start_s}", tuple(row.text("audiocap_id") for row in said)
            path = stems.find(*_tables.file_names(video, float(start_s), start_s + LENGTH_S), *taken, within=split)
            found.append(
                Clip(
                    id=f"{split}/{name}",
                    path=path or folder / split / f"{name}.wav",
                    captions=tuple(row.text("caption") for row in said),
                    extra={"split": split, **_tables.told(video, start_s), "audiocap_ids": ",".join(taken)},
                )
            )
        return found


def _start_s(row: Row) -> int:
    start = row.text("start_time")
    if not start.isdigit():
        raise DataError(f"{row.place}: start_time '{start}' is no number of seconds")
    return int(start)
