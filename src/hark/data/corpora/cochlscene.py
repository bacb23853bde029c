"""CochlScene: 76,115 clips of ten seconds from 13 kinds of places in Korea, recorded by 831 people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from hark.data.card import Archive, Card
from hark.data.corpora.folder import sounds
from hark.data.records import Clip
from hark.data.whole import known_splits, whole

SPLITS = ("Train", "Val", "Test")
_NAME = re.compile(r"(?P<scene>[A-Za-z]+)_(?P<person>user\d+)_(?P<recording>\d+)_(?P<piece>\d+)")
CARD = Card(
    title="CochlScene",
    homepage="https://zenodo.org/records/7080122",
    licence="CC BY-SA 3.0",
    citation="I.-Y. Jeong, J. Park. CochlScene: Acquisition of acoustic scene data using crowdsourcing. APSIPA 2022.",
    use="classification of 13 scenes; Microsoft CLAP trains on it",
    get="Download the six parts of CochlScene.zip; by hand, join them by `zip -s 0 CochlScene.zip --out whole.zip`.",
    clips={"Train": 60855, "Val": 7573, "Test": 7687},
    archives=tuple(
        Archive(f"https://zenodo.org/records/7080122/files/CochlScene.{end}")
        for end in ("zip", *(f"z{part:02d}" for part in range(1, 6)))
    ),
    defects=("Several clips are cut from one recording: split by the extra 'recorded_by' where you split anew.",),
)


@dataclass(frozen=True)
class Config:
    """CochlScene in its splits `Train`, `Val` and `Test`.

    `path` is the unpacked `CochlScene/`, with a folder of scenes in each of `Train/`, `Val/` and `Test/`
    (`Train/Bus/Bus_user0009_14897252_005.wav`), or the folder that holds it. There is no table: what lies there is the
    corpus. `complete = false` accepts a part of it.
    """

    path: str
    splits: tuple[str, ...] = ()
    complete: bool = True

    def __post_init__(self) -> None:
        known_splits(self.splits, SPLITS, CARD.title)

    def build(self) -> list[Clip]:
        """The clips.

        Raises DataError where the corpus is not whole.
        """
        where = Path(self.path).expanduser()
        return whole(self.listed(), card=CARD, splits=self.splits, complete=self.complete, where=where)

    def listed(self) -> list[Clip]:
        """Every clip that lies there, by split, scene and name, its scene as label ("residential area")."""
        folder = Path(self.path).expanduser()
        folder = folder / "CochlScene" if (folder / "CochlScene").is_dir() else folder
        return [
            Clip(
                id=file.relative_to(folder).as_posix(),
                path=file,
                labels=(_scene(file.parent.name),),
                extra={"split": split, **_told(file.stem)},
            )
            for split in SPLITS
            if split in (self.splits or SPLITS)
            for file in sorted(sounds(folder / split))
        ]


def _scene(name: str) -> str:
    """ "ResidentialArea" is "residential area"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def _told(stem: str) -> dict[str, str]:
    found = _NAME.fullmatch(stem)
    return {"recorded_by": found["person"], "recording": found["recording"]} if found else {}
