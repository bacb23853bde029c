"""LJ Speech: 13,100 sentences of one woman who reads books aloud."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from hark.core.errors import DataError
from hark.data.card import Archive, Card
from hark.data.corpora import _published
from hark.data.records import Clip
from hark.data.split import ninety_ten
from hark.data.whole import known_splits, whole

_ID = re.compile(r"(LJ\d{3})-\d{4}")
CARD = Card(
    title="LJ Speech",
    homepage="https://keithito.com/LJ-Speech-Dataset/",
    licence="public domain",
    citation="K. Ito, L. Johnson. The LJ Speech Dataset. 2017. https://keithito.com/LJ-Speech-Dataset/",
    use="speech with its transcript; Microsoft CLAP trains on it",
    get="Download the archive, 2.6 GB, and unpack it.",
    version="1.1",
    hours=23.9,
    clips={"all": 13100},
    archives=(Archive("https://data.keithito.com/data/speech/LJSpeech-1.1.tar.bz2"),),
    defects=("There is one speaker only, and the recordings are of the same few books.",),
)


@dataclass(frozen=True)
class Config:
    """LJ Speech, whose extras are `transcript` and `normalized` (numbers and abbreviations written out).

    `path` is the published folder, with `metadata.csv` (`id|transcript|normalized`, never quoted) and `wavs/`. It has
    no split of its own: the splits are `train` and `test`, 90/10 by recording (LJ001 to LJ050). `complete = false`
    accepts a part of the corpus. There are no captions, because a transcript tells what is said and not what is heard;
    a template such as 'The person is saying "{transcript}"' makes one of it. `seed` draws another 90/10.
    """

    path: str
    splits: tuple[str, ...] = ()
    complete: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        known_splits(self.splits, ("train", "test"), CARD.title)

    def listed(self) -> list[Clip]:
        """The sentences of the table, whether or not their sounds are there.

        Raises DataError where the table is missing or cannot be used.
        """
        folder = _published.root(self.path)
        table = folder / "metadata.csv"
        clips = [_clip(place, line.split("|"), folder, self.seed) for place, line in _published.lines(table)]
        return _published.asked(clips, self.splits)

    def build(self) -> list[Clip]:
        """The sentences in the order of the table.

        Raises DataError where the table or a sound is missing, or the corpus is not whole.
        """
        where = Path(self.path) / "metadata.csv"
        return whole(self.listed(), card=CARD, splits=self.splits, complete=self.complete, where=where)


def _clip(place: str, cells: list[str], folder: Path, seed: int) -> Clip:
    named = _ID.fullmatch(cells[0])
    if len(cells) != 3 or named is None:
        raise DataError(f"{place}: no line 'LJ001-0001|transcript|normalized transcript'; unpack the archive again")
    return Clip(
        id=cells[0],
        path=folder / "wavs" / f"{cells[0]}.wav",
        extra={
            "split": ninety_ten(named[1], seed=seed),
            "recording": named[1],
            "transcript": cells[1],
            "normalized": cells[2],
        },
    )
