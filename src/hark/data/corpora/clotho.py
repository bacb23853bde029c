"""Clotho: Freesound recordings of 15 to 30 seconds, five sentences each."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hark.core.errors import DataError
from hark.data.card import Archive, Card
from hark.data.corpora import _verbatim
from hark.data.records import Clip
from hark.data.rows import Row
from hark.data.whole import known_splits, whole

SPLITS = ("development", "validation", "evaluation")
VERSIONS = {
    "1": {"development": 2893, "evaluation": 1045},
    "2": {"development": 3839, "validation": 1045, "evaluation": 1045},
    "2.1": {"development": 3839, "validation": 1045, "evaluation": 1045},
}
CAPTIONS = tuple(f"caption_{number}" for number in range(1, 6))
TOLD = {
    "keywords": "keywords",
    "start_end_samples": "start_end_samples",
    "manufacturer": "author",
    "license": "licence",
}
RECORDS = {"1": "3490684", "2": "4743815", "2.1": "4783391"}  # of Zenodo
FILES = {  # MD5 of what differs between the versions
    "1": {
        "audio_development.7z": "e3ce88561b317cc3825e8c861cae1ec6",
        "captions_development.csv": "dd568352389f413d832add5cf604529f",
        "metadata_development.csv": "582c18ee47cebdbe33dce1feeab53a56",
    },
    "2": {
        "audio_development.7z": "eda144a5e05a60e6d2e37a65fc4720a9",
        "audio_validation.7z": "0475bfa5793e80f748d32525018ebada",
        "captions_development.csv": "800633304e73d3daed364a2ba6069827",
        "captions_validation.csv": "3109c353138a089c7ba724f27d71595d",
        "metadata_development.csv": "5fdc51b4c4f3468ff7d251ea563588c9",
        "metadata_validation.csv": "f69cfacebcd47c4d8d30d968f9865475",
    },
    "2.1": {
        "audio_development.7z": "c8b05bc7acdb13895bb3c6a29608667e",
        "audio_validation.7z": "7dba730be08bada48bd15dc4e668df59",
        "captions_development.csv": "d4090b39ce9f2491908eebf4d5b09bae",
        "captions_validation.csv": "5879e023032b22a2c930aaa0528bead4",
        "metadata_development.csv": "170d20935ecfdf161ce1bb154118cda5",
        "metadata_validation.csv": "2e010427c56b1ce6008b0f03f41048ce",
    },
}
EVALUATION = {  # the same in all
    "audio_evaluation.7z": "4569624ccadf96223f19cb59fe4f849f",
    "captions_evaluation.csv": "1b16b9e57cf7bdb7f13a13802aeb57e2",
    "metadata_evaluation.csv": "13946f054d4e1bf48079813aac61bf77",
}

CARD = Card(
    title="Clotho",
    version="2.1",
    homepage="https://zenodo.org/records/4783391",
    licence="sounds: each its own (`licence` of the clip, of Freesound); captions: Tampere University's licence",
    citation="K. Drossos, S. Lipping, T. Virtanen. Clotho: an Audio Captioning Dataset. ICASSP 2020. arXiv:1910.09387",
    use="training and evaluation of retrieval by sentences (DCASE's set for language-based audio retrieval)",
    get="Download the archives and tables from Zenodo, and unpack the .7z archives beside the tables.",
    clips=VERSIONS["2.1"],
    captions={split: 5 * clips for split, clips in VERSIONS["2.1"].items()},
    archives=tuple(
        Archive(f"https://zenodo.org/records/{record}/files/clotho_{name}", md5=md5, only={"version": version})
        for version, record in RECORDS.items()
        for name, md5 in (FILES[version] | EVALUATION).items()
    ),
    defects=(
        "Its page counts 3,840 and 1,046 clips in development and validation, its tables 3,839 and 1,045.",
        "Three file names begin with a space, in the tables and on disk alike.",
        "Four file names stand in two splits; the ids here begin with the split.",
        "The metadata tables are in Latin-1, the caption tables in UTF-8.",
        "Not every clip has a Freesound id in the metadata.",
        "A few captions have white space around them; it is left out here.",
        "Versions 1 and 2 have damaged sounds, and file names with characters that some file systems refuse.",
    ),
)


@dataclass(frozen=True)
class Config:
    """Clotho 1, 2 or 2.1.

    `path` is the folder with `clotho_captions_development.csv` and so on, `clotho_metadata_*.csv` (left out: no
    Freesound ids and licences), and the unpacked `development/`, `validation/`, `evaluation/`. The tables may lie in
    `clotho_csv_files/`, the sounds' folders in `clotho_audio_files/`. `complete = false` accepts a part of it.
    """

    path: str
    splits: tuple[str, ...] = ()
    version: Literal["1", "2", "2.1"] = "2.1"
    complete: bool = True

    def __post_init__(self) -> None:
        known_splits(self.splits, tuple(VERSIONS[self.version]), f"Clotho {self.version}")

    @property
    def card(self) -> Card:
        """The card of this version."""
        counts = VERSIONS[self.version]
        return dataclasses.replace(
            CARD, version=self.version, clips=counts, captions={split: 5 * clips for split, clips in counts.items()}
        )

    def build(self) -> list[Clip]:
        """The clips, all there.

        Raises DataError where a table or a sound is missing, or the corpus is not whole.
        """
        where = Path(self.path).expanduser()
        return whole(self.listed(), card=self.card, splits=self.splits, complete=self.complete, where=where)

    def listed(self) -> list[Clip]:
        """Every clip in the tables' order, each with its five captions; the id is "development/NAME.wav".

        Raises DataError.
        """
        return [
            clip for split in VERSIONS[self.version] if split in (self.splits or SPLITS) for clip in self._split(split)
        ]

    def _split(self, split: str) -> list[Clip]:
        folder = Path(self.path).expanduser()
        tables = _or(folder / "clotho_csv_files", folder)
        sounds = _or(folder / "clotho_audio_files" / split, folder / split)
        table = tables / f"clotho_captions_{split}.csv"
        rows = _verbatim.table(table)
        told = self._told(tables / f"clotho_metadata_{split}.csv", {row.text("file_name") for row in rows}, table)
        clips = []
        for row in rows:
            name = row.text("file_name")
            captions = _verbatim.said(row.text(column) for column in CAPTIONS)
            clips.append(Clip(f"{split}/{name}", sounds / name, captions, extra={"split": split, **told.get(name, {})}))
        return clips

    def _told(self, path: Path, names: set[str], table: Path) -> dict[str, dict[str, str]]:
        """What the metadata tells of each file."""
        if not path.exists():
            return {}
        told = {}
        for row in _verbatim.table(path, otherwise="latin-1"):
            name = row.text("file_name")
            if name not in names:
                raise DataError(f"{row.place}: '{name}' is not in {table.name}; take both from one version of Clotho")
            told[name] = _extra(row)
        return told


def _extra(row: Row) -> dict[str, str]:
    found = {key: row.values[column].strip() for column, key in TOLD.items() if row.values.get(column)}
    sound_id = (row.values.get("sound_id") or "").strip()
    return {"freesound_id": sound_id, **found} if sound_id.isdigit() else found  # some say "Not found"


def _or(first: Path, second: Path) -> Path:
    return first if first.is_dir() else second
