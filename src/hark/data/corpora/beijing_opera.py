"""Beijing Opera percussion: 236 single strokes of four instruments."""

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

INSTRUMENTS = ("bangu", "daluo", "naobo", "xiaoluo")
_NAME = re.compile(rf"(?:(\d+)__.*__)?[^_]*?({'|'.join(INSTRUMENTS)})[^_]*", re.IGNORECASE)
CARD = Card(
    title="Beijing Opera Percussion Instrument Dataset",
    homepage="https://zenodo.org/records/1285212",
    licence="unknown: see https://zenodo.org/records/1285212",
    citation="M. Tian, A. Srinivasamurthy, M. Sandler, X. Serra. A Study of Instrument-wise Onset Detection in Beijing "
    "Opera Percussion Ensembles. ICASSP 2014.",
    use="percussion instruments, a task of HEAR 2021 and a test of Microsoft CLAP",
    get="Download the archive and unpack it.",
    version="1.0",
    clips={"all": 236},
    archives=(
        Archive(
            "https://zenodo.org/records/1285212/files/beijing_opera_percussion_instrument_1.0.zip?download=1",
            md5="51dc70d02a06b9d96befadf320a6996f",
        ),
    ),
    defects=("Only its training set was published; HEAR 2021 takes it in five folds.",),
)


@dataclass(frozen=True)
class Config:
    """The strokes of bangu (clapper-drum), daluo (large gong), naobo (cymbals) and xiaoluo (small gong).

    `path` is the published folder; the files' names say the instrument (`220001__user__bangu-001.wav`) and, as
    downloaded from Freesound, the sound's number there. It has no split of its own: the splits are `train` and `test`,
    90/10 by stroke. `complete = false` accepts a part of the corpus. `seed` draws another 90/10.
    """

    path: str
    splits: tuple[str, ...] = ()
    complete: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        known_splits(self.splits, ("train", "test"), CARD.title)

    def listed(self) -> list[Clip]:
        """The strokes that are there, sorted.

        Raises DataError where there are none, or a name says no instrument.
        """
        files = _published.sounds(_published.root(self.path), ".wav")
        return _published.asked((_clip(file, self.seed) for file in files), self.splits)

    def build(self) -> list[Clip]:
        """The strokes, each with its instrument as label and no caption.

        Raises DataError where there are none, or the corpus is not whole.
        """
        return whole(self.listed(), card=CARD, splits=self.splits, complete=self.complete, where=Path(self.path))


def _clip(file: Path, seed: int) -> Clip:
    named = _NAME.fullmatch(file.stem)
    if named is None:
        raise DataError(f"{file}: no stroke of {', '.join(INSTRUMENTS)} by its name; remove it or check 'path'")
    freesound = {"freesound_id": named[1]} if named[1] else {}
    return Clip(
        id=file.stem,
        path=file,
        labels=(named[2].lower(),),
        extra={"split": ninety_ten(file.stem, seed=seed), **freesound},
    )
