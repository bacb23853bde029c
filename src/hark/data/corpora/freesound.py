"""A Freesound dump: uploads with the title, description and tags that their uploaders gave them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hark.core.errors import DataError
from hark.data import rows
from hark.data.card import Card
from hark.data.records import Clip
from hark.data.rows import Row
from hark.data.split import ninety_ten
from hark.data.stems import Stems
from hark.data.whole import known_splits, whole
from hark.text.filenames import first_sentence, title

SPLITS = ("train", "test")
TOLD = {"title": "title", "name": "title", "description": "description", "username": "uploader", "license": "licence"}
CARD = Card(
    title="Freesound",
    homepage="https://freesound.org/",
    licence="each sound its own: CC0, CC BY, CC BY-NC or CC Sampling+",
    citation="F. Font, G. Roma, X. Serra. Freesound technical demo. ACM Multimedia 2013. LAION's list: Y. Wu et al. "
    "2022 (LAION-CLAP).",
    use="training with titles and descriptions as captions; the largest part of LAION-Audio-630K and of WavCaps",
    get="Fetch sounds by Freesound's API with a key of your own; LAION's lists of ids are linked at "
    "https://github.com/LAION-AI/audio-dataset.",
    defects=(
        "Clotho, FSD50K, ESC-50 and UrbanSound8K are made of its sounds; LAION has a list without these four.",
        "Titles are file names, descriptions speak of microphones and licences as often as of the sound.",
        "LAION leaves out sounds longer than three minutes or below 16 kHz.",
    ),
)


@dataclass(frozen=True)
class Config:
    """The uploads that the `table` below `path` lists.

    Two kinds of tables are read (.csv, .tsv, .json, .jsonl): a dump (`id`, `title` or `name`, `description`, `tags`,
    `username`, `license`, the last four may be missing), whose captions are made as LAION makes them, the title and the
    description's first sentence; and LAION's lists (`url`, `caption1`, `caption2`, `freesound_id`), whose captions are
    taken as they are. The sounds lie anywhere below `path`, named by their id (`282776.wav`) or as Freesound names them
    (`282776__user__title.wav`), with any known ending.

    `as_split` says which split the table is; else hark's 90/10 by id holds. `seed` draws another 90/10.
    """

    path: str
    table: str
    splits: tuple[str, ...] = ()
    as_split: Literal["", "train", "test"] = ""
    complete: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        known_splits(self.splits, SPLITS, CARD.title)

    def build(self) -> list[Clip]:
        """The clips, all there.

        Raises DataError where the table or a sound is missing.
        """
        where = Path(self.path).expanduser() / self.table
        return whole(self.listed(), card=CARD, splits=self.splits, complete=self.complete, where=where)

    def listed(self) -> list[Clip]:
        """Every upload in the table's order, its tags as labels; the id is Freesound's.

        Raises DataError.
        """
        folder = Path(self.path).expanduser()
        stems = Stems(folder, key=_number)
        clips = []
        for row in rows.read(folder / self.table):
            name = _id(row)
            split = self.as_split or ninety_ten(name, seed=self.seed)
            clips.append(
                Clip(
                    id=name,
                    path=stems.find(name) or folder / "audio" / f"{name}.wav",
                    captions=_captions(row),
                    labels=_tags(row),
                    extra={"split": split, "freesound_id": name, **_told(row)},
                )
            )
        return [clip for clip in clips if clip.extra["split"] in (self.splits or SPLITS)]


def _number(stem: str) -> str:
    """ "282776__user__title" is "282776"."""
    found = re.match(r"(\d+)(__|$)", stem)
    return found[1] if found else stem


def _id(row: Row) -> str:
    found = row.values.get("freesound_id", row.values.get("id"))
    name = str(found).removesuffix(".0")  # pandas writes ids of a column with gaps as numbers with a point
    if not name.isdigit():
        raise DataError(f"{row.place}: freesound_id or id is {found!r}; a Freesound id is expected")
    return name


def _captions(row: Row) -> tuple[str, ...]:
    if "caption1" in row.values:
        found = [row.values.get("caption1"), row.values.get("caption2")]
    else:
        name = row.values.get("title") or row.values.get("name") or ""
        found = [title(name), first_sentence(row.values.get("description") or "")]
    return tuple(dict.fromkeys(text.strip() for text in found if text and text.strip()))


def _tags(row: Row) -> tuple[str, ...]:
    """The tags: a list, one in JSON, or texts with commas between; a column of LAION's dump is named "tags:"."""
    found: Any = row.values.get("tags", row.values.get("tags:"))
    if isinstance(found, str):
        found = json.loads(found) if found.startswith('["') and found.endswith('"]') else found.split(",")
    tags = (str(tag).strip().replace("-", " ") for tag in found or ())
    return tuple(dict.fromkeys(tag for tag in tags if tag))


def _told(row: Row) -> dict[str, str]:
    found = {key: row.values.get(column) for column, key in TOLD.items()}
    return {key: value.strip() for key, value in found.items() if isinstance(value, str) and value.strip()}
