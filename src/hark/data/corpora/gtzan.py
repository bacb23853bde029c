"""GTZAN: 1,000 excerpts of 30 seconds of music in 10 genres."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hark.core.errors import DataError
from hark.data.card import Card
from hark.data.corpora import _published
from hark.data.records import Clip
from hark.data.split import ninety_ten
from hark.data.whole import known_splits, whole

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
FILTERED = {"train": 443, "valid": 197, "test": 290}
FAULTS = {"jazz.00054": "cannot be read in the .wav copies"}
CARD = Card(
    title="GTZAN",
    homepage="http://marsyas.info/downloads/datasets.html",
    licence="none given; commercial recordings, for research",
    citation="G. Tzanetakis, P. Cook. Musical genre classification of audio signals. IEEE Transactions on Speech and "
    "Audio Processing 10(5), 2002.",
    use="music: genre recognition; a test of Microsoft CLAP",
    get="The authors' server has been out of reach for years; use a copy of genres.tar.gz (1.2 GB, md5 "
    "5b3d6dddb579ab49814ab86dba69e7c7).",
    hours=8.3,
    clips={"all": 1000},
    defects=(
        "jazz.00054.wav cannot be read in the common copies (extra `fault`).",
        "There are repetitions, shared recordings, wrong labels and distortions (B. L. Sturm, arXiv 1306.1461).",
        "A random split leaks; the fault-filtered split keeps artists apart.",
    ),
)


@dataclass(frozen=True)
class Config:
    """GTZAN, 100 excerpts of each genre.

    `path` is the folder `genres`, with a folder for each genre (`blues/blues.00000.wav`; .au as published, or .wav), or
    the folder that holds it. It has no split of its own: the splits are `train` and `test`, 90/10 by excerpt, which
    share recordings. `lists` is a folder with `train_filtered.txt`, `valid_filtered.txt` and `test_filtered.txt`, the
    fault-filtered split of Kereliuk, Sturm and Larsen 2015 ("blues/blues.00029.wav" on each line): the splits are then
    `train`, `valid` and `test`, and the 70 excerpts in none of the lists are left out. `complete = false` accepts a
    part of the corpus. `seed` draws another 90/10.
    """

    path: str
    splits: tuple[str, ...] = ()
    lists: str = ""
    complete: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        known_splits(self.splits, tuple(FILTERED) if self.lists else ("train", "test"), CARD.title)

    @property
    def card(self) -> Card:
        """The card; with `lists`, with the counts of the fault-filtered split."""
        return _published.counting(CARD, FILTERED) if self.lists else CARD

    def listed(self) -> list[Clip]:
        """The excerpts that are there, sorted; with `lists` those that they name, there or not.

        Raises DataError where a folder or list is missing.
        """
        return _published.asked(self._from_lists() if self.lists else self._from_folders(), self.splits)

    def build(self) -> list[Clip]:
        """The excerpts, each with its genre as label ("hip hop") and no caption.

        Raises DataError where a list or a sound is missing, or the corpus is not whole.
        """
        return whole(self.listed(), card=self.card, splits=self.splits, complete=self.complete, where=Path(self.path))

    def _folder(self) -> Path:
        folder = _published.root(self.path)
        inside = (folder / "genres", folder / "genres_original")
        return folder if any((folder / genre).is_dir() for genre in GENRES) else _published.first_of(*inside, folder)

    def _from_folders(self) -> Iterator[Clip]:
        folder = self._folder()
        for file in _published.sounds(folder, ".wav", ".au"):
            if file.parent.name in GENRES:
                yield _clip(file, ninety_ten(file.stem, seed=self.seed))

    def _from_lists(self) -> Iterator[Clip]:
        folder, lists = self._folder(), Path(self.lists).expanduser()
        for split in FILTERED:
            for place, line in _published.lines(lists / f"{split}_filtered.txt"):
                genre, _, name = line.partition("/")
                stem = name.removesuffix(".wav").removesuffix(".au")
                if genre not in GENRES or not stem.startswith(f"{genre}."):
                    raise DataError(f"{place}: {line!r}; a file like blues/blues.00029.wav is expected")
                file = _published.first_of(folder / genre / f"{stem}.wav", folder / genre / f"{stem}.au")
                yield _clip(file, split)


def _clip(file: Path, split: str) -> Clip:
    genre = "hip hop" if file.parent.name == "hiphop" else file.parent.name
    fault = {"fault": FAULTS[file.stem]} if file.stem in FAULTS and file.suffix == ".wav" else {}
    return Clip(id=file.stem, path=file, labels=(genre,), extra={"split": split, **fault})
