"""Speech Commands: 105,829 recordings of a second of 35 English words, by 2,618 people."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hark.core.errors import DataError
from hark.data.card import Archive, Card
from hark.data.corpora import _published
from hark.data.corpora.folder import sounds
from hark.data.records import Clip
from hark.data.whole import known_splits, whole

SPLITS = ("training", "validation", "testing")
NOISE = "_background_noise_"
CLIPS = {
    "1": {"training": 51088, "validation": 6798, "testing": 6835},
    "2": {"training": 84843, "validation": 9981, "testing": 11005},
}
CARD = Card(
    title="Speech Commands",
    version="2",
    homepage="https://www.tensorflow.org/datasets/catalog/speech_commands",
    licence="CC BY 4.0",
    citation="P. Warden. Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition. arXiv:1804.03209, 2018.",
    use="spotting of keywords; one of Microsoft CLAP's evaluation tasks",
    get="Download the archive (2.4 GB) and unpack it in a folder of its own; the two versions have the same names.",
    clips=CLIPS["2"],
    archives=(
        Archive(
            "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
            sha256="af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
            size=2428923189,
            only={"version": "2"},
        ),
        Archive(
            "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.01.tar.gz",
            sha256="743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d",
            only={"version": "1"},
        ),
    ),
    defects=(
        "Some recordings are cut off, silent or of another word.",
        "Many results are for 10 words, 'silence' and 'unknown' (12 classes), not for all words.",
    ),
)


@dataclass(frozen=True)
class Config:
    """Speech Commands of a `version`: "2" (35 words) or "1" (30), in the published splits, which share no speaker.

    `path` is the unpacked archive: a folder for each word, `validation_list.txt` and `testing_list.txt`; what they do
    not list is `training`. The long recordings in `_background_noise_/` are left out. `complete = false` accepts a
    part of the corpus.
    """

    path: str
    splits: tuple[str, ...] = ()
    version: Literal["1", "2"] = "2"
    complete: bool = True

    def __post_init__(self) -> None:
        known_splits(self.splits, SPLITS, CARD.title)

    @property
    def card(self) -> Card:
        """The card of this version."""
        return dataclasses.replace(CARD, version=self.version, clips=CLIPS[self.version])

    def build(self) -> list[Clip]:
        """The clips, all there.

        Raises DataError where a list or a sound is missing, or the corpus is not whole.
        """
        where = Path(self.path).expanduser()
        return whole(self.listed(), card=self.card, splits=self.splits, complete=self.complete, where=where)

    def listed(self) -> list[Clip]:
        """The clips with their word as label: training by name, the others in their lists' order; the id is "bed/NAME".

        Raises DataError.
        """
        folder = Path(self.path).expanduser()
        names = {split: list(_listed(folder / f"{split}_list.txt")) for split in SPLITS[1:]}
        held = {name for listed in names.values() for name in listed}
        if "training" in (self.splits or SPLITS):
            there = (file.relative_to(folder).as_posix() for file in sorted(sounds(folder)))
            names["training"] = [name for name in there if name not in held and _is_word(name)]
        return [
            Clip(
                id=name,
                path=folder / name,
                labels=(name.split("/")[0],),
                extra={"split": split, "speaker": name.split("/")[1].split("_nohash_")[0]},
            )
            for split in SPLITS
            if split in (self.splits or SPLITS)
            for name in names[split]
        ]


def _listed(table: Path) -> Iterator[str]:
    for place, name in _published.lines(table):
        if not _is_word(name):
            raise DataError(f"{place}: '{name}' is not WORD/NAME.wav")
        yield name


def _is_word(name: str) -> bool:
    return name.count("/") == 1 and not name.startswith(NOISE)
