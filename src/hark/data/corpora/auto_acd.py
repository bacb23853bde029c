"""Auto-ACD: clips of AudioSet and VGGSound with sentences that a language model made of what others saw and heard."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from hark.core.settings import suggest
from hark.data import rows
from hark.data.card import Archive, Card
from hark.data.corpora import _published, _tables
from hark.data.records import Clip
from hark.data.stems import Stems
from hark.data.whole import known_splits

SPLITS = ("train", "test")
PARTS = ("vggsound", "audioset")
_VGGSOUND = re.compile(r"([\w-]{11})_(\d{6})")
_AUDIOSET = re.compile(r"Y([\w-]{11})")
_PAGE = "https://huggingface.co/datasets/Loie/Auto-ACD"

CARD = Card(
    title="Auto-ACD",
    homepage="https://auto-acd.github.io/",
    licence="captions: not stated; sounds: their YouTube uploaders' (AudioSet, VGGSound)",
    citation="L. Sun, X. Xu, M. Wu, W. Xie. Auto-ACD: A Large-scale Dataset for Audio-Language Representation Learning."
    " ACM Multimedia 2024. arXiv:2309.11500",
    use="training on many sentences that tell of the place as well",
    get="Download train.csv and test.csv from Hugging Face; the sounds are those of AudioSet and VGGSound.",
    captions={"train": 1921878},
    archives=(Archive(f"{_PAGE}/resolve/main/train.csv"), Archive(f"{_PAGE}/resolve/main/test.csv")),
    defects=(
        "Its paper counts 1.9 million pairs in its first version and 1.5 million in its last; the table has 1,921,878.",
        "Some captions begin with the model's own words, as in: The audio caption for the given information could be.",
        "The table does not say where in its video a clip of AudioSet starts.",
        "It may hold clips that AudioCaps or VGGSound test on; compare before evaluating on those.",
    ),
)


@dataclass(frozen=True)
class Config:
    """Auto-ACD, whole or one of its `parts`: vggsound, audioset.

    `path` is the folder with `train.csv` and `test.csv`. The sounds lie anywhere below it under the names that the
    tables give: "oPRC3zComfA_000117" (VGGSound: ten seconds from second 117), "YPsERnugT1hs" (AudioSet), with any
    ending that is known; AudioSet's without the "Y" will do. `present = true` leaves out the clips whose sound is not
    there, as videos vanish; `complete = false` accepts other counts than the published ones.
    """

    path: str
    splits: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    present: bool = False
    complete: bool = True

    def __post_init__(self) -> None:
        known_splits(self.splits, SPLITS, CARD.title)
        for part in self.parts:
            if part not in PARTS:
                raise ValueError(f"parts: {CARD.title} has no '{part}'; {suggest(part, PARTS)}")

    @property
    def card(self) -> Card:
        """The card; with `parts` it has no counts, which are of all of them."""
        return _published.counting(CARD, {}) if self.parts else CARD

    def build(self) -> list[Clip]:
        """The clips, all there; the counts are compared where no part is asked for.

        Raises DataError where a table or a sound is missing, or the corpus is not whole.
        """
        where = Path(self.path).expanduser()
        return _tables.of_videos(
            self.listed(), self.card, self.splits, complete=self.complete, present=self.present, where=where
        )

    def listed(self) -> list[Clip]:
        """Every clip in the tables' order, with the captions of all its rows; the id is "train/oPRC3zComfA_000117".

        Raises DataError.
        """
        folder = Path(self.path).expanduser()
        stems = Stems(folder)
        return [
            clip for split in SPLITS if split in (self.splits or SPLITS) for clip in self._split(split, folder, stems)
        ]

    def _split(self, split: str, folder: Path, stems: Stems) -> list[Clip]:
        said: dict[str, list[str]] = {}
        for row in rows.read(folder / f"{split}.csv"):
            said.setdefault(row.text("youtube_id"), []).append(row.text("caption"))
        clips = []
        for name, captions in said.items():
            extra = {"split": split, **_told(name)}
            if self.parts and extra["part"] not in self.parts:
                continue
            names = (name, name[1:]) if extra["part"] == "audioset" else (name,)
            path = stems.find(*names, within=split) or folder / extra["part"] / f"{name}.wav"
            clips.append(Clip(f"{split}/{name}", path, tuple(captions), extra=extra))
        return clips


def _told(name: str) -> dict[str, str]:
    """What the name of a clip tells."""
    if found := _VGGSOUND.fullmatch(name):
        return {"part": "vggsound", **_tables.told(found[1], int(found[2]))}
    if found := _AUDIOSET.fullmatch(name):
        return {"part": "audioset", "youtube_id": found[1]}
    return {"part": "audioset"}
