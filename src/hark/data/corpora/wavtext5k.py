"""WavText5K: 4,525 sound effects of BigSoundBank and SoundBible with their titles, descriptions and tags."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from hark.core.errors import DataError
from hark.data.card import Archive, Card
from hark.data.corpora import _published, _verbatim
from hark.data.records import Clip
from hark.data.rows import Row
from hark.data.split import ninety_ten
from hark.data.stems import Stems
from hark.data.whole import known_splits, whole

SPLITS = ("train", "test")
TABLE = "WavText5K.csv"
_MARKUP = re.compile(r"<li>.*?</li>,?")
_SOUNDBIBLE = re.compile(r"soundbible\.com/grab\.php\?id=(\d+)")

CARD = Card(
    title="WavText5K",
    homepage="https://github.com/microsoft/WavText5K",
    licence="table: not stated; sounds: as BigSoundBank and SoundBible say on each page",
    citation="S. Deshmukh, B. Elizalde, H. Wang. Audio Retrieval with WavText5K and CLAP Training. Interspeech 2023. "
    "arXiv:2209.14275",
    use="training on short descriptions of sound effects",
    get="Clone the repository and run its process.py, which downloads the sounds.",
    clips={"all": 4525},
    archives=(Archive("https://raw.githubusercontent.com/microsoft/WavText5K/main/WavText5K.csv"),),
    defects=(
        "177 clips have no description, so that their title is the caption; five of them have no title either.",
        "Only the 2,058 sounds of SoundBible have tags.",
        "Three lists of tags hold a piece of a web page; it is left out here.",
        "Its SoundBible sounds are in WavCaps as well.",
    ),
)


@dataclass(frozen=True)
class Config:
    """WavText5K from its table and the sounds that its script downloads.

    `path` is the folder with `WavText5K.csv`; the sounds lie anywhere below it under the names in the table, such as
    the script's `WavText5K/download/` and `WavText5K/44100/audios/`, the first before the second. It has no splits of
    its own: "train" and "test" are hark's 90 and 10 of a hundred. `complete = false` accepts a part of it. `seed` draws
    another 90/10.
    """

    path: str
    splits: tuple[str, ...] = ()
    complete: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        known_splits(self.splits, SPLITS, CARD.title)

    def build(self) -> list[Clip]:
        """The clips, all there.

        Raises DataError where the table or a sound is missing, or the corpus is not whole.
        """
        where = Path(self.path).expanduser() / TABLE
        return whole(self.listed(), card=CARD, splits=self.splits, complete=self.complete, where=where)

    def listed(self) -> list[Clip]:
        """Every clip in the table's order; the caption is the description, or the title where there is none.

        Raises DataError.
        """
        folder = Path(self.path).expanduser()
        stems = Stems(folder)
        clips = [_clip(row, folder, stems, self.seed) for row in _verbatim.table(folder / TABLE)]
        return _published.asked(clips, self.splits)


def _clip(row: Row, folder: Path, stems: Stems, seed: int) -> Clip:
    name = row.text("fname")
    title, description = row.values.get("title"), row.values.get("description")
    extra: dict[str, str] = {"split": ninety_ten(name, seed=seed)}
    extra |= {key: text.strip() for key, text in (("title", title), ("url", row.values.get("view_link"))) if text}
    if found := _SOUNDBIBLE.search(row.values.get("download_link") or ""):
        extra["soundbible_id"] = found[1]
    if tags := _tags(row):
        extra["tags"] = "; ".join(tags)
    return Clip(
        id=name,
        path=stems.find(Path(name).stem, within="download") or folder / "WavText5K" / "download" / name,
        captions=(_verbatim.said([description]) or _verbatim.said([title]))[:1],
        extra=extra,
    )


def _tags(row: Row) -> list[str]:
    """The tags, which the table writes as a list of Python."""
    written = row.values.get("tags") or "[]"
    try:
        tags = ast.literal_eval(_MARKUP.sub("", written))
    except (ValueError, SyntaxError):
        tags = None
    if not isinstance(tags, list):
        raise DataError(f"{row.place}: tags {written[:40]!r} are no list; take the table as it is published")
    return [str(tag) for tag in tags]
