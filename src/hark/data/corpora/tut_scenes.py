"""TUT Acoustic Scenes 2016 and 2017: 15 places in Finland, recorded with microphones in the ears."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hark.data.card import Archive, Card
from hark.data.corpora import _published, _tables
from hark.data.records import Clip
from hark.data.whole import known_splits, whole

SPLITS = ("development", "evaluation")
CLIPS = {"2016": {"development": 1170, "evaluation": 390}, "2017": {"development": 4680, "evaluation": 1620}}
HOURS = {"2016": 13.0, "2017": 17.5}
FOLDS = (1, 2, 3, 4)
FILES = {  # of a year and a split in a record of Zenodo: names and MD5
    ("2017", "development", "400515"): (
        ("doc", "2065495aaf3f1103e795c9899e2af1df"),
        ("meta", "9007fd4772d816590c5db5f5e9568f5d"),
        ("error", "802c700b021769e52a2c1e3b9c117a1b"),
        ("audio.1", "251325a9afaaad0326ad1c57f57d514a"),
        ("audio.2", "c26861e05147dc319b4250eb103d9d99"),
        ("audio.3", "a4815775f8a5e629179726ee4cd4f55a"),
        ("audio.4", "1732b03afe8c53ef8bba80ba14766e57"),
        ("audio.5", "611be754a0c951185c6ae4b7643c19a0"),
        ("audio.6", "165a201db800d3ea76fce5a9c2bd97d7"),
        ("audio.7", "c7d79db84264401c0f8680dcc36013ad"),
        ("audio.8", "35043f25123439392338c790494c7a19"),
        ("audio.9", "0805dcf5d8e6871dc9610182b2efb93a"),
        ("audio.10", "5df83a191295a04e290b125c634e13e7"),
    ),
    ("2017", "evaluation", "1040168"): (
        ("doc", "53709a07416ea3b617c02fcf67dbeb9c"),
        ("meta", "200eee9493e8044403e1326e3d05cfde"),
        ("audio.1", "3d6dda4445871e9544e0fefe7d14c7d9"),
        ("audio.2", "4085ef5fa286f2169074993a4e405953"),
        ("audio.3", "cac432579e7cf2dff0aec7aaed248956"),
        ("audio.4", "664bf09c3d24bd26c6b587f1d709de36"),
    ),
    ("2016", "development", "45739"): (
        ("doc", "f94ad46eb36325d9fbce5d60f7fc9926"),
        ("meta", "779b33da2ebbf8bde494b3c981827251"),
        ("error", "a0d3e0d81b0a36ece87d0f3a9124a386"),
        ("audio.1", "e39546e65f2e72517b6335aaf0c8323d"),
        ("audio.2", "d36cf3253e2c041f68e937a3fe804807"),
        ("audio.3", "0393a9620ab882b1c26d884eccdcffdd"),
        ("audio.4", "fb3e4e0cd7ea82120ec07031dee558ce"),
        ("audio.5", "a19cf600b33c8f88f6ad607bafd74057"),
        ("audio.6", "591aad3219d1155342572cc1f6af5680"),
        ("audio.7", "9e6c1897789e6bce13ac69c6caedb7ab"),
        ("audio.8", "c4718354f48fcc9dfc7305f6cd8325c8"),
    ),
    ("2016", "evaluation", "165995"): (
        ("doc", "ef315bf912d1124050646888cc3ceba2"),
        ("meta", "0d5c131fc3f50c682de62e0e648aceba"),
        ("audio.1", "7c6c2e54b8a9c4c37a803b81446d16fe"),
        ("audio.2", "7930f1dc26707ab3ba9526073af87333"),
        ("audio.3", "17187d633d6402aee4b481122a1b28f0"),
    ),
}
CARD = Card(
    title="TUT Acoustic Scenes",
    version="2017",
    homepage="https://zenodo.org/records/400515",
    licence="free for experimental and non-commercial purposes (Tampere University of Technology)",
    citation="A. Mesaros, T. Heittola, T. Virtanen. TUT database for acoustic scene classification and sound event "
    "detection. EUSIPCO 2016.",
    use="classification of 15 scenes; one of Microsoft CLAP's evaluation tasks (2017)",
    get="Download the archives of the development and the evaluation set, 14 GB (2016: 11 GB), and unpack them in one "
    "folder.",
    hours=HOURS["2017"],
    clips=CLIPS["2017"],
    archives=tuple(
        Archive(
            f"https://zenodo.org/records/{record}/files/TUT-acoustic-scenes-{year}-{split}.{name}.zip",
            md5=md5,
            only={"year": year},
        )
        for (year, split, record), files in FILES.items()
        for name, md5 in files
    ),
    defects=(
        "Several clips are cut from one recording: split by the extra 'location', or use the folds.",
        "The development set's error.txt lists stretches with a faulty microphone or a mobile phone's noise.",
        "The 2017 clips of development are 2016's, development and evaluation, cut into ten seconds.",
    ),
)


@dataclass(frozen=True)
class Config:
    """TUT Acoustic Scenes of a `year`: ten seconds a clip in 2017, thirty in 2016.

    `path` holds the unpacked `TUT-acoustic-scenes-2017-development/` and `TUT-acoustic-scenes-2017-evaluation/`, with
    `meta.txt` or `evaluation_setup/`. A development clip's extra `fold` is the one of the four that tests on it.
    `complete = false` accepts a part of the corpus.
    """

    path: str
    splits: tuple[str, ...] = ()
    year: Literal["2016", "2017"] = "2017"
    complete: bool = True

    def __post_init__(self) -> None:
        known_splits(self.splits, SPLITS, CARD.title)

    @property
    def card(self) -> Card:
        """The card of this year."""
        return dataclasses.replace(CARD, version=self.year, clips=CLIPS[self.year], hours=HOURS[self.year])

    def build(self) -> list[Clip]:
        """The clips, all there.

        Raises DataError where a table or a sound is missing, or the corpus is not whole.
        """
        where = Path(self.path).expanduser()
        return whole(self.listed(), card=self.card, splits=self.splits, complete=self.complete, where=where)

    def listed(self) -> list[Clip]:
        """Every clip in the tables' order with its scene as label ("metro station"); the id is "development/NAME".

        Raises DataError.
        """
        return [clip for split in SPLITS if split in (self.splits or SPLITS) for clip in self._split(split)]

    def _split(self, split: str) -> Iterator[Clip]:
        folder = Path(self.path).expanduser() / f"TUT-acoustic-scenes-{self.year}-{split}"
        setup = folder / "evaluation_setup"
        folds = _folds(setup) if split == "development" else {}
        table = _published.first_of(folder / "meta.txt", setup / "evaluate.txt")
        for row in _tables.headless(table, ("file", "scene", "location")):
            name = Path(row.text("file")).stem
            location = row.values.get("location") or ("" if name.isdigit() else name.split("_")[0])
            told = {"location": location, "fold": folds.get(f"{name}.wav", "")}
            yield Clip(
                id=f"{split}/{name}",
                path=folder / "audio" / f"{name}.wav",
                labels=(_tables.in_words(row.text("scene")),),
                extra={"split": split, **{key: value for key, value in told.items() if value}},
            )


def _folds(setup: Path) -> dict[str, str]:
    """The fold that tests on a file, where the setup is there."""
    return {
        Path(row.text("file")).name: str(fold)
        for fold in FOLDS
        if (table := setup / f"fold{fold}_evaluate.txt").exists()
        for row in _tables.headless(table, ("file", "scene", "location"))
    }
