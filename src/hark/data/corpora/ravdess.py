"""RAVDESS: 2,452 readings and singings of two sentences in eight emotions by 24 actors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hark.core.errors import DataError
from hark.data.card import Archive, Card
from hark.data.corpora import _published
from hark.data.records import Clip
from hark.data.split import ninety_ten
from hark.data.whole import known_splits, whole

COUNTS = {"speech": 1440, "song": 1012}
CHANNELS = {"01": "speech", "02": "song"}
EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fearful",
    "07": "disgust",
    "08": "surprised",
}
LEVELS = {"01": "normal", "02": "strong"}
SENTENCES = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}
_NAME = re.compile(r"03-(0[12])-(0[1-8])-(0[12])-(0[12])-(0[12])-([01]\d|2[0-4])")
CARD = Card(
    title="RAVDESS",
    homepage="https://zenodo.org/records/1188976",
    licence="CC BY-NC-SA 4.0",
    citation="S. R. Livingstone, F. A. Russo. The Ryerson Audio-Visual Database of Emotional Speech and Song "
    "(RAVDESS). PLoS ONE 13(5), 2018. doi:10.1371/journal.pone.0196391",
    use="emotion of speech and song; a test of Microsoft CLAP (speech)",
    get="Download the two archives of sounds and unpack them, each in a folder of its own or both in one.",
    version="1.0.0",
    clips={"all": 2452},
    archives=(
        Archive(
            "https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip?download=1",
            md5="bc696df654c87fed845eb13823edef8a",
            size=208468073,
        ),
        Archive(
            "https://zenodo.org/records/1188976/files/Audio_Song_Actors_01-24.zip?download=1",
            md5="5411230427d67a21e18aa4d466e6d1b9",
            size=225505317,
        ),
    ),
    defects=(
        "Actor 18 does not sing.",
        "A widespread copy holds all speech twice, once in a folder below the other; remove one.",
    ),
)


@dataclass(frozen=True)
class Config:
    """RAVDESS, labelled by the emotion that the actor was asked for.

    `path` is a folder that holds, however deep, the published folders `Actor_01/` to `Actor_24/` with files such as
    `03-01-06-01-02-01-12.wav` (sound alone, speech or song, emotion, level, sentence, repetition, actor); videos are
    passed over. `channel` keeps `speech` or `song`. The sentence is the extra `transcript`; there are no captions. It
    has no split of its own: the splits are `train` and `test`, 90/10 by actor. `complete = false` accepts a part of the
    corpus. `seed` draws another 90/10.
    """

    path: str
    splits: tuple[str, ...] = ()
    channel: Literal["all", "speech", "song"] = "all"
    complete: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        known_splits(self.splits, ("train", "test"), CARD.title)

    @property
    def card(self) -> Card:
        """The card with the counts of this channel."""
        return _published.counting(CARD, {"all": COUNTS.get(self.channel, CARD.clips["all"])})

    def listed(self) -> list[Clip]:
        """The sounds that are there, sorted.

        Raises DataError where there are none, or a name is none of a reading.
        """
        files = _published.sounds(_published.root(self.path), ".wav")
        clips = (_clip(file, self.seed) for file in files)
        return _published.asked((clip for clip in clips if self.channel in ("all", clip.extra["channel"])), self.splits)

    def build(self) -> list[Clip]:
        """The sounds, each with its emotion as label.

        Raises DataError where there are none, or the corpus is not whole.
        """
        return whole(self.listed(), card=self.card, splits=self.splits, complete=self.complete, where=Path(self.path))


def _clip(file: Path, seed: int) -> Clip:
    named = _NAME.fullmatch(file.stem)
    if named is None:
        raise DataError(f"{file}: no name like 03-01-06-01-02-01-12.wav; remove it or check 'path'")
    channel, emotion, level, sentence, repetition, actor = named.groups()
    extra = {
        "split": ninety_ten(f"Actor_{actor}", seed=seed),
        "channel": CHANNELS[channel],
        "actor": actor,
        "sex": "male" if int(actor) % 2 else "female",
        "level": LEVELS[level],
        "repetition": str(int(repetition)),
        "transcript": SENTENCES[sentence],
    }
    return Clip(id=file.stem, path=file, labels=(EMOTIONS[emotion],), extra=extra)
