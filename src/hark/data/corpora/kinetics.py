"""Kinetics 400, 600 and 700: the sound of ten-second videos of people's actions."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hark.data import rows
from hark.data.card import Archive, Card
from hark.data.corpora import _published, _tables
from hark.data.records import Clip
from hark.data.stems import Stems
from hark.data.whole import known_splits

SPLITS = ("train", "val", "test")
CLIPS: dict[str, dict[str, int]] = {"400": {"train": 246534, "val": 19906, "test": 39805}}
CARD = Card(
    title="Kinetics",
    version="700-2020",
    homepage="https://github.com/cvdfoundation/kinetics-dataset",
    licence="CC BY 4.0 (the lists); the videos are their uploaders'",
    citation="L. Smaira, J. Carreira, E. Noland, E. Clancy, A. Wu, A. Zisserman. A Short Note on the Kinetics-700-2020 "
    "Human Action Dataset. arXiv:2010.10864, 2020.",
    use="actions that can be heard; Microsoft CLAP trains on Kinetics-700",
    get="Run the download scripts of the homepage, which has the lists of versions 600 and 700 too; Kinetics 700 is "
    "hundreds of gigabytes of video.",
    archives=tuple(
        Archive(f"https://s3.amazonaws.com/kinetics/{at}/annotations/{split}.csv", only={"version": version})
        for version, at in (("400", "400"), ("700-2020", "700_2020"))
        for split in SPLITS
    ),
    defects=(
        "The labels are of what is seen: many actions cannot be heard, or music lies over them.",
        "Some videos have no sound at all.",
        "Videos vanish from YouTube: copies differ.",
        "The list of the test set has no labels in some versions.",
    ),
)


@dataclass(frozen=True)
class Config:
    """The sound of one `version` of Kinetics in its splits `train`, `val` and `test`.

    `path` holds `train.csv`, `val.csv` and `test.csv`, or has them in `annotations/`. The videos, or the sounds taken
    from them, lie anywhere below it, preferably in `train/`, `val/` and `test/`; the clip of the video ID from 30 to
    40 s is looked for as ID_000030_000040, and under the other names that `audioset` knows, with any known ending
    (videos only where the extra `hark[video]` is installed). `present = true` leaves out the clips whose sound is not
    there; `complete = false` accepts other counts than the published ones, which hark knows of version 400.
    """

    path: str
    splits: tuple[str, ...] = ()
    version: Literal["400", "600", "700", "700-2020"] = "700-2020"
    present: bool = False
    complete: bool = True

    def __post_init__(self) -> None:
        known_splits(self.splits, SPLITS, CARD.title)

    @property
    def card(self) -> Card:
        """The card of this version."""
        return dataclasses.replace(CARD, version=self.version, clips=CLIPS.get(self.version, {}))

    def build(self) -> list[Clip]:
        """The clips, all there.

        Raises DataError where a list or a sound is missing, or the lists are not whole.
        """
        where = Path(self.path).expanduser()
        return _tables.of_videos(
            self.listed(), self.card, self.splits, complete=self.complete, present=self.present, where=where
        )

    def listed(self) -> list[Clip]:
        """Every clip in the lists' order, with its action as label where it has one; the id is "train/ID_30_40".

        Raises DataError.
        """
        folder = Path(self.path).expanduser()
        stems = Stems(folder)
        return [clip for split in SPLITS if split in (self.splits or SPLITS) for clip in _split(folder, split, stems)]


def _split(folder: Path, split: str, stems: Stems) -> Iterator[Clip]:
    table = _published.first_of(folder / f"{split}.csv", folder / "annotations" / f"{split}.csv")
    listed = rows.read(table)
    stretches = Counter(row.text("youtube_id") for row in listed)
    for row in listed:
        video = _tables.video(row)
        start_s, end_s = _tables.seconds(row, "time_start"), _tables.seconds(row, "time_end")
        name = f"{video}_{start_s:06.0f}_{end_s:06.0f}"
        names = _tables.file_names(video, start_s, end_s, alone=stretches[video] == 1)
        path = stems.find(name, *names, within=split)
        label = row.values.get("label")
        yield Clip(
            id=f"{split}/{video}_{start_s:g}_{end_s:g}",
            path=path or folder / split / f"{name}.mp4",
            labels=(label,) if label else (),
            extra={"split": split, **_tables.told(video, start_s)},
        )
