"""Clotho-GPT: sentences that GPT made of each caption of Clotho's development split and of its keywords."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path

from hark.core.errors import DataError
from hark.data.card import Card
from hark.data.corpora import _verbatim, clotho
from hark.data.records import Clip
from hark.data.rows import Row
from hark.data.whole import known_splits, whole

SPLITS = ("development",)
_NUMBER = re.compile(r"^\d\s*[.:)]\s*")

CARD = Card(
    title="Clotho-GPT",
    homepage="https://github.com/OptimusPrimus/dcase2023_task6b",
    licence="sounds: each its own Freesound licence; sentences: not stated",
    citation="P. Primus, K. Koutini, G. Widmer. CP-JKU's submission to task 6b of the DCASE 2023 challenge: Audio "
    "retrieval with PaSST and GPT-augmented captions. Technical report 2023",
    use="more sentences for Clotho's development split, in place of some of people's own",
    get="Take clotho_gpt/variations.json of the repository, beside a folder of Clotho 2.1.",
    clips={"development": 3839},
    defects=(
        "The sentences were made by gpt-3.5-turbo and not checked by anyone.",
        "Some kept the number that the model was asked to put before them; it is left out here.",
    ),
)


@dataclass(frozen=True)
class Config:
    """About five sentences for each of the five captions of a clip in Clotho's development split.

    `path` is the folder with `variations.json`; `clotho` that of Clotho, relative to `path`. A clip has the made
    sentences alone; with `originals` it has people's five before them. `complete = false` accepts a part.
    """

    path: str
    splits: tuple[str, ...] = ()
    clotho: str = "../clotho_v2"
    originals: bool = False
    complete: bool = True

    def __post_init__(self) -> None:
        known_splits(self.splits, SPLITS, CARD.title)

    def build(self) -> list[Clip]:
        """The clips, all there.

        Raises DataError where a table or a sound is missing, or the corpus is not whole.
        """
        return whole(self.listed(), card=CARD, splits=self.splits, complete=self.complete, where=self._table())

    def listed(self) -> list[Clip]:
        """The clips of Clotho of which a sentence was made, in Clotho's order.

        Raises DataError.
        """
        table = self._table()
        folder = Path(self.path).expanduser() / Path(self.clotho).expanduser()
        clips = clotho.Config(str(folder), splits=SPLITS, complete=False).listed()
        names = {clip.path.name for clip in clips}
        made: dict[str, list[tuple[int, tuple[str, ...]]]] = {}
        numbers: dict[int, str] = {}
        for row in _verbatim.entries(_verbatim.json_file(table), table):
            name = re.split(r"[/\\]", row.text("path"))[-1]
            if name not in names:
                raise DataError(
                    f"{row.place}: '{name}' is not in Clotho's development split in {folder}; check 'clotho'"
                )
            index = _index(row)
            if index in numbers:
                raise DataError(f"{row.place}: 'idx' {index} stands at {numbers[index]} already; remove one")
            numbers[index] = row.place
            made.setdefault(name, []).append((index, _sentences(row)))
        found = []
        for clip in clips:
            if clip.path.name in made:
                sentences = [text for _, texts in sorted(made[clip.path.name]) for text in texts]
                own = clip.captions if self.originals else ()
                found.append(dataclasses.replace(clip, captions=(*own, *sentences)))
        return found

    def _table(self) -> Path:
        return Path(self.path).expanduser() / "variations.json"


def _index(row: Row) -> int:
    """The caption's number in the split: five times the clip's, and 0 to 4."""
    index = row.values.get("idx")
    if not isinstance(index, int):
        raise DataError(f"{row.place}: 'idx' is {index!r}, not a number; take the file as it is published")
    return index


def _sentences(row: Row) -> tuple[str, ...]:
    texts = row.values.get("variations")
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise DataError(f"{row.place}: 'variations' is no list of sentences; take the file as it is published")
    return _verbatim.said(_NUMBER.sub("", text.strip()) for text in texts)
