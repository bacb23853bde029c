"""MACS: ten-second recordings of airports, public squares and parks, two to five sentences and tags each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hark.core.errors import DataError
from hark.data.card import Archive, Card
from hark.data.corpora import _published, _verbatim
from hark.data.records import Clip
from hark.data.rows import Row
from hark.data.split import ninety_ten
from hark.data.whole import known_splits, whole

SPLITS = ("train", "test")
TAU = "TAU-urban-acoustic-scenes-2019-development"
_SOUNDS = {
    1: "aca4ebfd9ed03d5f747d6ba8c24bc728",
    2: "c4f170408ce77c8c70c532bf268d7be0",
    3: "c7214a07211f10f3250290d05e72c37e",
    9: "3c32a693a6b111ffb957be3c1dd22e9b",
    10: "0ffbf60006da520cc761fb74c878b98b",
    11: "599055d93b4c11057c29be2df54538d4",
    12: "98b8d162ff3665695c4c910e6c372cc8",
    13: "a356c08b1a5a21d433eba37ef87587f4",
}  # the archives of TAU 2019 that hold a sound of MACS

CARD = Card(
    title="MACS",
    homepage="https://zenodo.org/records/5114771",
    licence="captions and sounds (TAU Urban Acoustic Scenes 2019): Tampere University's, non-commercial",
    citation="I. Martín-Morató, A. Mesaros. Diversity and Bias in Audio Captioning Datasets. DCASE Workshop 2021",
    use="training on sentences about scenes; each annotator's own tags",
    get="Download MACS.yaml and eight of the archives of TAU Urban Acoustic Scenes 2019 (development) from Zenodo.",
    hours=10.9,
    clips={"all": 3930},
    captions={"all": 17275},
    archives=(
        Archive("https://zenodo.org/records/5114771/files/MACS.yaml", md5="23fcb2ebd0b109094034ef9e87972256"),
        Archive("https://zenodo.org/records/5114771/files/MACS_competence.csv", md5="4dfe9f951f0af9f29cb7952ec030370a"),
        *(
            Archive(f"https://zenodo.org/records/2589280/files/{TAU}.audio.{number}.zip", md5=md5)
            for number, md5 in _SOUNDS.items()
        ),
    ),
    defects=(
        "Three scenes only, and many clips of one place: the split here keeps a place together.",
        "Sentences are written without capitals and full stops.",
    ),
)


@dataclass(frozen=True)
class Config:
    """MACS on the sounds of TAU Urban Acoustic Scenes 2019.

    `path` is the folder with `MACS.yaml`; the sounds lie in `audio/`, or where TAU's archives unpack to beside it,
    `TAU-urban-acoustic-scenes-2019-development/audio/`. It has no splits of its own: "train" and "test" are hark's 90
    and 10 of a hundred, by place. `complete = false` accepts a part of it. `seed` draws another 90/10.
    """

    path: str
    splits: tuple[str, ...] = ()
    complete: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        known_splits(self.splits, SPLITS, CARD.title)

    def build(self) -> list[Clip]:
        """The clips, all there.

        Raises DataError where a table or a sound is missing, or the corpus is not whole.
        """
        where = Path(self.path).expanduser() / "MACS.yaml"
        return whole(self.listed(), card=CARD, splits=self.splits, complete=self.complete, where=where)

    def listed(self) -> list[Clip]:
        """Every clip in the file's order, each annotator's sentence a caption, the tags of any of them its labels.

        Raises DataError.
        """
        folder = Path(self.path).expanduser()
        sounds = folder / "audio"
        sounds = sounds if sounds.is_dir() else folder / TAU / "audio"
        table = folder / "MACS.yaml"
        found = _yaml(table)
        files = _verbatim.entries(found.get("files") if isinstance(found, dict) else found, table)
        clips = [_clip(row, sounds, self.seed) for row in files]
        return _published.asked(clips, self.splits)


def _clip(row: Row, sounds: Path, seed: int) -> Clip:
    name = row.text("filename")
    parts = name.split("-")  # scene-city-place-segment-device.wav
    if len(parts) != 5:
        raise DataError(f"{row.place}: '{name}' is no file of TAU Urban Acoustic Scenes 2019")
    annotations = row.values.get("annotations")
    if not isinstance(annotations, list) or not all(isinstance(said, dict) for said in annotations):
        raise DataError(f"{row.place}: no 'annotations'; take MACS.yaml as it is published")
    tags = [str(tag) for said in annotations for tag in said.get("tags") or []]
    place = f"{parts[1]}-{parts[2]}"
    return Clip(
        id=name,
        path=sounds / name,
        captions=_verbatim.said(str(said.get("sentence") or "") for said in annotations),
        labels=tuple(dict.fromkeys(_verbatim.said(tag.replace("_", " ") for tag in tags))),
        extra={
            "split": ninety_ten(place, seed=seed),
            "scene": parts[0].replace("_", " "),
            "place": place,
            "annotators": ",".join(str(said.get("annotator_id")) for said in annotations),
        },
    )


def _yaml(path: Path) -> Any:
    import yaml  # type: ignore[import-untyped]

    try:
        with path.open(encoding="utf-8-sig") as file:
            return yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise DataError(f"{path}: cannot be read ({reason})") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise DataError(f"{path.name}{line}: not YAML ({getattr(error, 'problem', error)})") from None
