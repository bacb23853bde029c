"""Mridangam Stroke Dataset: 6,977 strokes of ten kinds on mridangams of six tonics."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hark.core.errors import DataError
from hark.data.card import Archive, Card
from hark.data.corpora import _published
from hark.data.records import Clip
from hark.data.split import ninety_ten
from hark.data.whole import known_splits, whole

STROKES = ("bheem", "cha", "dheem", "dhin", "num", "ta", "tha", "tham", "thi", "thom")
TONICS = {"b": "B", "c": "C", "csh": "C#", "d": "D", "dsh": "D#", "e": "E"}
_NAME = re.compile(rf"(\d+)__.*__({'|'.join(STROKES)})-([a-z#]+)-(\w+)", re.IGNORECASE)
CARD = Card(
    title="Mridangam Stroke Dataset",
    homepage="https://zenodo.org/records/4068196",
    licence="CC BY 3.0 by its page, CC BY-NC 3.0 by the files that lie beside the sounds",
    citation="A. Anantapadmanabhan, A. Bellur, H. A. Murthy. Modal analysis and transcription of strokes of the "
    "mridangam using non-negative matrix factorization. ICASSP 2013.",
    use="strokes and tonics of a drum, two tasks of HEAR 2021",
    get="Download the archive and unpack it.",
    version="1.5",
    clips={"all": 6977},
    archives=(
        Archive(
            "https://zenodo.org/records/4068196/files/mridangam_stroke_1.5.zip?download=1",
            md5="39af55b2476b94c7946bec24331ec01a",
        ),
    ),
    defects=("One musician plays all of it, so that train and test share the player and the drums.",),
)


@dataclass(frozen=True)
class Config:
    """The strokes, labelled by the kind of `stroke` ("bheem") or by the drum's `tonic` ("C#"), as `task` says.

    `path` is the published folder, with a folder for each tonic that holds files like
    `B/224030__akshaylaya__bheem-b-001.wav`; the first number is the sound's on Freesound. It has no split of its own:
    the splits are `train` and `test`, 90/10 by stroke. `complete = false` accepts a part of the corpus. `seed` draws
    another 90/10.
    """

    path: str
    splits: tuple[str, ...] = ()
    task: Literal["stroke", "tonic"] = "stroke"
    complete: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        known_splits(self.splits, ("train", "test"), CARD.title)

    def listed(self) -> list[Clip]:
        """The strokes that are there, sorted.

        Raises DataError where there are none, or a name is no stroke's.
        """
        files = _published.sounds(_published.root(self.path), ".wav")
        return _published.asked(map(self._clip, files), self.splits)

    def build(self) -> list[Clip]:
        """The strokes, each with one label and no caption; `stroke` and `tonic` are extras.

        Raises DataError where there are none, or the corpus is not whole.
        """
        return whole(self.listed(), card=CARD, splits=self.splits, complete=self.complete, where=Path(self.path))

    def _clip(self, file: Path) -> Clip:
        named = _NAME.fullmatch(file.stem)
        if named is None:
            raise DataError(f"{file}: no name like 224030__akshaylaya__bheem-b-001.wav; remove it or check 'path'")
        folder = file.parent.name.upper()
        told = {
            "stroke": named[2].lower(),
            "tonic": folder if folder in TONICS.values() else TONICS.get(named[3].lower(), named[3]),
        }
        return Clip(
            id=file.stem,
            path=file,
            labels=(told[self.task],),
            extra={"split": ninety_ten(file.stem, seed=self.seed), "freesound_id": named[1], **told},
        )
