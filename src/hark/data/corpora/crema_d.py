"""CREMA-D: 7,442 readings of twelve sentences in six emotions by 91 actors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hark.core.errors import DataError
from hark.data import rows
from hark.data.card import Card
from hark.data.corpora import _published
from hark.data.records import Clip
from hark.data.split import ninety_ten
from hark.data.whole import known_splits, whole

SENTENCES = {
    "IEO": "It's eleven o'clock.",
    "TIE": "That is exactly what happened.",
    "IOM": "I'm on my way to the meeting.",
    "IWW": "I wonder what this is about.",
    "TAI": "The airplane is almost full.",
    "MTI": "Maybe tomorrow it will be cold.",
    "IWL": "I would like a new alarm clock.",
    "ITH": "I think I have a doctor's appointment.",
    "DFA": "Don't forget a jacket.",
    "ITS": "I think I've seen this before.",
    "TSI": "The surface is slick.",
    "WSI": "We'll stop in a couple of minutes.",
}
EMOTIONS = {"ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}
LEVELS = {"LO": "low", "MD": "medium", "HI": "high", "XX": "unspecified"}
FAULTS = {"1076_MTI_SAD_XX": "no sound in it"}
_NAME = re.compile(rf"(\d{{4}})_({'|'.join(SENTENCES)})_({'|'.join(EMOTIONS)})_({'|'.join(LEVELS)})")
CARD = Card(
    title="CREMA-D",
    homepage="https://github.com/CheyneyComputerScience/CREMA-D",
    licence="ODbL 1.0, contents DbCL 1.0",
    citation="H. Cao, D. G. Cooper, M. K. Keutmann, R. C. Gur, A. Nenkova, R. Verma. CREMA-D: Crowd-sourced Emotional "
    "Multimodal Actors Dataset. IEEE Transactions on Affective Computing 5(4), 2014.",
    use="emotion of speech, a task of HEAR 2021 and a test of Microsoft CLAP",
    get="Clone its repository with Git LFS (7.6 GB), or take the folder AudioWAV alone; the authors ask users to fill "
    "in the form on its page.",
    clips={"all": 7442},
    defects=(
        "1076_MTI_SAD_XX.wav has no sound (extra `fault`).",
        "The emotion is the one that the actor was asked for; listeners often hear another.",
        "Downloaded without Git LFS, the sounds are text files of three lines.",
    ),
)


@dataclass(frozen=True)
class Config:
    """CREMA-D, labelled by the emotion that the actor was asked for.

    `path` is the published folder, with `SentenceFilenames.csv`, `VideoDemographics.csv` (of the actors: extras `sex`
    and `age`) and `AudioWAV/1001_DFA_ANG_XX.wav` (actor, sentence, emotion, level). Without the first table the clips
    are what lies in `AudioWAV/`, without the second the actors are not told. The sentence is the extra `transcript`;
    there are no captions. It has no split of its own: the splits are `train` and `test`, 90/10 by actor.
    `seed` draws another 90/10. `complete = false` accepts a part of the corpus.
    """

    path: str
    splits: tuple[str, ...] = ()
    complete: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        known_splits(self.splits, ("train", "test"), CARD.title)

    def listed(self) -> list[Clip]:
        """The readings of the table, whether or not their sounds are there.

        Raises DataError where a table cannot be used, or a name is none of a reading.
        """
        folder = _published.root(self.path)
        table, sounds = folder / "SentenceFilenames.csv", folder / "AudioWAV"
        if table.is_file():
            named = [(row.place, row.text("Filename")) for row in rows.read(table)]
        else:
            named = [(str(file), file.stem) for file in _published.sounds(sounds, ".wav")]
        actors = _actors(folder / "VideoDemographics.csv")
        clips = (_clip(place, name, sounds, actors, self.seed) for place, name in named)
        return _published.asked(clips, self.splits)

    def build(self) -> list[Clip]:
        """The readings in the order of the table.

        Raises DataError where a sound is missing, or the corpus is not whole.
        """
        return whole(self.listed(), card=CARD, splits=self.splits, complete=self.complete, where=Path(self.path))


def _clip(place: str, name: str, sounds: Path, actors: Mapping[str, Mapping[str, str]], seed: int) -> Clip:
    named = _NAME.fullmatch(name)
    if named is None:
        raise DataError(f"{place}: '{name}'; a name like 1001_DFA_ANG_XX is expected")
    extra = {
        "split": ninety_ten(named[1], seed=seed),
        "actor": named[1],
        "transcript": SENTENCES[named[2]],
        "level": LEVELS[named[4]],
        **actors.get(named[1], {}),
    }
    if name in FAULTS:
        extra["fault"] = FAULTS[name]
    return Clip(id=name, path=sounds / f"{name}.wav", labels=(EMOTIONS[named[3]],), extra=extra)


def _actors(table: Path) -> dict[str, dict[str, str]]:
    if not table.is_file():
        return {}
    return {row.text("ActorID"): {"sex": row.text("Sex").lower(), "age": row.text("Age")} for row in rows.read(table)}
