"""BBC Sound Effects: 16,011 recordings of the BBC's archive with the archivists' descriptions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hark.data import rows
from hark.data.card import Archive, Card
from hark.data.corpora import _published
from hark.data.records import Clip
from hark.data.rows import Row
from hark.data.split import ninety_ten
from hark.data.stems import Stems
from hark.data.whole import known_splits, whole

SPLITS = ("train", "test")
TABLE = "BBCSoundEffects.csv"
TOLD = {"CDNumber": "cd_number", "CDName": "cd_name", "tracknum": "track", "secs": "duration_s"}

CARD = Card(
    title="BBC Sound Effects",
    homepage="https://sound-effects.bbcrewind.co.uk/",
    licence="RemArc (BBC): personal, educational and research use",
    citation="BBC Sound Effects archive, https://sound-effects.bbcrewind.co.uk/",
    use="training on descriptions (a part of LAION-Audio-630K)",
    get="Take BBCSoundEffects.csv and the downloader of github.com/FThompson/BBCSoundDownloader (284 GB of sounds).",
    hours=480.4,
    clips={"all": 16011},
    archives=(Archive("https://raw.githubusercontent.com/FThompson/BBCSoundDownloader/master/BBCSoundEffects.csv"),),
    defects=(
        "The archive has grown since: its site has 33,000 recordings, which WavCaps and SoundDescs list.",
        "Descriptions are the archivists' notes rather than sentences, and may tell of what cannot be heard.",
    ),
)


@dataclass(frozen=True)
class Config:
    """The BBC's first 16,011 sound effects.

    `path` is the folder with `BBCSoundEffects.csv`; the sounds lie anywhere below it, named as in the table
    (`07076051.wav`) or by its downloader (`sounds/CD NAME/DESCRIPTION.07076051.wav`). It has no splits of its own:
    "train" and "test" are hark's 90 and 10 of a hundred. `complete = false` accepts a part of it. `seed` draws another
    90/10.
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
        """Every clip in the table's order, with its description as caption and its category as label.

        Raises DataError.
        """
        folder = Path(self.path).expanduser()
        stems = Stems(folder, key=_number)
        clips = [_clip(row, folder, stems, self.seed) for row in rows.read(folder / TABLE)]
        return _published.asked(clips, self.splits)


def _clip(row: Row, folder: Path, stems: Stems, seed: int) -> Clip:
    name = row.text("location")
    number = _number(Path(name).stem)
    category = row.values.get("category")
    told = {key: row.values[column] for column, key in TOLD.items() if row.values.get(column)}
    return Clip(
        id=name,
        path=stems.find(number) or folder / "sounds" / name,
        captions=(row.text("description"),),
        labels=(category,) if category else (),
        extra={"split": ninety_ten(number, seed=seed), "bbc_id": number, **told},
    )


def _number(stem: str) -> str:
    """ "Two-stroke petrol engine.07076051" and "07076051" -> "07076051"; the site writes some in large letters."""
    return stem.rpartition(".")[2].casefold()
