"""LibriCount: 5,720 mixtures of 0 to 10 people who speak at once, 5 seconds each."""

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

MOST = 10
_NAME = re.compile(r"(\d+)_(.+)")
CARD = Card(
    title="LibriCount",
    homepage="https://zenodo.org/records/1216072",
    licence="CC BY 4.0",
    citation="F.-R. Stöter, S. Chakrabarty, E. Habets, B. Edler. LibriCount, a dataset for speaker count estimation. "
    "Zenodo 2018. doi:10.5281/zenodo.1216072",
    use="how many people speak, a task of HEAR 2021 and a test of Microsoft CLAP",
    get="Download the archive and unpack it.",
    version="1.0.0",
    hours=7.9,
    clips={"all": 5720},
    archives=(
        Archive(
            "https://zenodo.org/records/1216072/files/LibriCount10-0dB.zip?download=1",
            md5="30c8f844dc59fa65d216d53db9dc37e2",
        ),
    ),
    defects=(
        "All of it comes from the test set of LibriSpeech (clean), so that a speaker is heard in many mixtures.",
        "The folder is called test, because the training set was not published.",
    ),
)


@dataclass(frozen=True)
class Config:
    """LibriCount, 520 mixtures of each count.

    `path` is the published folder, which holds `test/` with a sound and a .json of who speaks when for each mixture
    (`3_x.wav`: three speakers); only the sounds are read. It has no split of its own: the splits are `train` and
    `test`, 90/10 by mixture. `complete = false` accepts a part of the corpus. `seed` draws another 90/10.
    """

    path: str
    splits: tuple[str, ...] = ()
    complete: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        known_splits(self.splits, ("train", "test"), CARD.title)

    def listed(self) -> list[Clip]:
        """The mixtures that are there, sorted.

        Raises DataError where there are none, or a name says no count.
        """
        files = _published.sounds(_published.root(self.path), ".wav")
        return _published.asked((_clip(file, self.seed) for file in files), self.splits)

    def build(self) -> list[Clip]:
        """The mixtures, each with its count as label ("3") and no caption.

        Raises DataError where there are none, or the corpus is not whole.
        """
        return whole(self.listed(), card=CARD, splits=self.splits, complete=self.complete, where=Path(self.path))


def _clip(file: Path, seed: int) -> Clip:
    named = _NAME.fullmatch(file.stem)
    if named is None or int(named[1]) > MOST:
        raise DataError(f"{file}: no count of 0 to {MOST} speakers before '_' in its name; check 'path'")
    return Clip(
        id=file.stem,
        path=file,
        labels=(str(int(named[1])),),
        extra={"split": ninety_ten(file.stem, seed=seed), "speakers": str(int(named[1]))},
    )
