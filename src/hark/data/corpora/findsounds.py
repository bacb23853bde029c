"""FindSounds: sounds that the search engine findsounds.com finds on the web, sorted by what was searched for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hark.data.card import Card
from hark.data.corpora import _published
from hark.data.corpora.folder import sounds
from hark.data.records import Clip
from hark.data.split import ninety_ten
from hark.data.whole import known_splits, whole
from hark.text.filenames import caption, words

SPLITS = ("train", "test")
CARD = Card(
    title="FindSounds",
    homepage="https://www.findsounds.com/",
    licence="each sound its own, mostly unknown",
    citation="FindSounds. A search engine for sound effects. Used by B. Elizalde et al. 2023 (Microsoft CLAP).",
    use="training with the names of the kinds that were searched for; Microsoft CLAP trains on it",
    get="There is no release: keep what you found, one folder for each kind ('animals/dog/bark1.wav').",
    defects=(
        "Microsoft does not publish which sounds it took.",
        "Many are of low quality (8 bit, 11 kHz) and taken from films and games.",
    ),
)


@dataclass(frozen=True)
class Config:
    """Every sound below `path`, its folder's name as label, its own name in words as caption, where it says something.

    Splits are `train` and `test`, 90/10 by kind and name, so that numbered takes stay together. `seed` draws another
    90/10.
    """

    path: str
    splits: tuple[str, ...] = ()
    complete: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        known_splits(self.splits, SPLITS, CARD.title)

    def build(self) -> list[Clip]:
        """The clips.

        Raises DataError where the folder is not there.
        """
        where = Path(self.path).expanduser()
        return whole(self.listed(), card=CARD, splits=self.splits, complete=self.complete, where=where)

    def listed(self) -> list[Clip]:
        """Every sound that lies there, by its path, which is also its id.

        Raises DataError.
        """
        folder = _published.root(self.path)
        clips = [_clip(file, folder, self.seed) for file in sorted(sounds(folder))]
        return [clip for clip in clips if clip.extra["split"] in (self.splits or SPLITS)]


def _clip(file: Path, folder: Path, seed: int) -> Clip:
    below = file.relative_to(folder)
    kind, said = words(below.parent.name), caption(file.stem)
    return Clip(
        id=below.as_posix(),
        path=file,
        captions=(said,) if said else (),
        labels=(kind,) if kind else (),
        extra={"split": ninety_ten(f"{below.parent.as_posix()}/{said or file.stem}", seed=seed)},
    )
