"""FSD50K: 51,197 sounds of Freesound, labelled by people with 200 classes of AudioSet's ontology."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hark.core.errors import DataError
from hark.data import rows
from hark.data.card import Archive, Card
from hark.data.corpora import _tables
from hark.data.records import Clip
from hark.data.rows import Row
from hark.data.whole import known_splits, whole

_AT = "https://zenodo.org/records/4060432/files/FSD50K."
SPLITS = ("train", "val", "eval")
CARD = Card(
    title="FSD50K",
    version="1.0",
    homepage="https://zenodo.org/records/4060432",
    licence="CC BY 4.0 as a whole; each clip its own: CC0, CC BY, CC BY-NC or CC Sampling+",
    citation="E. Fonseca, X. Favory, J. Pons, F. Font, X. Serra. FSD50K: an open dataset of human-labeled sound "
    "events. IEEE/ACM TASLP 30, 2022.",
    use="tagging with several labels (mAP on eval); the CLAPs train on dev and are tested on eval",
    get="Download the archives, 24 GB; by hand, join the split zips by `zip -s 0 x.zip --out whole.zip`.",
    hours=108.3,
    clips={"train": 36796, "val": 4170, "eval": 10231},
    archives=tuple(
        Archive(_AT + name, md5=md5)
        for name, md5 in (
            ("dev_audio.zip", "c480d119b8f7a7e32fdb58f3ea4d6c5a"),
            ("dev_audio.z01", "faa7cf4cc076fc34a44a479a5ed862a3"),
            ("dev_audio.z02", "8f9b66153e68571164fb1315d00bc7bc"),
            ("dev_audio.z03", "1196ef47d267a993d30fa98af54b7159"),
            ("dev_audio.z04", "d088ac4e11ba53daf9f7574c11cccac9"),
            ("dev_audio.z05", "81356521aa159accd3c35de22da28c7f"),
            ("eval_audio.zip", "6fa47636c3a3ad5c7dfeba99f2637982"),
            ("eval_audio.z01", "3090670eaeecc013ca1ff84fe4442aeb"),
            ("ground_truth.zip", "ca27382c195e37d2269c4c866dd73485"),
            ("metadata.zip", "b9ea0c829a411c1d42adb9da539ed237"),
            ("doc.zip", "3516162b82dc2945d3e7feba0904e800"),
        )
    ),
    defects=(
        "Labels of dev are correct, but some are missing; those of eval are complete.",
        "Every label's parents are labels too ('Guitar' brings 'Music').",
        "Its sounds are in WavCaps' FreeSound part and in every Freesound dump, and some are in Clotho.",
    ),
)


@dataclass(frozen=True)
class Config:
    """FSD50K in its published splits: `train` and `val`, which are dev, and `eval`.

    `path` holds the unpacked `FSD50K.dev_audio/`, `FSD50K.eval_audio/`, `FSD50K.ground_truth/` and `FSD50K.metadata/`;
    without the last one the clips have no title, description, uploader and licence. `complete = false` accepts a part.
    """

    path: str
    splits: tuple[str, ...] = ()
    complete: bool = True

    def __post_init__(self) -> None:
        known_splits(self.splits, SPLITS, CARD.title)

    def build(self) -> list[Clip]:
        """The clips, all there.

        Raises DataError where a table or a sound is missing, or the corpus is not whole.
        """
        where = Path(self.path).expanduser() / "FSD50K.ground_truth"
        return whole(self.listed(), card=CARD, splits=self.splits, complete=self.complete, where=where)

    def listed(self) -> list[Clip]:
        """Every clip in the tables' order, dev before eval, with its labels in words; the id is its Freesound id.

        Raises DataError.
        """
        folder = Path(self.path).expanduser()
        asked = self.splits or SPLITS
        vocabulary = folder / "FSD50K.ground_truth" / "vocabulary.csv"
        known = {row.text("label") for row in _tables.headless(vocabulary, ("index", "label", "mid"), delimiter=",")}
        parts = {"dev": {"train", "val"}, "eval": {"eval"}}
        return [
            clip
            for part, splits in parts.items()
            if splits & set(asked)
            for clip in _part(folder, part, known)
            if clip.extra["split"] in asked
        ]


def _part(folder: Path, part: str, known: set[str]) -> Iterator[Clip]:
    infos = folder / "FSD50K.metadata" / f"{part}_clips_info_FSD50K.json"
    told = {row.text("path"): row for row in rows.read(infos)} if infos.exists() else {}
    for row in rows.read(folder / "FSD50K.ground_truth" / f"{part}.csv"):
        name, labels = row.text("fname"), row.text("labels").split(",")
        unknown = [label for label in labels if label not in known]
        if unknown:
            raise DataError(f"{row.place}: label '{unknown[0]}' is not in vocabulary.csv")
        split = row.text("split") if part == "dev" else "eval"
        if split not in SPLITS:
            raise DataError(f"{row.place}: split '{split}'; dev has train and val")
        yield Clip(
            id=name,
            path=folder / f"FSD50K.{part}_audio" / f"{name}.wav",
            labels=tuple(_tables.in_words(label) for label in labels),
            extra={"split": split, "freesound_id": name, **_told(told.get(name))},
        )


def _told(row: Row | None) -> dict[str, str]:
    """What the uploader says."""
    if row is None:
        return {}
    named = {"title": "title", "description": "description", "uploader": "uploader", "license": "licence"}
    found = {key: row.values.get(column) for column, key in named.items()}
    return {key: value.strip() for key, value in found.items() if isinstance(value, str) and value.strip()}
