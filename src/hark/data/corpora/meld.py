"""MELD: 13,708 utterances of the series Friends, with emotion and sentiment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hark.data.card import Archive, Card
from hark.data.corpora import _published, _verbatim
from hark.data.records import Clip
from hark.data.rows import Row
from hark.data.whole import known_splits, require_counts, whole

FOLDERS = {"train": "train_splits", "dev": "dev_splits_complete", "test": "output_repeated_splits_test"}
NEVER_PUBLISHED = "never published"
FAULTS = {"train_dia125_utt3": "cannot be read", "dev_dia110_utt7": NEVER_PUBLISHED}
TOLD = {"Speaker": "speaker", "Season": "season", "Episode": "episode", "Dialogue_ID": "dialogue"}
CARD = Card(
    title="MELD",
    homepage="https://affective-meld.github.io",
    licence="GPL-3.0 for the annotations; the sounds are of a television series",
    citation="S. Poria, D. Hazarika, N. Majumder, G. Naik, E. Cambria, R. Mihalcea. MELD: A Multimodal Multi-Party "
    "Dataset for Emotion Recognition in Conversations. ACL 2019.",
    use="emotion and sentiment of speech in conversations; Microsoft CLAP trains on it",
    get="Download MELD.Raw.tar.gz, and unpack it and the three archives in it; hark[video] reads the .mp4.",
    hours=13.7,
    clips={"train": 9989, "dev": 1109, "test": 2610},
    archives=(Archive("https://web.eecs.umich.edu/~mihalcea/downloads/MELD.Raw.tar.gz"),),
    defects=(
        "dia110_utt7 of dev is in the table but was never published (extra `fault`); it is left out.",
        "dia125_utt3 of train cannot be read (extra `fault`).",
        "The folders hold more files than the tables tell of, most of them repetitions.",
        "Some utterances begin or end at the wrong time, as the subtitles do.",
    ),
)


@dataclass(frozen=True)
class Config:
    """MELD in its splits `train`, `dev` and `test`.

    `path` is the folder `MELD.Raw`, in which the three archives are unpacked, each either in place or in a folder of
    its split's name: tables such as `train_sent_emo.csv` (UTF-8, or Windows-1252 as in old copies) and folders such as
    `train_splits/dia0_utt0.mp4`. The label is the `emotion` or the `sentiment`, as `task` says; what is said is the
    extra `transcript`. There are no captions. `complete = false` accepts a part of the corpus.
    """

    path: str
    splits: tuple[str, ...] = ()
    task: Literal["emotion", "sentiment"] = "emotion"
    complete: bool = True

    def __post_init__(self) -> None:
        known_splits(self.splits, tuple(CARD.clips), CARD.title)

    def listed(self) -> list[Clip]:
        """The utterances of the tables, whether or not their sounds are there.

        Raises DataError where a table is missing or cannot be used.
        """
        return [clip for split in FOLDERS if not self.splits or split in self.splits for clip in self._of(split)]

    def build(self) -> list[Clip]:
        """The utterances, split after split, in the tables' order, without the one that was never published.

        Raises DataError where a table or a sound is missing, or the corpus is not whole.
        """
        clips, where = self.listed(), Path(self.path)
        if self.complete:
            require_counts(clips, card=CARD, splits=self.splits, where=where)
        kept = [clip for clip in clips if clip.extra.get("fault") != NEVER_PUBLISHED]
        return whole(kept, card=CARD, splits=self.splits, complete=False, where=where)

    def _of(self, split: str) -> Iterator[Clip]:
        folder, name = _published.root(self.path), f"{split}_sent_emo.csv"
        table = _published.first_of(folder / name, folder / split / name)
        sounds = self._sounds(split)
        for row in _verbatim.table(table, otherwise="cp1252"):
            yield self._utterance(row, split, sounds)

    def _sounds(self, split: str) -> Path:
        folder = Path(self.path).expanduser()
        return _published.first_of(folder / FOLDERS[split], folder / split / FOLDERS[split])

    def _utterance(self, row: Row, split: str, sounds: Path) -> Clip:
        name = f"dia{row.text('Dialogue_ID')}_utt{row.text('Utterance_ID')}"
        told = {"emotion": row.text("Emotion"), "sentiment": row.text("Sentiment")}
        extra = {"split": split, **told, **{key: row.text(column) for column, key in TOLD.items()}}
        extra["transcript"] = " ".join(row.text("Utterance").split())
        path, fault = sounds / f"{name}.mp4", FAULTS.get(f"{split}_{name}")
        if fault and not (fault == NEVER_PUBLISHED and path.is_file()):
            extra["fault"] = fault
        return Clip(f"{split}_{name}", path, labels=(told[self.task],), extra=extra)
