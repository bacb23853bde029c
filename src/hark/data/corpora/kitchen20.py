"""Kitchen20: 1,070 clips of five seconds with 20 sounds of a kitchen, mostly from Freesound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hark.data import rows
from hark.data.card import Archive, Card
from hark.data.records import Clip
from hark.data.split import ninety_ten
from hark.data.whole import ALL, known_splits, whole

SPLITS = ("train", "test")
CARD = Card(
    title="Kitchen20",
    homepage="https://github.com/marc-moreaux/kitchen20",
    licence="Apache 2.0 (the repository); each Freesound clip its own",
    citation="M. Moreaux, M. Garcia Ortiz, I. Ferrane, F. Lerasle. Benchmark for Kitchen20, a daily life dataset for "
    "audio-based human action recognition. CBMI 2019.",
    use="classification of 20 everyday sounds, in the manner of ESC-50",
    get="Download the repository.",
    clips={ALL: 1070},
    archives=(Archive("https://github.com/marc-moreaux/kitchen20/archive/master.zip"),),
    defects=(
        "Its folds cut recordings apart: clips of one are in several folds.",
        "Some clips are of YouTube and of the authors' own kitchens, without a Freesound id.",
    ),
)


@dataclass(frozen=True)
class Config:
    """Kitchen20, which is `train` and `test` by recording (hark's 90/10), because its folds are not.

    `path` is the repository's folder, with `kitchen20.csv` and `audio/`. The published fold is an extra.
    `seed` draws another 90/10. `complete = false` accepts a part of the corpus.
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
        where = Path(self.path).expanduser() / "kitchen20.csv"
        return whole(self.listed(), card=CARD, splits=self.splits, complete=self.complete, where=where)

    def listed(self) -> list[Clip]:
        """The clips in the order of the table, each with its class as label ("boiling water"); the id is its path.

        Raises DataError.
        """
        folder = Path(self.path).expanduser()
        clips = []
        for row in rows.read(folder / "kitchen20.csv"):
            recording, file = row.text("usr_id"), row.text("path")
            freesound = {"freesound_id": recording} if recording.isdigit() else {}
            extra = {
                "split": ninety_ten(recording, seed=self.seed),
                "recording": recording,
                "fold": row.text("fold"),
                **freesound,
            }
            label = row.text("category").replace("-", " ")
            clips.append(Clip(id=file, path=folder / file, labels=(label,), extra=extra))
        return [clip for clip in clips if clip.extra["split"] in (self.splits or SPLITS)]
