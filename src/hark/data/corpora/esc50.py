"""ESC-50: 2,000 recordings of 5 seconds in 50 classes of everyday sounds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from hark.core.errors import DataError
from hark.data import rows
from hark.data.manifest import require_files
from hark.data.records import Clip

FOLDS = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Config:
    """ESC-50, 40 clips of each class in 5 folds that keep a recording's clips together.

    `path` is the published folder, with `audio/` and `meta/esc50.csv`; `folds` keeps some of the folds (none given:
    all). `complete = false` accepts a part of the corpus; results on a part compare with no published ones.

    K. J. Piczak. ESC: Dataset for Environmental Sound Classification. ACM Multimedia 2015.
    https://github.com/karolpiczak/ESC-50. CC BY-NC 3.0 (the ESC-10 part, `esc10` is True: CC BY 3.0).
    """

    path: str
    folds: tuple[int, ...] = ()
    complete: bool = True

    def __post_init__(self) -> None:
        if not set(self.folds) <= set(FOLDS):
            raise ValueError(f"folds: {list(self.folds)}; ESC-50 has {list(FOLDS)}")

    def build(self) -> list[Clip]:
        """The clips in the order of the table, each with its class as label ("crying baby") and no caption.

        Raises DataError where the table or a sound is missing, or the corpus is not whole.
        """
        folder = Path(self.path).expanduser()
        table = folder / "meta" / "esc50.csv"
        listed = rows.read(table)
        if self.complete:
            _require_all(Counter(row.text("category") for row in listed), table)
        folds = {str(fold) for fold in self.folds or FOLDS}
        clips = [
            Clip(
                id=row.text("filename"),
                path=folder / "audio" / row.text("filename"),
                labels=(row.text("category").replace("_", " "),),
                extra={column: row.text(column) for column in ("fold", "target", "esc10", "src_file", "take")},
            )
            for row in listed
            if row.text("fold") in folds
        ]
        require_files(clips, table)
        return clips


def _require_all(counts: Counter[str], table: Path) -> None:
    if len(counts) != 50 or set(counts.values()) != {40}:
        found = f"{counts.total()} clips in {len(counts)} classes"
        raise DataError(f"{table}: {found}, not 40 clips in each of 50; set complete = false to use a part of ESC-50")
