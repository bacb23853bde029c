"""TAU Urban Acoustic Scenes 2019 to 2022: ten places of a city in up to twelve European cities."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hark.core.errors import DataError
from hark.data.card import Archive, Card
from hark.data.corpora import _tables
from hark.data.records import Clip
from hark.data.rows import Row
from hark.data.whole import ALL, known_splits, whole

COLUMNS = ("filename", "scene_label", "identifier", "source_label")
SPLITS = ("train", "test", "unused")
VERSIONS = {"2019": "2019", "2020": "2020-mobile", "2022": "2022-mobile"}
CLIPS = {"2019": {"train": 9185, "test": 4185, "unused": 1030}, "2020": {ALL: 23040}, "2022": {ALL: 230400}}
HOURS = {"2019": 40.0, "2020": 64.0, "2022": 64.0}
RECORDS = {"2019": "2589280", "2020": "3819968", "2022": "6337421"}
FILES = {  # MD5 of doc.zip, meta.zip, audio.1.zip, audio.2.zip, ...
    "2019": (
        "1f6879544e80da70099a191613e7e51f",
        "09782f2097e4735687af73c44919329c",
        "aca4ebfd9ed03d5f747d6ba8c24bc728",
        "c4f170408ce77c8c70c532bf268d7be0",
        "c7214a07211f10f3250290d05e72c37e",
        "a6a62110f6699cf4432072acb1dffda6",
        "091a0b6d3c84b8e60e46940aa7d4a8a0",
        "114f4ca13e074391b98a1cfd8140de65",
        "5951dd2968f7a514e2afbe279c4f060d",
        "b0b63dc95b327e1509857c8d8a663cc3",
        "3c32a693a6b111ffb957be3c1dd22e9b",
        "0ffbf60006da520cc761fb74c878b98b",
        "599055d93b4c11057c29be2df54538d4",
        "98b8d162ff3665695c4c910e6c372cc8",
        "a356c08b1a5a21d433eba37ef87587f4",
        "f8969771e7faf7dd471d1cf78b0cf011",
        "4758c4b0fb7484faa632266e78850820",
        "a18acad9ede8ea76574216feb887f0bc",
        "1af7703484632f340da5c33662dc9632",
        "b67402bf3e08f4da394a7c18756c0fd2",
        "035db315f19106eb848b6f9b32bcc47c",
        "9cb28c74911bf8a3eadcf53f50a5b5d6",
        "0e44ed85c88ec036a9725b4dd1dfaea0",
    ),
    "2020": (
        "175f40dc3fec144347abad4d2962b7ae",
        "6eae9db553ce48e4ea246e34e50a3cf5",
        "b1e85b8a908d3d6a6ab73268f385d5c8",
        "4310a13cc2943d6ce3f70eba7ba4c784",
        "ed38956c4246abb56190c1e9b602b7b8",
        "97ab8560056b6816808dedc044dcc023",
        "b50f5e0bfed33cd8e52cb3e7f815c6cb",
        "fbf856a3a86fff7520549c899dc94372",
        "0dbffe7b6e45564da649378723284062",
        "bb6f77832bf0bd9f786f965beb251b2e",
        "a65596a5372eab10c78e08a0de797c9e",
        "2ad595819ffa1d56d2de4c7ed43205a6",
        "0ad29f7040a4e6a22cfd639b3a6738e5",
        "e5f4400c6b9697295fab4cf507155a2f",
        "8855ab9f9896422746ab4c5d89d8da2f",
        "092ad744452cd3e7de78f988a3d13020",
        "4b5eb85f6592aebf846088d9df76b420",
        "2e0a89723e58a3836be019e6996ae460",
    ),
    "2022": (
        "9c4f610bdb5d3e3e72a17d393a26452a",
        "419b6ff6570f1030730352dc80cd8d15",
        "8be14bdbd844481dce059ab31fbd2239",
        "e821abda49b069248bb75eab39df7575",
        "9c7897f78bb42ca0008936daddf3f8f3",
        "53ec3e37c0fc0be75f53c5abbc5300b8",
        "528422c33c5d10263203d2c61cb1f3be",
        "4759a9465c903e13e57d5e82e791fc28",
        "6d545fc83a55a17856a9ccc1ac9aff6b",
        "3a2916a9b5d3f43cc7a22a62b180b0d9",
        "071f664c86639ad730f7be4e3c39d886",
        "e0839d019e9b77ecbcbb0eff85965530",
        "fc60f1c83726be3963ae14fbcb95eeb4",
        "02246547f86c0a814dc63ec65d7033bb",
        "88ae9ef884665140d1572d8061725e00",
        "c3f400d74ae90e5190dc518cde43de47",
        "85594c6fe4f91c10aa2a410f748103b8",
        "6e2df8438c69f6789414aeba8cbad9d8",
    ),
}
CARD = Card(
    title="TAU Urban Acoustic Scenes",
    version="2019",
    homepage="https://zenodo.org/records/2589280",
    licence="free for experimental and non-commercial purposes (Tampere University)",
    citation="A. Mesaros, T. Heittola, T. Virtanen. A multi-device dataset for urban acoustic scene classification. "
    "DCASE 2018.",
    use="classification of ten scenes; MACS has captions of its airports, squares and parks",
    get="Download the archives of the development set, 36 GB (2020 and 2022: 27 GB), and unpack them in one folder.",
    hours=HOURS["2019"],
    clips=CLIPS["2019"],
    archives=tuple(
        Archive(
            f"https://zenodo.org/records/{RECORDS[year]}/files/TAU-urban-acoustic-scenes-{of}-development.{name}.zip",
            md5=md5,
            only={"year": year},
        )
        for year, of in VERSIONS.items()
        for name, md5 in zip(("doc", "meta", *(f"audio.{n}" for n in range(1, 22))), FILES[year], strict=False)
    ),
    defects=(
        "Only the development set is here; the labels of the evaluation set are not published with it.",
        "A part of Milan is in neither train nor test of 2019: the split 'unused'.",
        "Several clips are cut from one recording: split by the extra 'location'.",
        "The clips of 2020 and 2022 are the same recordings; 2022 has them in pieces of one second.",
    ),
)


@dataclass(frozen=True)
class Config:
    """The development set of a `year`: 2019 (one device), 2020 (Mobile, ten seconds) or 2022 (Mobile, one second).

    `path` is the unpacked `TAU-urban-acoustic-scenes-2019-development/` (or `...-2020-mobile-development/`), or the
    folder that holds it. Splits are the published fold 1: `train`, `test`, and what is in neither, `unused`.
    `complete = false` accepts a part of the corpus.
    """

    path: str
    splits: tuple[str, ...] = ()
    year: Literal["2019", "2020", "2022"] = "2019"
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
        return whole(self.listed(), card=self.card, splits=self.splits, complete=self.complete, where=self._folder())

    def listed(self) -> list[Clip]:
        """Every clip in the order of `meta.csv`, with its scene as label ("street pedestrian"); the id is its name.

        Raises DataError.
        """
        folder = self._folder()
        sides = {}
        for part, split in (("train", "train"), ("evaluate", "test")):
            for row in _rows(folder / "evaluation_setup" / f"fold1_{part}.csv", "filename", "scene_label"):
                sides[row.text("filename")] = split
        clips = []
        for row in _rows(folder / "meta.csv", *COLUMNS):
            file = row.text("filename")
            location, device = row.text("identifier"), row.text("source_label")
            extra = {"location": location, "city": location.split("-")[0], "device": device}
            clips.append(
                Clip(
                    id=Path(file).stem,
                    path=folder / file,
                    labels=(_tables.in_words(row.text("scene_label")),),
                    extra={"split": sides.get(file, "unused"), **extra},
                )
            )
        return [clip for clip in clips if clip.extra["split"] in (self.splits or SPLITS)]

    def _folder(self) -> Path:
        folder = Path(self.path).expanduser()
        inner = folder / f"TAU-urban-acoustic-scenes-{VERSIONS[self.year]}-development"
        return inner if inner.is_dir() else folder


def _rows(table: Path, *columns: str) -> list[Row]:
    """The rows of a table that is named .csv, but has tabs between its cells, under a header line.

    Raises DataError.
    """
    found = list(_tables.headless(table, columns))
    if not found or found[0].values["filename"] != "filename":
        raise DataError(f"{table}: no header line 'filename'; take the file as it is published")
    return found[1:]
