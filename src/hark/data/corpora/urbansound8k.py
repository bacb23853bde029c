"""UrbanSound8K: 8,732 recordings of up to 4 seconds in 10 classes of city sounds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hark.core.errors import DataError
from hark.data import rows
from hark.data.manifest import require_files
from hark.data.records import Clip

CLIPS = 8732
FOLDS = tuple(range(1, 11))
TOLD = ("fsID", "start", "end", "salience", "fold", "classID")  # start and end are in the Freesound recording


@dataclass(frozen=True)
class Config:
    """UrbanSound8K in its 10 folds, which keep a recording's clips together; do not shuffle them (authors' advice).

    `path` is the published folder, with `audio/fold1` to `audio/fold10` and `metadata/UrbanSound8K.csv`; `folds` keeps
    some of the folds (none given: all). `complete = false` accepts a part of the corpus.

    J. Salamon, C. Jacoby, J. P. Bello. A Dataset and Taxonomy for Urban Sound Research. ACM Multimedia 2014.
    https://urbansounddataset.weebly.com/urbansound8k.html. CC BY-NC 3.0.
    """

    path: str
    folds: tuple[int, ...] = ()
    complete: bool = True

    def __post_init__(self) -> None:
        if not set(self.folds) <= set(FOLDS):
            raise ValueError(f"folds: {list(self.folds)}; UrbanSound8K has {FOLDS[0]} to {FOLDS[-1]}")

    def build(self) -> list[Clip]:
        """The clips in the order of the table, each with its class as label ("dog bark") and no caption.

        Raises DataError where the table or a sound is missing, or the corpus is not whole.
        """
        folder = Path(self.path).expanduser()
        table = folder / "metadata" / "UrbanSound8K.csv"
        listed = rows.read(table)
        if self.complete and len(listed) != CLIPS:
            found = f"{len(listed)} clips, not {CLIPS}"
            raise DataError(f"{table}: {found}; set complete = false to use a part of UrbanSound8K")
        folds = {str(fold) for fold in self.folds or FOLDS}
        clips = [
            Clip(
                id=row.text("slice_file_name"),
                path=folder / "audio" / f"fold{row.text('fold')}" / row.text("slice_file_name"),
                labels=(row.text("class").replace("_", " "),),
                extra={column: row.text(column) for column in TOLD},
            )
            for row in listed
            if row.text("fold") in folds
        ]
        require_files(clips, table)
        return clips
