"""CMU-MOSEI: over 23,000 sentences from videos of YouTube, with sentiment and emotions."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hark.core.errors import DataError
from hark.data.card import Card
from hark.data.corpora import _cmu, _published, _verbatim
from hark.data.records import Clip
from hark.data.split import ninety_ten
from hark.data.whole import known_splits, whole

EMOTIONS = ("happiness", "sadness", "anger", "surprise", "disgust", "fear")
SCORES = ("sentiment", *EMOTIONS)
COPIED = {"train": 16326, "valid": 1871, "test": 4659}
CARD = Card(
    title="CMU-MOSEI",
    homepage="http://multicomp.cs.cmu.edu/resources/cmu-mosei-dataset/",
    licence="none given; videos of YouTube, for research",
    citation="A. Zadeh, P. P. Liang, S. Poria, E. Cambria, L.-P. Morency. Multimodal Language Analysis in the Wild: "
    "CMU-MOSEI Dataset and Interpretable Dynamic Fusion Graph. ACL 2018.",
    use="sentiment and emotion of speech; Microsoft CLAP trains on it",
    get="Must be requested from the authors, whose server is closed; the copy of MMSA (https://github.com/thuiar/MMSA) "
    "is read as well.",
    hours=65.9,
    defects=(
        "The paper counts 23,453 sentences, MMSA's copy holds 22,856; so only a copy of MMSA is compared with a count.",
        "The raw transcripts hold many sentences that nobody scored; they are left out.",
        "Some scored sentences have no transcript; they are left out.",
    ),
)


@dataclass(frozen=True)
class Config:
    """CMU-MOSEI.

    `path` is the published folder (or its `Raw/`) with `Transcript/Segmented/Combined/VIDEO.txt`
    (`VIDEO___0___start___end___text`), `Audio/Full/WAV_16000/VIDEO.wav` and the scores of single listeners in `Labels/`
    (tables with `Input.VIDEO_ID`, `Input.CLIP` and `Answer.sentiment`; of a sentence that is in several the scores of
    all count); or MMSA's, with `label.csv` and `Raw/VIDEO/0.mp4`, and its splits.

    `folds` is the file `cmu_mosei_std_folds.py` of the authors' toolkit, which is read but not run: the splits are then
    its `train`, `valid` and `test`, and videos in none of them are left out. Without it the splits are `train` and
    `test`, 90/10 by video. The labels are, by `task`, the `sentiment` ("positive", "negative" or "neutral" by the mean
    score, extra `sentiment`), or each `emotion` that at least one listener hears (its mean score of 0 to 3 is an extra
    of its name); MMSA's copy has no emotions. There are no captions; what is said is the extra `transcript`. `seed`
    draws another 90/10.
    """

    path: str
    splits: tuple[str, ...] = ()
    folds: str = ""
    task: Literal["sentiment", "emotion"] = "sentiment"
    complete: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        known_splits(self.splits, _cmu.SPLITS, CARD.title)

    @property
    def card(self) -> Card:
        """The card, which has counts of MMSA's copy only."""
        copy = (Path(self.path).expanduser() / "label.csv").is_file()
        return _published.counting(CARD, COPIED) if copy else CARD

    def listed(self) -> list[Clip]:
        """The sentences of the tables, whether or not their sounds are there.

        Raises DataError where a file is missing or cannot be used.
        """
        folder = _published.root(self.path)
        clips = _cmu.copied(folder)
        if clips is None:
            clips = list(self._sentences(_published.first_of(folder / "Raw", folder)))
        elif self.task == "emotion":
            raise DataError(f"{folder}: MMSA's copy has no emotions; set task = 'sentiment' or give the raw corpus")
        return _published.asked(clips, self.splits)

    def build(self) -> list[Clip]:
        """The sentences, video after video.

        Raises DataError where a file is missing, or MMSA's copy is not whole.
        """
        return whole(self.listed(), card=self.card, splits=self.splits, complete=self.complete, where=Path(self.path))

    def _sentences(self, folder: Path) -> Iterator[Clip]:
        scores = _scores(folder / "Labels")
        folds = _folds(Path(self.folds).expanduser()) if self.folds else None
        for file in _published.sounds(folder / "Transcript" / "Segmented" / "Combined", ".txt"):
            split = ninety_ten(file.stem, seed=self.seed) if folds is None else folds.get(file.stem, "")
            for place, line in _published.lines(file, otherwise="latin-1") if split else ():
                video, number, start, end, said = _cells(line, place)
                if f"{video}_{number}" not in scores:
                    continue
                means = scores[f"{video}_{number}"]
                start_s = _published.number(start, place, "start")
                duration_s = _published.number(end, place, "end") - start_s
                if duration_s <= 0:
                    raise DataError(f"{place}: ends at {end} s, before it starts at {start} s; remove the line")
                yield Clip(
                    id=f"{video}_{number}",
                    path=folder / "Audio" / "Full" / "WAV_16000" / f"{video}.wav",
                    labels=self._labels(means),
                    start_s=start_s,
                    duration_s=duration_s,
                    extra={
                        "split": split,
                        "video": video,
                        "transcript": " ".join(said.split()),
                        **{name: f"{mean:.4g}" for name, mean in means.items()},
                        **_cmu.youtube(video, start_s),
                    },
                )

    def _labels(self, means: Mapping[str, float]) -> tuple[str, ...]:
        if self.task == "sentiment":
            return (_cmu.polarity(means["sentiment"]),)
        return tuple(emotion for emotion in EMOTIONS if means[emotion] > 0)


def _cells(line: str, place: str) -> list[str]:
    cells = line.split("___", 4)
    if len(cells) != 5:
        raise DataError(f"{place}: {line!r}; a line like VIDEO___0___start___end___text is expected")
    return cells


def _scores(folder: Path) -> dict[str, dict[str, float]]:
    """The mean scores of each sentence, by VIDEO_NUMBER; tables of other things and empty answers are passed over."""
    given: dict[str, dict[str, list[float]]] = {}
    for table in _published.sounds(folder, ".csv"):
        if "Input.VIDEO_ID" not in _published.text(table, otherwise="latin-1").partition("\n")[0]:
            continue
        for row in _verbatim.table(table, otherwise="latin-1"):
            name = f"{row.text('Input.VIDEO_ID')}_{row.text('Input.CLIP')}"
            answers = given.setdefault(name, {score: [] for score in SCORES})
            for score in SCORES:
                if row.values.get(f"Answer.{score}"):
                    answers[score].append(_published.number(row.text(f"Answer.{score}"), row.place, score))
    return {
        name: {score: sum(found) / max(len(found), 1) for score, found in answers.items()}
        for name, answers in given.items()
    }


def _folds(file: Path) -> dict[str, str]:
    """The split of each video, from lists such as `standard_train_fold = ["...", ...]`."""
    folds = {}
    try:
        for line in ast.parse(_published.text(file)).body:
            if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                name = line.targets[0].id.removeprefix("standard_").removesuffix("_fold")
                if name in _cmu.SPLITS:
                    folds.update(dict.fromkeys(map(str, ast.literal_eval(line.value)), name))
    except (SyntaxError, ValueError, TypeError):
        raise DataError(f"{file}: no lists of videos; give cmu_mosei_std_folds.py of the authors' toolkit") from None
    if set(folds.values()) != set(_cmu.SPLITS):
        raise DataError(f"{file}: no lists standard_{'/'.join(_cmu.SPLITS)}_fold; give cmu_mosei_std_folds.py")
    return folds
