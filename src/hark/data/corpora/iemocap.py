"""IEMOCAP: 10,039 turns of ten actors who talk in pairs, with the emotions that listeners hear in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hark.core.errors import DataError
from hark.data.card import Card
from hark.data.corpora import _published
from hark.data.records import Clip
from hark.data.split import ninety_ten
from hark.data.whole import known_splits, whole

SESSIONS = (1, 2, 3, 4, 5)
EMOTIONS = {
    "ang": "angry",
    "hap": "happy",
    "sad": "sad",
    "neu": "neutral",
    "fru": "frustrated",
    "exc": "excited",
    "fea": "fearful",
    "sur": "surprised",
    "dis": "disgusted",
    "oth": "other",
    "xxx": "",  # the listeners do not agree
}
_NUMBER = r"\s*(-?[\d.]+)\s*"
_TURN = re.compile(rf"\[{_NUMBER}-{_NUMBER}\]\s+(Ses0\d[FM]_\w+_([FM])\d+)\s+(\w+)\s+\[{_NUMBER},{_NUMBER},{_NUMBER}\]")
_SAID = re.compile(r"(Ses0\d[FM]_\w+_[FM]\w*\d+)\s*\[[^\]]*\]:\s*(.*)")
CARD = Card(
    title="IEMOCAP",
    homepage="https://sail.usc.edu/iemocap/",
    licence="by agreement with the University of Southern California, for research",
    citation="C. Busso, M. Bulut, C.-C. Lee, A. Kazemzadeh, E. Mower, S. Kim, J. Chang, S. Lee, S. Narayanan. IEMOCAP: "
    "interactive emotional dyadic motion capture database. Language Resources and Evaluation 42(4), 2008.",
    use="emotion of speech; Microsoft CLAP trains on it",
    get="Must be requested by the form on its page, which answers with a link.",
    hours=12.0,
    clips={"all": 10039},
    defects=(
        "About a quarter of the turns have no emotion that most listeners agree on, and so no label.",
        "Most papers keep four emotions only, with excited counted as happy, and test on one session after the other.",
    ),
)


@dataclass(frozen=True)
class Config:
    """IEMOCAP in its five sessions (extra `fold`), each of one pair of actors that no other has.

    `path` is the published folder `IEMOCAP_full_release`, with `Session1/` to `Session5/`: `sentences/wav/`, `dialog/
    EmoEvaluation/` and, if wanted, `dialog/transcriptions/` (extra `transcript`). The label is the emotion that most
    listeners hear, none where they do not agree; valence, activation and dominance (1 to 5) are extras. There are no
    captions. `folds` keeps some of the sessions (none given: all). It has no split of its own: the splits are `train`
    and `test`, 90/10 by dialogue. `complete = false` accepts a part of the corpus. `seed` draws another 90/10.
    """

    path: str
    splits: tuple[str, ...] = ()
    folds: tuple[int, ...] = ()
    complete: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        known_splits(self.splits, ("train", "test"), CARD.title)
        if not set(self.folds) <= set(SESSIONS):
            raise ValueError(f"folds: {list(self.folds)}; IEMOCAP has {list(SESSIONS)}")

    @property
    def card(self) -> Card:
        """The card; with `folds` it has no counts, which are of all sessions."""
        return _published.counting(CARD, {}) if self.folds else CARD

    def listed(self) -> list[Clip]:
        """The turns of the evaluations, whether or not their sounds are there.

        Raises DataError where a file is missing or cannot be used.
        """
        turns = (turn for fold in SESSIONS if not self.folds or fold in self.folds for turn in self._session(fold))
        return _published.asked(turns, self.splits)

    def build(self) -> list[Clip]:
        """The turns, session after session, dialogue after dialogue.

        Raises DataError where a file is missing, or the corpus is not whole.
        """
        return whole(self.listed(), card=self.card, splits=self.splits, complete=self.complete, where=Path(self.path))

    def _session(self, fold: int) -> Iterator[Clip]:
        session = _published.root(self.path) / f"Session{fold}"
        if not session.is_dir() and not self.complete:
            return
        for file in _published.sounds(session / "dialog" / "EmoEvaluation", ".txt"):
            if file.parent.name == "EmoEvaluation":  # its folders hold the answers of each listener
                said = _transcripts(session / "dialog" / "transcriptions" / file.name)
                yield from _turns(file, said, session / "sentences" / "wav" / file.stem, fold, self.seed)


def _turns(file: Path, said: dict[str, str], sounds: Path, fold: int, seed: int) -> Iterator[Clip]:
    for place, line in _published.lines(file, otherwise="latin-1"):
        if not line.startswith("["):
            continue  # a heading, or the answer of one listener
        turn = _TURN.fullmatch(line)
        if turn is None or turn[5] not in EMOTIONS:
            raise DataError(f"{place}: {line!r}; [start - end], turn, emotion and [v, a, d] are expected")
        extra = {
            "split": ninety_ten(file.stem, seed=seed),
            "fold": str(fold),
            "dialogue": file.stem,
            "speaker": f"Ses0{fold}{turn[4]}",
            **dict(zip(("valence", "activation", "dominance"), turn.group(6, 7, 8), strict=True)),
        }
        if turn[3] in said:
            extra["transcript"] = said[turn[3]]
        label = EMOTIONS[turn[5]]
        yield Clip(id=turn[3], path=sounds / f"{turn[3]}.wav", labels=(label,) if label else (), extra=extra)


def _transcripts(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    found = (_SAID.fullmatch(line) for _, line in _published.lines(file, otherwise="latin-1"))
    return {line[1]: line[2] for line in found if line and line[2]}
