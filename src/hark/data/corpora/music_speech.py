"""GTZAN Music/Speech: 128 excerpts of 30 seconds, half of them music and half of them speech."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hark.data.card import Card
from hark.data.corpora import _published
from hark.data.records import Clip
from hark.data.split import ninety_ten
from hark.data.whole import known_splits, whole

CARD = Card(
    title="GTZAN Music/Speech",
    homepage="http://marsyas.info/downloads/datasets.html",
    licence="none given; for research",
    citation="G. Tzanetakis. GTZAN Music/Speech Collection. 1999.",
    use="music or speech; a test of Microsoft CLAP",
    get="The author's server has been out of reach for years; use a copy of music_speech.tar.gz.",
    hours=1.1,
    clips={"all": 128},
    defects=("The author's page speaks of 120 tracks; the archive holds 128.",),
)


@dataclass(frozen=True)
class Config:
    """GTZAN Music/Speech, 64 excerpts of each kind.

    `path` is the published folder, with `music_wav/` and `speech_wav/`. It has no split of its own: the splits are
    `train` and `test`, 90/10 by excerpt. `complete = false` accepts a part of the corpus. `seed` draws another 90/10.
    """

    path: str
    splits: tuple[str, ...] = ()
    complete: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        known_splits(self.splits, ("train", "test"), CARD.title)

    def listed(self) -> list[Clip]:
        """The excerpts that are there, sorted.

        Raises DataError where there are none.
        """
        folder = _published.root(self.path)
        clips = [
            Clip(
                id=f"{label}/{file.stem}",
                path=file,
                labels=(label,),
                extra={"split": ninety_ten(f"{label}/{file.stem}", seed=self.seed)},
            )
            for label in ("music", "speech")
            for file in _published.sounds(folder / f"{label}_wav", ".wav")
        ]
        return _published.asked(clips, self.splits)

    def build(self) -> list[Clip]:
        """The excerpts, each with "music" or "speech" as label and no caption.

        Raises DataError where there are none, or the corpus is not whole.
        """
        return whole(self.listed(), card=CARD, splits=self.splits, complete=self.complete, where=Path(self.path))
