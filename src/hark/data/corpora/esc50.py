"""ESC-50: 2,000 recordings of 5 seconds in 50 classes of everyday sounds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from hark.core.errors import DataError
from hark.data import rows
from hark.data.card import Archive, Card
from hark.data.corpora import _published
from hark.data.records import Clip
from hark.data.whole import ALL, whole

FOLDS = (1, 2, 3, 4, 5)
CLIPS_A_FOLD = 400
TOLD = ("fold", "target", "esc10", "src_file", "take")
CARD = Card(
    title="ESC-50",
    version="2.0.0",
    homepage="https://github.com/karolpiczak/ESC-50",
    licence="CC BY-NC 3.0; the clips of ESC-10 CC BY 3.0",
    citation="K. J. Piczak. ESC: Dataset for Environmental Sound Classification. ACM Multimedia 2015.",
    use="classification of 50 everyday sounds in five folds (accuracy); every CLAP is tested on it",
    get="Download the repository (600 MB).",
    hours=2.8,
    clips={ALL: CLIPS_A_FOLD * len(FOLDS)},
    archives=(Archive("https://github.com/karolpiczak/ESC-50/archive/master.zip"),),
    defects=(
        "Its sounds are in every Freesound dump and in WavCaps, whose blacklist names them.",
        "Some clips are shorter sounds with silence after them.",
    ),
)


@dataclass(frozen=True)
class Config:
    """ESC-50, 40 clips of each class in 5 folds that keep a recording's clips together.

    `path` is the published folder, with `audio/` and `meta/esc50.csv`; `folds` keeps some of the folds (none given:
    all). `complete = false` accepts a part of the corpus; results on a part compare with no published ones. The
    clips of ESC-10 have `esc10` True.
    """

    path: str
    folds: tuple[int, ...] = ()
    complete: bool = True

    def __post_init__(self) -> None:
        if not set(self.folds) <= set(FOLDS):
            raise ValueError(f"folds: {list(self.folds)}; ESC-50 has {list(FOLDS)}")

    @property
    def card(self) -> Card:
        """The card with the counts of these folds."""
        return _published.counting(CARD, {ALL: CLIPS_A_FOLD * len(set(self.folds or FOLDS))})

    def build(self) -> list[Clip]:
        """The clips, all there.

        Raises DataError where the table or a sound is missing, or the corpus is not whole.
        """
        table = self._table()
        if self.complete:
            _require_all(Counter(row.text("category") for row in rows.read(table)), table)
        return whole(self.listed(), card=self.card, splits=(), complete=self.complete, where=table)

    def listed(self) -> list[Clip]:
        """The clips in the order of the table, each with its class as label ("crying baby") and no caption.

        Raises DataError.
        """
        folds = {str(fold) for fold in self.folds or FOLDS}
        return [
            Clip(
                id=row.text("filename"),
                path=Path(self.path).expanduser() / "audio" / row.text("filename"),
                labels=(row.text("category").replace("_", " "),),
                extra={column: row.text(column) for column in TOLD} | {"freesound_id": row.text("src_file")},
            )
            for row in rows.read(self._table())
            if row.text("fold") in folds
        ]

    def _table(self) -> Path:
        return Path(self.path).expanduser() / "meta" / "esc50.csv"


def _require_all(counts: Counter[str], table: Path) -> None:
    if len(counts) != 50 or set(counts.values()) != {40}:
        found = f"{counts.total()} clips in {len(counts)} classes"
        raise DataError(f"{table}: {found}, not 40 clips in each of 50; set complete = false to use a part of ESC-50")
